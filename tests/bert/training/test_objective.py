"""Losses against scikit-learn's, and labels as numbers."""

import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import log_loss, mean_squared_error

from bert.tasks import CLASSIFICATION, MULTILABEL, REGRESSION
from bert.training.objective import OBJECTIVES

_LOGITS = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)


def test_classes() -> None:
    objective = OBJECTIVES[CLASSIFICATION.name]
    label_id = objective.labels_to_ids(("a", "b", "c"))
    labels = np.array([label_id("abc"[row % 3]) for row in range(40)])
    assert label_id(None) == -1
    found = objective.losses(tf.constant(_LOGITS), tf.constant(labels, tf.int32))
    expected = log_loss(labels, tf.nn.softmax(_LOGITS.astype(np.float64)))
    assert np.mean(found) == pytest.approx(expected, rel=1e-6)


def test_numbers() -> None:
    objective = OBJECTIVES[REGRESSION.name]
    label_id = objective.labels_to_ids(())
    numbers = np.array([label_id(row / 7) for row in range(40)])
    found = objective.losses(tf.constant(_LOGITS[:, :1]), tf.constant(numbers))
    assert np.mean(found) == pytest.approx(mean_squared_error(numbers, _LOGITS[:, 0]), rel=1e-6)


def test_several_labels() -> None:
    objective = OBJECTIVES[MULTILABEL.name]
    label_id = objective.labels_to_ids(("a", "b", "c"))
    assert np.array_equal(label_id(("c", "a")), [1, 0, 1])
    assert np.array_equal(label_id(()), [0, 0, 0])
    applies = np.array([label_id(("a",) if row % 2 else ("b", "c")) for row in range(40)])
    found = objective.losses(tf.constant(_LOGITS), tf.constant(applies))
    probabilities = tf.sigmoid(_LOGITS).numpy().astype(np.float64)
    expected = np.mean([log_loss(applies[:, c], probabilities[:, c]) for c in range(3)])
    assert np.mean(found) == pytest.approx(expected, rel=1e-6)
    assert np.array_equal(objective.choose(_LOGITS), probabilities > 0.5)
