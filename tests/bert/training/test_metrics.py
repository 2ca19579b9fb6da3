"""Metrics against scikit-learn and SciPy."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

from bert.training.metrics import (
    accuracy,
    f1,
    macro_f1,
    matthews,
    micro_f1,
    pearson,
    spearman,
    subset_accuracy,
)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_metrics_of_classes_are_those_of_scikit_learn(share: float) -> None:
    generator = np.random.default_rng(0)
    expected = (generator.random(200) < 0.3).astype(int)
    predicted = np.where(generator.random(200) < 0.2, 1 - expected, expected)
    predicted = np.where(generator.random(200) < share, 1, predicted)
    assert accuracy(predicted, expected) == accuracy_score(expected, predicted)
    assert f1(predicted, expected) == pytest.approx(f1_score(expected, predicted))
    assert matthews(predicted, expected) == pytest.approx(matthews_corrcoef(expected, predicted))
    assert f1(np.zeros(200, int), expected) == f1_score(expected, np.zeros(200, int)) == 0


@pytest.mark.parametrize("digits", [0, 1, 6])
def test_correlations_are_those_of_scipy(digits: int) -> None:
    """With few digits many numbers are equal."""
    generator = np.random.default_rng(1)
    expected = generator.uniform(0, 5, 150).round(digits).astype(np.float32)
    predicted = (expected + generator.normal(0, 1, 150)).round(digits).astype(np.float32)
    assert pearson(predicted, expected) == pytest.approx(
        stats.pearsonr(predicted, expected).statistic
    )
    assert spearman(predicted, expected) == pytest.approx(
        stats.spearmanr(predicted, expected).statistic
    )


def test_a_constant_is_correlated_with_nothing() -> None:
    assert pearson(np.ones(4), np.arange(4)) == spearman(np.arange(4), np.ones(4)) == 0


def test_metrics_of_several_labels_are_those_of_scikit_learn() -> None:
    generator = np.random.default_rng(2)
    expected = (generator.random((120, 5)) < (0.5, 0.3, 0.1, 0.05, 0.0)).astype(np.float32)
    predicted = np.where(generator.random((120, 5)) < 0.2, 1 - expected, expected).astype(int)
    predicted[:, 3] = 0
    for average, ours in (("micro", micro_f1), ("macro", macro_f1)):
        theirs = f1_score(expected, predicted, average=average, zero_division=0)
        assert ours(predicted, expected) == pytest.approx(theirs)
    assert subset_accuracy(predicted, expected) == accuracy_score(expected, predicted)
