"""FastWordPiece: tensorflow_text's FastWordpieceTokenizer with its model in a variable."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf


class FastWordPiece(tf.Module):
    """Makes the tokenizer anew for every graph that it is traced into.

    The model of a vocabulary, 1.5 MB for 30,522 pieces, is a constant by default. Handed through
    functions, grappler tries to fold it at every one of them, which took most of the time of
    a signature's first run. It leaves a variable alone.
    """

    def __init__(
        self,
        pieces: Sequence[str],
        unknown_token: str,
        max_bytes_per_word: int,
        *,
        splits_text: bool,
    ) -> None:
        """Compiles the vocabulary.

        `splits_text` tells whether the input is text, to be split at white space and
        punctuation, or words.

        Raises:
          RuntimeError: the op does not take the vocabulary.
        """
        super().__init__(name="fast_word_piece")
        from tensorflow_text.core.pybinds import (
            pywrap_fast_wordpiece_tokenizer_model_builder as builder,
        )

        model = builder.build_fast_wordpiece_model(
            list(pieces), max_bytes_per_word, "##", unknown_token, not splits_text, False
        )
        self._model = tf.Variable(np.frombuffer(model, np.uint8), trainable=False)

    def tokenize_with_offsets(
        self, text: tf.Tensor
    ) -> tuple[tf.RaggedTensor, tf.RaggedTensor, tf.RaggedTensor]:
        """String [B] -> ids int32, first bytes and bytes after the pieces, int64 [B, (T)] each."""
        import tensorflow_text

        tokenizer = tensorflow_text.FastWordpieceTokenizer(
            model_buffer=self._model.read_value(), token_out_type=tf.int32
        )
        return tokenizer.tokenize_with_offsets(text)
