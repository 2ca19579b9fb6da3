"""What is asked of a task: which heads it has, and how its answers are compared."""

import math

import numpy as np
import pytest

from bert.encoder.heads import HEADS
from bert.tasks import (
    CLASSIFICATION,
    EMBEDDING,
    MULTILABEL,
    REGRESSION,
    TASKS,
    TOKEN_EMBEDDING,
    Task,
    largest_difference,
    row_tasks,
)


def probabilities(*values: float) -> dict[str, np.ndarray]:
    return {"probabilities": np.array(values, np.float64)}


def test_every_task_has_a_head() -> None:
    assert HEADS.keys() == {*TASKS, TOKEN_EMBEDDING.name}


@pytest.mark.parametrize(
    ("size", "tasks"),
    [
        (0, [EMBEDDING]),
        (1, [REGRESSION, MULTILABEL, EMBEDDING]),
        (2, [CLASSIFICATION, MULTILABEL, EMBEDDING]),
        (None, [CLASSIFICATION, REGRESSION, MULTILABEL, EMBEDDING]),
    ],
)
def test_tasks_of_a_head(size: int | None, tasks: list[Task]) -> None:
    """The first is what such a head is for, where nothing tells."""
    assert row_tasks(size) == tasks


def test_differences() -> None:
    assert largest_difference(probabilities(0.5, 0.25), probabilities(0.5, 0.5)) == 0.25
    # Of values above 1, a share of the largest.
    assert largest_difference(probabilities(3, 4.5), probabilities(3, 5)) == pytest.approx(0.1)
    assert (
        largest_difference({"scores": np.array(2, np.float32)}, {"scores": np.array(2, np.float64)})
        == 0
    )


@pytest.mark.parametrize("place", [0, 1])
def test_a_difference_from_nan_is_nan(place: int) -> None:
    """In whichever output it is, and never lost in a maximum."""
    expected = {"a": np.zeros(2), "b": np.zeros(2)}
    spoilt = {**expected, "ab"[place]: np.array([0, np.nan])}
    assert math.isnan(largest_difference(spoilt, expected))
    assert math.isnan(largest_difference(expected, spoilt))


def test_what_is_no_fraction_must_be_equal() -> None:
    expected = {
        "answer": np.array(b"Paris"),
        "start": np.array(7, np.int64),
        "score": np.array(0.5, np.float64),
    }
    assert largest_difference({**expected, "start": np.array(7, np.int32)}, expected) == 0
    assert largest_difference({**expected, "start": np.array(8, np.int32)}, expected) == math.inf
    assert largest_difference({**expected, "answer": np.array(b"Rome")}, expected) == math.inf


def test_another_shape_is_no_answer() -> None:
    assert largest_difference(probabilities(0.5), probabilities(0.5, 0.5)) == math.inf


def test_what_a_client_takes() -> None:
    before, after = probabilities(0.6, 0.4, 0.1), probabilities(0.7, 0.2, 0.1)
    assert not CLASSIFICATION.chooses_otherwise(before, after)
    assert CLASSIFICATION.chooses_otherwise(before, probabilities(0.4, 0.6, 0.1))
    assert not MULTILABEL.chooses_otherwise(before, after)
    assert MULTILABEL.chooses_otherwise(before, probabilities(0.6, 0.4, 0.7))
    assert not REGRESSION.chooses_otherwise(
        {"scores": np.array(1, np.float64)}, {"scores": np.array(2, np.float64)}
    )
