"""What stands on the encoder: one small class a task, in a registry."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from bert.model import CLASSIFICATION
from bert.variables import OUTPUT_BIAS, OUTPUT_WEIGHTS

# run_classifier.py, create_model: keep_prob=0.9
_DROPOUT_RATE = 0.1


class ClassificationHead(tf.Module):
    """One label of C (`create_model` of the original's `run_classifier.py`)."""

    output_name = "probabilities"

    def __init__(self, weights: Mapping[str, np.ndarray], trainable: bool = False) -> None:
        """Takes `output_weights` [C, H] and `output_bias` [C]."""
        super().__init__(name="classification_head")
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

    def __call__(self, pooled: tf.Tensor) -> tf.Tensor:
        """The probabilities of the classes: float32 [B, H] -> float32 [B, C]."""
        return tf.nn.softmax(self.logits(pooled))


HEADS: Mapping[str, type[ClassificationHead]] = {CLASSIFICATION: ClassificationHead}
