"""Words to word pieces, in graph, through tensorflow_text's WordPiece ops."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from bert.tokenizers.vocabulary import Vocabulary


class FastWordPiece(tf.Module):
    """`FastWordpieceTokenizer` with its model in a variable.

    The model of a vocabulary, 1.5 MB for 30,522 pieces, is a constant by default. Grappler tries
    to fold the constant in every function that it passes through, which took most of the time
    of a signature's first run. It does not touch a variable, so this class makes the library's
    tokenizer anew, from the variable, in every graph.
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

        With `splits_text` the input is text, which the op splits at white space and
        punctuation; without it the input is words.

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
        """Cuts string [B] into pieces.

        Example: ["unaffable", "film"] with the pieces "un", "##aff", "##able" and "film" of the
        ids 1 to 4 gives `[[1, 2, 3], [4]]`, `[[0, 2, 5], [0]]` and `[[2, 5, 9], [4]]`.

        Returns:
          int32 [B, (T)], ids; int64 [B, (T)] each, first bytes and bytes after the pieces.
        """
        import tensorflow_text

        tokenizer = tensorflow_text.FastWordpieceTokenizer(
            model_buffer=self._model.read_value(), token_out_type=tf.int32
        )
        return tokenizer.tokenize_with_offsets(text)


FAST_OP = "FastWordpieceTokenizeWithOffsets"
CLASSIC_OP = "WordpieceTokenizeWithOffsets"

MAX_BYTES_PER_CHARACTER = 4


class WordPieces(NamedTuple):
    """T pieces of W words."""

    ids: tf.Tensor
    """int32 [T]"""

    row_splits: tf.Tensor
    """int32 [W + 1]"""

    starts: tf.Tensor
    """int32 [T], first byte of the piece in its word"""

    ends: tf.Tensor
    """int32 [T], byte after the piece in its word"""


class WordPieceTokenizer(tf.Module):
    """Words to pieces, by `FAST_OP` or `CLASSIC_OP`.

    It is a module, so that a SavedModel holds the lookup table of the classic op.
    """

    def __init__(
        self, vocabulary: Vocabulary, max_characters_per_word: int, op: str, unknown_token: str
    ) -> None:
        """Leaves out every vocabulary slot that no text reaches."""
        super().__init__(name="word_piece_tokenizer")
        build: Callable = {FAST_OP: _fast, CLASSIC_OP: _classic}[op]
        max_bytes_per_word = max_characters_per_word * MAX_BYTES_PER_CHARACTER
        self._tokenizer = build(vocabulary, max_bytes_per_word, unknown_token)

    def __call__(self, words: tf.Tensor) -> WordPieces:
        """The pieces of string [W].

        Words are normalised, hold no white space, and are not longer than the limit.
        """
        ids, starts, ends = self._tokenizer.tokenize_with_offsets(words)
        return WordPieces(
            tf.cast(ids.values, tf.int32),
            tf.cast(ids.row_splits, tf.int32),
            tf.cast(starts.values, tf.int32),
            tf.cast(ends.values, tf.int32),
        )


def _fast(vocabulary: Vocabulary, max_bytes_per_word: int, unknown_token: str) -> FastWordPiece:
    return FastWordPiece(
        vocabulary.reachable_tokens, unknown_token, max_bytes_per_word, splits_text=False
    )


def _classic(  # type: ignore[no-untyped-def]
    vocabulary: Vocabulary, max_bytes_per_word: int, unknown_token: str
):
    import tensorflow_text

    tokens = vocabulary.reachable_tokens
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(list(tokens), tf.range(len(tokens), dtype=tf.int64)),
        default_value=vocabulary.ids[unknown_token],
    )
    return tensorflow_text.WordpieceTokenizer(
        table,
        max_bytes_per_word=max_bytes_per_word,
        # Without this bound the op tries every length of a long word: quadratic time.
        max_chars_per_token=max(map(len, tokens)),
        token_out_type=tf.int64,
        unknown_token=unknown_token,
    )
