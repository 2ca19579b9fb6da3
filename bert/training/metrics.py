"""What predictions are measured by."""

from collections.abc import Callable, Mapping

import numpy as np

ACCURACY = "accuracy"
F1 = "f1"
MATTHEWS = "matthews"
PEARSON = "pearson"
SPEARMAN = "spearman"
MICRO_F1 = "f1_micro"
MACRO_F1 = "f1_macro"
SUBSET_ACCURACY = "subset_accuracy"


def accuracy(predicted: np.ndarray, expected: np.ndarray) -> float:
    """The share of the rows whose class is the right one: int [N] x 2."""
    return float(np.mean(predicted == expected))


def f1(predicted: np.ndarray, expected: np.ndarray) -> float:
    """The harmonic mean of precision and recall of class 1: int [N] x 2; 0 without a hit."""
    hits = np.sum((predicted == 1) & (expected == 1))
    asked = np.sum(predicted == 1) + np.sum(expected == 1)
    return float(2 * hits / asked) if hits else 0.0


def matthews(predicted: np.ndarray, expected: np.ndarray) -> float:
    """The correlation of two classes: int [N] x 2; 0 where either has one class only.

    Source: Matthews (1975), Comparison of the predicted and observed secondary structure.
    """
    return pearson(predicted, expected)


def pearson(predicted: np.ndarray, expected: np.ndarray) -> float:
    """The linear correlation of two numbers: [N] x 2; 0 where either is the same everywhere."""
    if np.ptp(predicted) == 0 or np.ptp(expected) == 0:
        return 0.0
    return float(np.corrcoef(predicted, expected)[0, 1])


def spearman(predicted: np.ndarray, expected: np.ndarray) -> float:
    """Pearson's correlation of the ranks: [N] x 2; equal numbers share the mean of their ranks."""
    return pearson(_ranks(predicted), _ranks(expected))


def micro_f1(predicted: np.ndarray, expected: np.ndarray) -> float:
    """F1 of all decisions together: 0 or 1 [N, C] x 2."""
    return f1(predicted.ravel(), expected.ravel())


def macro_f1(predicted: np.ndarray, expected: np.ndarray) -> float:
    """The mean of the classes' F1: 0 or 1 [N, C] x 2."""
    return float(np.mean([f1(*columns) for columns in zip(predicted.T, expected.T, strict=True)]))


def subset_accuracy(predicted: np.ndarray, expected: np.ndarray) -> float:
    """The share of the rows with every class right: 0 or 1 [N, C] x 2."""
    return float(np.mean((predicted == expected).all(axis=1)))


def _ranks(values: np.ndarray) -> np.ndarray:
    """The rank of each number from 1, the mean rank of equal ones: [N] -> float64 [N]."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[places]


METRICS: Mapping[str, Callable[[np.ndarray, np.ndarray], float]] = {
    ACCURACY: accuracy,
    F1: f1,
    MATTHEWS: matthews,
    PEARSON: pearson,
    SPEARMAN: spearman,
    MICRO_F1: micro_f1,
    MACRO_F1: macro_f1,
    SUBSET_ACCURACY: subset_accuracy,
}
"""what was predicted and what is right -> the number, by the name of the metric"""
