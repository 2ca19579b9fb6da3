"""ServedModel: the text and model parts that every signature is made of."""

import functools
from collections.abc import Sequence

import tensorflow as tf

from bert.encoder.packed_tokens import PackedTokens
from bert.model import TextModel
from exporter.models.network import Network
from exporter.text.pipeline import PackedText, TextPipeline


class ServedModel(tf.Module):
    """Text -> PackedTokens -> answer, each traced once for all signatures."""

    def __init__(
        self, model: TextModel, network: Network, text_names: Sequence[str], word_piece_op: str
    ) -> None:
        """Takes the model to serve, and its network.

        `text_names` are the inputs, one text or two; `word_piece_op` is one of
        exporter.text.engine.wordpiece's.
        """
        super().__init__(name="served_model")
        self.text_names = tuple(text_names)
        self.network = network
        self.answer_name = model.task.answer
        self._pipeline = TextPipeline(model, word_piece_op)
        text_specs = [tf.TensorSpec([None], tf.string, name) for name in text_names]
        # No control flow here or below is Python's: autograph finds nothing to do, and takes two
        # fifths of the time of an export to find it.
        # A function that is an attribute would be traced and saved whether it is asked or not.
        self._tokenize, self._tokenize_with_offsets = (
            functools.partial(tf.function(function, input_signature=[text_specs], autograph=False))
            for function in (self._pipeline.tokenize, self._pipeline.tokenize_with_offsets)
        )

    def tokenize(self, texts: Sequence[tf.Tensor]) -> PackedTokens:
        """String [B] for each text -> the tokens of B rows."""
        return self._tokenize(list(texts))

    def tokenize_with_offsets(self, texts: Sequence[tf.Tensor]) -> PackedText:
        """The same, with the place of each token in its text."""
        return self._tokenize_with_offsets(list(texts))

    def answer_text(self, texts: Sequence[tf.Tensor]) -> tf.Tensor:
        """String [B] for each text -> the network's answer for every row."""
        return self.network.answer(self.tokenize(texts))
