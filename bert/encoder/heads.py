"""What stands on the encoder: a head for each task, in a registry."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from bert.config import BertConfig
from bert.encoder.dropout import dropout
from bert.encoder.mask_head import MaskHead
from bert.encoder.packed_tokens import PackedTokens
from bert.tasks import (
    CLASSIFICATION,
    EMBEDDING,
    FILL_MASK,
    IDENTITY,
    MULTILABEL,
    QUESTION_ANSWERING,
    REGRESSION,
    SIGMOID,
    SOFTMAX,
    TOKEN_CLASSIFICATION,
    TOKEN_EMBEDDING,
    Task,
)
from bert.variables import OUTPUT_BIAS, OUTPUT_WEIGHTS

# run_classifier.py, create_model: keep_prob=0.9
_DROPOUT_RATE = 0.1

_ACTIVATIONS: Mapping[str, Callable[[tf.Tensor], tf.Tensor]] = {
    IDENTITY: lambda logits: logits,
    SOFTMAX: tf.nn.softmax,
    SIGMOID: tf.math.sigmoid,
}


def finish(task: Task, logits: tf.Tensor) -> tf.Tensor:
    """The numbers of a head -> the answer of its task, by the task's activation.

    Float32 [B or N, C] -> the same shape, or [B or N] where the answer is one number:
    regression's [[0.3], [2.5]] -> [0.3, 2.5].
    """
    answer = _ACTIVATIONS[task.activation](logits)
    return tf.squeeze(answer, axis=1) if task.is_number else answer


class Head(Protocol):
    """Turns the encoder's vectors into the network's answer of one task."""

    most_rows: int | None
    """how many rows the head should see at once, None where it needs little memory for each"""

    def answer_shape(self, hidden_size: int) -> tuple[int, ...]:
        """The shape of the answer for one vector of H = hidden_size numbers."""

    def __call__(self, vectors: tf.Tensor, tokens: PackedTokens) -> tf.Tensor:
        """The vectors that the task needs -> the answer for each, float32 [B or N, ...].

        Args:
          vectors: float32 [B, H], one a row, or [N, H], one a token.
          tokens: the N tokens of B rows that the vectors are of.
        """


class Ground(NamedTuple):
    """What heads are made of."""

    task: Task

    weights: Mapping[str, np.ndarray]
    """under google-research names, of which a head picks its own"""

    config: BertConfig

    word_products: Callable[[tf.Tensor], tf.Tensor]
    """the encoder's product with the embedding of each word: [M, E] -> [M, V]"""

    mask_id: int | None
    """the id of the mask token, None where the task reads none"""

    top_k: int
    """how many words are told where they are what is told"""


class DenseHead(tf.Module):
    """One dense layer, as `create_model` of the original's `run_classifier.py` has it."""

    most_rows = None

    def __init__(
        self, weights: Mapping[str, np.ndarray], task: Task, trainable: bool = False
    ) -> None:
        """Takes `output_weights` [C, H] and `output_bias` [C]."""
        super().__init__(name="head")
        self._task = task
        self._weights = tf.Variable(
            weights[OUTPUT_WEIGHTS], name=OUTPUT_WEIGHTS, trainable=trainable
        )
        self._bias = tf.Variable(weights[OUTPUT_BIAS], name=OUTPUT_BIAS, trainable=trainable)

    def named_variables(self) -> dict[str, tf.Variable]:
        """The variables under their google-research names."""
        return {OUTPUT_WEIGHTS: self._weights, OUTPUT_BIAS: self._bias}

    def logits(self, vectors: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Float32 [B or N, H] -> float32 [B or N, C]."""
        if training:
            vectors = dropout(vectors, _DROPOUT_RATE)
        return tf.nn.bias_add(tf.matmul(vectors, self._weights, transpose_b=True), self._bias)

    def answer_shape(self, hidden_size: int) -> tuple[int, ...]:
        """(C,), or () where the answer is one number."""
        return () if self._task.is_number else tuple(self._bias.shape)

    def __call__(self, vectors: tf.Tensor, tokens: PackedTokens) -> tf.Tensor:
        """Float32 [B or N, H] -> [B or N, C], or [B or N] where the answer is one number."""
        return finish(self._task, self.logits(vectors))


class NoHead(tf.Module):
    """The vectors themselves."""

    most_rows = None

    def __init__(self) -> None:
        """Has no weights."""
        super().__init__(name="head")

    def answer_shape(self, hidden_size: int) -> tuple[int, ...]:
        """(H,)."""
        return (hidden_size,)

    def __call__(self, vectors: tf.Tensor, tokens: PackedTokens) -> tf.Tensor:
        """Float32 [B or N, H] -> the same."""
        return vectors


def _dense(ground: Ground) -> Head:
    return DenseHead(ground.weights, ground.task)


def _none(ground: Ground) -> Head:
    return NoHead()


def _of_masks(ground: Ground) -> Head:
    assert ground.mask_id is not None
    return MaskHead(
        ground.config, ground.weights, ground.word_products, ground.mask_id, ground.top_k
    )


HEADS: Mapping[str, Callable[[Ground], Head]] = {
    CLASSIFICATION.name: _dense,
    MULTILABEL.name: _dense,
    REGRESSION.name: _dense,
    EMBEDDING.name: _none,
    TOKEN_EMBEDDING.name: _none,
    TOKEN_CLASSIFICATION.name: _dense,
    QUESTION_ANSWERING.name: _dense,
    FILL_MASK.name: _of_masks,
}
