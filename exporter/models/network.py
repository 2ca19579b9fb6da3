"""The model behind the text, of whatever kind it is."""

import functools
from typing import Protocol

import tensorflow as tf

from bert.encoder.heads import HEADS
from bert.encoder.packed_tokens import PackedTokens
from bert.encoder.pooling import pool
from bert.encoder.precision import FLOAT32
from bert.encoder.row_groups import encode_in_groups
from bert.encoder.serving import ServingEncoder
from bert.model import FineTunedModel
from exporter.models.features import pack_features


class Network(Protocol):
    """Tokens -> the network's answer, which is the `answer` of the model's task."""

    has_embedding: bool
    """whether there is a vector beside the answer, or as the answer"""

    def answer(self, tokens: PackedTokens) -> tf.Tensor:
        """The answer for every row, such as probabilities float32 [B, C]."""

    def answer_features(
        self, input_ids: tf.Tensor, input_mask: tf.Tensor, segment_ids: tf.Tensor
    ) -> tf.Tensor:
        """The same for features of clients that tokenize themselves, int32 [B, S] each."""

    def embedding(self, tokens: PackedTokens) -> tf.Tensor:
        """One vector for every row, float32 [B, H]."""


class EncoderNetwork(tf.Module):
    """Our own encoder, with the weights of a checkpoint, and a head on it."""

    has_embedding = True

    def __init__(self, model: FineTunedModel, precision: str = FLOAT32) -> None:
        """Takes the weights of `model`; `precision` is one of PRECISIONS."""
        super().__init__(name="network")
        self._config = model.config
        self._encoder = ServingEncoder(model.config, model.weights, precision)
        self._pooling = model.pooling
        self._head = HEADS[model.task.name](model.weights, model.task)
        self.embedding = tf.function(
            self._embedding, input_signature=[PackedTokens.spec()], autograph=False
        )

    def _embedding(self, tokens: PackedTokens) -> tf.Tensor:
        """One vector for every row, float32 [B, H], whatever the size of the batch."""
        pooled = functools.partial(pool, self._encoder, pooling=self._pooling)
        return encode_in_groups(pooled, tokens, self._config.hidden_size)

    def answer(self, tokens: PackedTokens) -> tf.Tensor:
        """What the head says of every row."""
        return self._head(self.embedding(tokens), tokens)

    def answer_features(
        self, input_ids: tf.Tensor, input_mask: tf.Tensor, segment_ids: tf.Tensor
    ) -> tf.Tensor:
        """The same for features, int32 [B, S] each."""
        return self.answer(pack_features(self._config, input_ids, input_mask, segment_ids))
