"""The model behind the text, of whatever kind it is."""

import copy
import functools
from collections.abc import Mapping
from typing import Protocol

import tensorflow as tf

from bert.encoder.calibration import InputRange
from bert.encoder.heads import HEADS, Ground
from bert.encoder.packed_tokens import PackedTokens, row_of_each_value
from bert.encoder.pooling import ProjectionLayer, pool, token_vectors
from bert.encoder.precision import FLOAT32
from bert.encoder.row_groups import encode_in_groups
from bert.encoder.serving import ServingEncoder
from bert.model import FineTunedModel
from exporter.contract import DEFAULT_TOP_K
from exporter.models.features import pack_features


class Network(Protocol):
    """Tokens -> the network's answer, which is the `answer` of the model's task.

    It answers for each of B rows, or for each of their N tokens where the task needs the vectors
    of tokens.
    """

    has_embedding: bool
    """whether there is a vector beside the answer, or as the answer"""

    def answer(self, tokens: PackedTokens) -> tf.Tensor:
        """The answer for every row or token, such as probabilities float32 [B, C]."""

    def answer_features(
        self, input_ids: tf.Tensor, input_mask: tf.Tensor, segment_ids: tf.Tensor
    ) -> tf.Tensor:
        """The same for features of clients that tokenize themselves, int32 [B, S] each.

        Answers for tokens stand in the columns of their tokens, [B, S, ...], where columns that
        are masked out hold zeros.
        """

    def embedding(self, tokens: PackedTokens) -> tf.Tensor:
        """One vector for every row, float32 [B, H]."""

    def without_packed_copies(self) -> "Network":
        """The same network, none of whose graphs keeps packed copies of weights."""


class EncoderNetwork(tf.Module):
    """Our own encoder, with the weights of a checkpoint, and a head on it."""

    def __init__(
        self,
        model: FineTunedModel,
        precision: str = FLOAT32,
        input_ranges: Mapping[str, InputRange] | None = None,
        top_k: int = DEFAULT_TOP_K,
    ) -> None:
        """Takes the weights of `model`; for the next two see ServingEncoder.

        `top_k` is how many words are told in place of a mask token.
        """
        super().__init__(name="network")
        self._config = model.config
        self._encoder = ServingEncoder(model.config, model.weights, precision, input_ranges)
        self._pooling = model.pooling
        self._projections = [
            ProjectionLayer(model.weights, index, projection)
            for index, projection in enumerate(model.pooling.projections)
        ]
        self._vector_size = model.pooling.size(model.config.hidden_size)
        self._head = HEADS[model.task.name](
            Ground(
                model.task,
                model.weights,
                model.config,
                self._encoder.word_products,
                model.mask_id() if model.task.fills_masks else None,
                top_k,
            )
        )
        self._answers_rows, self._reads_tokens = model.task.answers_rows, model.task.reads_tokens
        self.has_embedding = not self._reads_tokens
        self._keeps_packed = self._encoder.keeps_packed
        self._make_functions()

    def _make_functions(self) -> None:
        # Answers and embeddings come of the same graphs of the encoder, which are written once.
        # A function that is an attribute would be traced and saved whether it is asked or not.
        self._vectors, self.answer, self.embedding = (
            functools.partial(
                tf.function(function, input_signature=[PackedTokens.spec()], autograph=False)
            )
            for function in (self._group_vectors, self._answer, self._embedding)
        )

    def without_packed_copies(self) -> "EncoderNetwork":
        """The same network, none of whose graphs keeps packed copies of weights."""
        if not self._keeps_packed:
            return self
        network = copy.copy(self)
        network._keeps_packed = False
        network._make_functions()
        return network

    def _group_vectors(self, tokens: PackedTokens) -> tf.Tensor:
        """The vectors that the head needs, of so few tokens that they are encoded at once."""
        encoder = self._encoder if self._keeps_packed else self._encoder.without_packed_copies()
        if self._reads_tokens:
            return token_vectors(encoder, tokens, self._pooling)
        return pool(encoder, tokens, self._pooling, self._projections)

    def _answer(self, tokens: PackedTokens) -> tf.Tensor:
        """What the head says of every row or token, whatever the size of the batch."""
        # The head is part of a group's work: vectors of all rows would be many times its answers.
        return encode_in_groups(
            lambda group: self._head(self._vectors(group), group),
            tokens,
            self._head.answer_shape(self._vector_size),
            rows_per_group=self._head.most_rows,
            for_tokens=not self._answers_rows,
        )

    def _embedding(self, tokens: PackedTokens) -> tf.Tensor:
        """One vector for every row, float32 [B, D], whatever the size of the batch."""
        return encode_in_groups(self._vectors, tokens, [self._vector_size])

    def answer_features(
        self, input_ids: tf.Tensor, input_mask: tf.Tensor, segment_ids: tf.Tensor
    ) -> tf.Tensor:
        """The same for features, int32 [B, S] each."""
        tokens = pack_features(self._config, input_ids, input_mask, segment_ids)
        answer = self.answer(tokens)
        if self._answers_rows:
            return answer
        places = tf.stack([row_of_each_value(tokens.row_splits), tokens.positions], axis=1)
        shape = tf.concat([tf.shape(input_ids), tf.shape(answer)[1:]], axis=0)
        return tf.scatter_nd(places, answer, shape)
