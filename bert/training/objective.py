"""What a head of a row is trained for: labels as numbers, losses, and what is measured."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from bert.tasks import CLASSIFICATION, MULTILABEL, REGRESSION, Task
from bert.training.dataset import Label
from bert.training.metrics import (
    ACCURACY,
    MACRO_F1,
    MICRO_F1,
    PEARSON,
    SPEARMAN,
    SUBSET_ACCURACY,
)

_ClassIds = Mapping[str, int]


@dataclasses.dataclass(frozen=True)
class Objective:
    """How a task is learnt; B rows, C classes."""

    task: Task
    label_type: tf.DType
    label_rank: int
    """0 for a number a row, 1 for a number of each class a row"""

    losses: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    """logits float32 [B, C], labels [B] or [B, C] -> the loss of each row, float32 [B]"""

    label_id: Callable[[Label | None, _ClassIds], int | np.ndarray]
    """an example's label, None where it has none, as a number or a vector"""

    choose: Callable[[np.ndarray], np.ndarray]
    """logits float32 [B, C] -> what is compared with the labels"""

    metrics: tuple[str, ...]
    """names of `metrics.METRICS`; the first one says which of two checkpoints is better"""

    @property
    def label_spec(self) -> tf.TensorSpec:
        """The labels of a batch."""
        return tf.TensorSpec([None] * (1 + self.label_rank), self.label_type)

    def labels_to_ids(self, labels: Sequence[str]) -> Callable[[Label | None], int | np.ndarray]:
        """`label_id` for the classes of a task, in class order."""
        class_ids = {label: index for index, label in enumerate(labels)}
        return lambda label: self.label_id(label, class_ids)


def cross_entropy(logits: tf.Tensor, label_ids: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of each row, natural logarithm: float32 [B, C], int32 [B] -> float32 [B]."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=label_ids, logits=logits)


def squared_error(logits: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """The square of each row's error: float32 [B, 1], float32 [B] -> float32 [B]."""
    return tf.math.squared_difference(tf.squeeze(logits, axis=1), numbers)


def sigmoid_cross_entropy(logits: tf.Tensor, applies: tf.Tensor) -> tf.Tensor:
    """The mean over the classes of each one's own cross-entropy: float32 [B, C] x 2 -> [B]."""
    losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=applies, logits=logits)
    return tf.reduce_mean(losses, axis=1)


def _class(label: Label | None, class_ids: _ClassIds) -> int:
    return -1 if label is None else class_ids[str(label)]


def _number(label: Label | None, class_ids: _ClassIds) -> np.ndarray:
    return np.array(np.nan if label is None else label, np.float32)


def _classes(label: Label | None, class_ids: _ClassIds) -> np.ndarray:
    applying = label if isinstance(label, tuple) else ()
    return np.array([name in applying for name in class_ids], np.float32)


OBJECTIVES: Mapping[str, Objective] = {
    objective.task.name: objective
    for objective in (
        Objective(
            CLASSIFICATION,
            label_type=tf.int32,
            label_rank=0,
            losses=cross_entropy,
            label_id=_class,
            choose=lambda logits: logits.argmax(axis=1),
            metrics=(ACCURACY,),
        ),
        Objective(
            REGRESSION,
            label_type=tf.float32,
            label_rank=0,
            losses=squared_error,
            label_id=_number,
            choose=lambda logits: logits[:, 0],
            metrics=(PEARSON, SPEARMAN),
        ),
        Objective(
            MULTILABEL,
            label_type=tf.float32,
            label_rank=1,
            losses=sigmoid_cross_entropy,
            label_id=_classes,
            # A probability above a half, as clients choose it.
            choose=lambda logits: (logits > 0).astype(np.int32),
            metrics=(MICRO_F1, MACRO_F1, SUBSET_ACCURACY),
        ),
    )
}
"""by the name of the task"""
