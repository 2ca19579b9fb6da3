"""What predictions are measured by, besides accuracy."""

from collections.abc import Callable, Mapping

import numpy as np

F1 = "f1"
MATTHEWS = "matthews"


def f1(predicted: np.ndarray, expected: np.ndarray) -> float:
    """The harmonic mean of precision and recall of class 1: int [N] x 2; 0 without a hit."""
    hits = np.sum((predicted == 1) & (expected == 1))
    asked = np.sum(predicted == 1) + np.sum(expected == 1)
    return float(2 * hits / asked) if hits else 0.0


def matthews(predicted: np.ndarray, expected: np.ndarray) -> float:
    """The correlation of two classes: int [N] x 2; 0 where either has one class only.

    Source: Matthews (1975), Comparison of the predicted and observed secondary structure.
    """
    if predicted.std() == 0 or expected.std() == 0:
        return 0.0
    return float(np.corrcoef(predicted, expected)[0, 1])


METRICS: Mapping[str, Callable[[np.ndarray, np.ndarray], float]] = {F1: f1, MATTHEWS: matthews}
"""int [N] of predicted and of right classes -> the number, by the name of the metric"""
