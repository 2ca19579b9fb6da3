"""ServedModel: the text and model parts that every signature is made of."""

import functools
from collections.abc import Sequence

import tensorflow as tf

from bert.encoder import Encoder
from bert.heads import HEADS
from bert.model import FineTunedModel
from bert.packed_tokens import PackedTokens
from bert.pooling import pool
from bert.row_groups import encode_in_groups
from exporter.features import pack_features
from exporter.text.packing import PackedText
from exporter.text.pipeline import TextPipeline


class ServedModel(tf.Module):
    """Text -> PackedTokens -> pooled vector -> answer, each traced once for all signatures."""

    def __init__(
        self, model: FineTunedModel, text_names: Sequence[str], word_piece_op: str
    ) -> None:
        """Takes the model to serve.

        `text_names` are the inputs, one text or two; `word_piece_op` is one of
        exporter.text.wordpiece's.
        """
        super().__init__(name="served_model")
        self.text_names = tuple(text_names)
        self._config = model.config
        self._pipeline = TextPipeline(model, word_piece_op)
        self._encoder = Encoder(model.config, model.weights)
        self._pooling = model.pooling
        self._head = HEADS[model.task](model.weights)
        self.answer_name = self._head.output_name
        text_specs = [tf.TensorSpec([None], tf.string, name) for name in text_names]
        self._traced_text = tf.function(self._pipeline, input_signature=[text_specs])
        self.pooled = tf.function(self._pooled, input_signature=[_packed_tokens_spec()])

    def _pooled(self, tokens: PackedTokens) -> tf.Tensor:
        """One vector for every row, float32 [B, H], whatever the size of the batch."""
        pooled = functools.partial(pool, self._encoder, pooling=self._pooling)
        return encode_in_groups(pooled, tokens, self._config.hidden_size)

    def packed_text(self, texts: Sequence[tf.Tensor]) -> PackedText:
        """String [B] for each text -> the tokens of B rows."""
        return self._traced_text(list(texts))

    def packed_features(
        self, input_ids: tf.Tensor, input_mask: tf.Tensor, segment_ids: tf.Tensor
    ) -> PackedTokens:
        """Features of clients that tokenize themselves, int32 [B, S] each."""
        return pack_features(self._config, input_ids, input_mask, segment_ids)

    def answer(self, tokens: PackedTokens) -> tf.Tensor:
        """What the head says of every row, such as probabilities float32 [B, C]."""
        return self._head(self.pooled(tokens))

    def answer_text(self, texts: Sequence[tf.Tensor]) -> tf.Tensor:
        """The same for string [B] of each text."""
        return self.answer(self.packed_text(texts).tokens)


def _packed_tokens_spec() -> PackedTokens:
    flat = tf.TensorSpec([None], tf.int32)
    return PackedTokens(flat, flat, flat, flat, tf.TensorSpec([None], tf.float32))
