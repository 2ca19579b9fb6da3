"""What stands on the encoder: one small class a task, in a registry."""

from collections.abc import Mapping
from typing import ClassVar, Protocol

import numpy as np
import tensorflow as tf

from bert.tasks import CLASSIFICATION, EMBEDDING, MULTILABEL, REGRESSION
from bert.variables import OUTPUT_BIAS, OUTPUT_WEIGHTS

# run_classifier.py, create_model: keep_prob=0.9
_DROPOUT_RATE = 0.1


class Head(Protocol):
    """Turns the pooled vector into the answer of one task."""

    output_name: ClassVar[str]
    """what the answer is called in signatures"""

    def __init__(self, weights: Mapping[str, np.ndarray]) -> None:
        """Takes weights under google-research names, of which the head picks its own."""

    def __call__(self, pooled: tf.Tensor) -> tf.Tensor:
        """Float32 [B, H] -> the answer, float32 [B, ...]."""


class _DenseHead(tf.Module):
    """One dense layer, as `create_model` of the original's `run_classifier.py` has it."""

    def __init__(self, weights: Mapping[str, np.ndarray], trainable: bool = False) -> None:
        """Takes `output_weights` [C, H] and `output_bias` [C]."""
        super().__init__(name="head")
        self._weights = tf.Variable(
            weights[OUTPUT_WEIGHTS], name=OUTPUT_WEIGHTS, trainable=trainable
        )
        self._bias = tf.Variable(weights[OUTPUT_BIAS], name=OUTPUT_BIAS, trainable=trainable)

    def named_variables(self) -> dict[str, tf.Variable]:
        """The variables under their google-research names."""
        return {OUTPUT_WEIGHTS: self._weights, OUTPUT_BIAS: self._bias}

    def logits(self, pooled: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Float32 [B, H] -> float32 [B, C]."""
        if training:
            pooled = tf.nn.dropout(pooled, _DROPOUT_RATE)
        return tf.nn.bias_add(tf.matmul(pooled, self._weights, transpose_b=True), self._bias)


class ClassificationHead(_DenseHead):
    """One label of C."""

    output_name = "probabilities"

    def __call__(self, pooled: tf.Tensor) -> tf.Tensor:
        """The probabilities of the classes, whose sum is 1: float32 [B, H] -> [B, C]."""
        return tf.nn.softmax(self.logits(pooled))


class MultilabelHead(_DenseHead):
    """Any number of C labels."""

    output_name = "probabilities"

    def __call__(self, pooled: tf.Tensor) -> tf.Tensor:
        """The probability of each label by itself: float32 [B, H] -> [B, C]."""
        return tf.math.sigmoid(self.logits(pooled))


class RegressionHead(_DenseHead):
    """One number."""

    output_name = "scores"

    def __call__(self, pooled: tf.Tensor) -> tf.Tensor:
        """The number as it was trained, without any activation: float32 [B, H] -> [B]."""
        return tf.squeeze(self.logits(pooled), axis=1)


class EmbeddingHead(tf.Module):
    """The pooled vector itself."""

    output_name = "embedding"

    def __init__(self, weights: Mapping[str, np.ndarray]) -> None:
        """Has no weights."""
        del weights
        super().__init__(name="head")

    def __call__(self, pooled: tf.Tensor) -> tf.Tensor:
        """Float32 [B, H] -> the same."""
        return pooled


HEADS: Mapping[str, type[Head]] = {
    CLASSIFICATION: ClassificationHead,
    MULTILABEL: MultilabelHead,
    REGRESSION: RegressionHead,
    EMBEDDING: EmbeddingHead,
}
