"""Classifier: encoder and classification head as one trainable module."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from bert.config import BertConfig
from bert.encoder.heads import DenseHead, finish
from bert.encoder.packed_tokens import PackedTokens
from bert.encoder.trainable import TrainableEncoder
from bert.tasks import CLASSIFICATION


class Classifier(tf.Module):
    """`create_model` of the original's `run_classifier.py`, on packed tokens."""

    def __init__(self, config: BertConfig, weights: Mapping[str, np.ndarray]) -> None:
        """Takes weights under google-research names, those of the classifier included."""
        super().__init__(name="classifier")
        self._encoder = TrainableEncoder(config, weights)
        self._head = DenseHead(weights, CLASSIFICATION, trainable=True)

    def named_variables(self) -> dict[str, tf.Variable]:
        """The variables under their google-research names."""
        return self._encoder.named_variables() | self._head.named_variables()

    def logits(self, tokens: PackedTokens, training: bool = False) -> tf.Tensor:
        """The class logits of the B rows, float32 [B, C]."""
        return self._head.logits(self._encoder.pooled(tokens, training), training)

    def probabilities(self, tokens: PackedTokens) -> tf.Tensor:
        """The class probabilities of the B rows, float32 [B, C]."""
        return finish(CLASSIFICATION, self.logits(tokens))

    def losses(
        self, tokens: PackedTokens, label_ids: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        """Cross-entropy of each row: int32 [B] label ids -> float32 [B], natural logarithm."""
        return cross_entropy(self.logits(tokens, training), label_ids)


def cross_entropy(logits: tf.Tensor, label_ids: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of each row: float32 [B, C], int32 [B] -> float32 [B]."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=label_ids, logits=logits)
