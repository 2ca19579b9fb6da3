"""Classifier: encoder and head of rows as one trainable module."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from bert.config import BertConfig
from bert.encoder.heads import DenseHead, finish
from bert.encoder.packed_tokens import PackedTokens
from bert.encoder.precision import FLOAT32
from bert.encoder.trainable import TrainableEncoder
from bert.tasks import CLASSIFICATION, Task
from bert.training.batches import Batch, batch_signature, packed_tokens
from bert.training.objective import OBJECTIVES


class Classifier(tf.Module):
    """`create_model` of the original's `run_classifier.py`, on packed tokens."""

    def __init__(
        self,
        config: BertConfig,
        weights: Mapping[str, np.ndarray],
        task: Task = CLASSIFICATION,
        precision: str = FLOAT32,
    ) -> None:
        """Takes weights under google-research names, those of the head included."""
        super().__init__(name="classifier")
        self._encoder = TrainableEncoder(config, weights, precision)
        self._head = DenseHead(weights, task, trainable=True)
        self.objective = OBJECTIVES[task.name]
        signature = [batch_signature(self.label_spec)]
        self.judge = tf.function(self._judge, input_signature=signature, autograph=False)
        """a batch -> the loss of each row, float32 [B], and its logits, float32 [B, C]"""

    @property
    def label_spec(self) -> tf.TensorSpec:
        """The labels of a batch, as `losses` takes them."""
        return self.objective.label_spec

    def named_variables(self) -> dict[str, tf.Variable]:
        """The variables under their google-research names."""
        return self._encoder.named_variables() | self._head.named_variables()

    def logits(self, tokens: PackedTokens, training: bool = False) -> tf.Tensor:
        """The head's numbers for the B rows, float32 [B, C]."""
        return self._head.logits(self._encoder.pooled(tokens, training), training)

    def answers(self, tokens: PackedTokens) -> tf.Tensor:
        """What the task answers for the B rows: float32 [B, C], or [B] where it is a number."""
        return finish(self.objective.task, self.logits(tokens))

    def losses(
        self, tokens: PackedTokens, label_ids: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        """The loss of each row, float32 [B]; labels as `label_spec` has them."""
        return self.objective.losses(self.logits(tokens, training), label_ids)

    def _judge(self, batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        logits = self.logits(packed_tokens(batch))
        return self.objective.losses(logits, batch.label_ids), logits
