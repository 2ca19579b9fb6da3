"""Metrics against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, matthews_corrcoef

from bert.training.metrics import f1, matthews


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_metrics_are_those_of_scikit_learn(share: float) -> None:
    generator = np.random.default_rng(0)
    expected = (generator.random(200) < 0.3).astype(int)
    predicted = np.where(generator.random(200) < 0.2, 1 - expected, expected)
    predicted = np.where(generator.random(200) < share, 1, predicted)
    assert f1(predicted, expected) == pytest.approx(f1_score(expected, predicted))
    assert matthews(predicted, expected) == pytest.approx(matthews_corrcoef(expected, predicted))
    assert f1(np.zeros(200, int), expected) == f1_score(expected, np.zeros(200, int)) == 0
