"""`features` rows of every kind: the original modeling.py's answer, or InvalidArgument."""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import Signatures
from tests.oracles.original_classifier import OriginalClassifier
from tests.tiny_model import LABELS, TinyModel

_POSITIONS = 64

Features = tuple[np.ndarray, np.ndarray, np.ndarray]
Answer = Callable[[Features], np.ndarray]


@pytest.fixture(scope="module")
def original(tiny_model: TinyModel) -> OriginalClassifier:
    return OriginalClassifier(tiny_model.prefix, len(LABELS))


@pytest.fixture(scope="module", params=["features", "features_with_label_ids"])
def answer(request: pytest.FixtureRequest, signatures: Signatures) -> Answer:
    """Features to probabilities, through the reloaded export."""
    name = request.param

    def call(features: Features) -> np.ndarray:
        ids, mask, segments = (tf.constant(feature, tf.int32) for feature in features)
        inputs = {"input_ids": ids, "input_mask": mask, "segment_ids": segments}
        if name == "features":
            return signatures[name](**inputs)["probabilities"].numpy()
        label_ids = tf.zeros(tf.shape(ids)[:1], tf.int32)
        return signatures[name](**inputs, label_ids=label_ids)["output"].numpy()

    return call


def features(rows: int, columns: int, vocab_size: int, seed: int = 0) -> Features:
    generator = np.random.default_rng(seed)
    ids = generator.integers(0, vocab_size, (rows, columns))
    return ids, np.ones_like(ids), generator.integers(0, 2, (rows, columns))


def each(change: Callable[[np.ndarray], np.ndarray], given: Features) -> Features:
    ids, mask, segments = given
    return change(ids), change(mask), change(segments)


def assert_same(answer: Answer, original: OriginalClassifier, given: Features) -> None:
    expected = original.probabilities(*given)
    np.testing.assert_allclose(answer(given), expected, atol=1e-5, rtol=0)


def prefix(mask: np.ndarray) -> None:
    mask[:, 5:] = 0


def left_padding(mask: np.ndarray) -> None:
    mask[:, :5] = 0


def holes(mask: np.ndarray) -> None:
    mask[:, 2::3] = 0


def first_column(mask: np.ndarray) -> None:
    mask[:, 0] = 0


def only_the_first_column(mask: np.ndarray) -> None:
    mask[:, 1:] = 0


def only_the_last_column(mask: np.ndarray) -> None:
    mask[:, :-1] = 0


def other_in_every_row(mask: np.ndarray) -> None:
    for row in range(len(mask)):
        mask[row] = np.random.default_rng(row).integers(0, 2, mask.shape[1])


def all_columns(mask: np.ndarray) -> None:
    del mask


@pytest.mark.parametrize(
    "mask_out",
    [
        all_columns,
        prefix,
        left_padding,
        holes,
        first_column,
        only_the_first_column,
        only_the_last_column,
        other_in_every_row,
    ],
    ids=lambda function: function.__name__,
)
@pytest.mark.parametrize("shape", [(1, 12), (7, 12), (3, _POSITIONS), (40, 9)])
def test_masks(
    answer: Answer,
    original: OriginalClassifier,
    tiny_model: TinyModel,
    mask_out: Callable[[np.ndarray], None],
    shape: tuple[int, int],
) -> None:
    given = features(*shape, tiny_model.config.vocab_size)
    mask_out(given[1])
    assert_same(answer, original, given)


def test_rows_without_any_mask(
    answer: Answer, original: OriginalClassifier, tiny_model: TinyModel
) -> None:
    """Alone, and between others.

    The original adds -10000 to all scores, which rounds them to 1/1024: its answer is
    coarse, and so is the comparison.
    """
    given = features(9, 20, tiny_model.config.vocab_size)
    given[1][::3] = 0
    given[1][1, 7:] = 0
    found, expected = answer(given), original.probabilities(*given)
    has_mask = given[1].any(axis=1)
    np.testing.assert_allclose(found[has_mask], expected[has_mask], atol=1e-5, rtol=0)
    np.testing.assert_allclose(found, expected, atol=1e-4, rtol=0)
    alone = each(lambda feature: feature[:1], given)
    np.testing.assert_allclose(answer(alone), expected[:1], atol=1e-4, rtol=0)


@pytest.mark.parametrize("columns", [1, 2, _POSITIONS])
def test_widths(
    answer: Answer, original: OriginalClassifier, tiny_model: TinyModel, columns: int
) -> None:
    assert_same(answer, original, features(4, columns, tiny_model.config.vocab_size))


def test_random_batches(
    answer: Answer, original: OriginalClassifier, tiny_model: TinyModel
) -> None:
    generator = np.random.default_rng(8)
    for seed in range(40):
        rows, columns = generator.integers(1, 12), generator.integers(1, _POSITIONS + 1)
        given = features(rows, columns, tiny_model.config.vocab_size, seed)
        given[1][:] = generator.random((rows, columns)) < generator.random()
        given[1][:, generator.integers(columns)] = 1
        assert_same(answer, original, given)


def test_no_rows(answer: Answer, original: OriginalClassifier) -> None:
    given = features(0, 8, 10)
    assert answer(given).shape == original.probabilities(*given).shape == (0, len(LABELS))


def test_masked_columns_do_not_matter(answer: Answer, tiny_model: TinyModel) -> None:
    given = features(5, 20, tiny_model.config.vocab_size)
    given[1][:, 4::2] = 0
    expected = answer(given)
    masked = given[1] == 0
    given[0][masked], given[2][masked] = 0, 1 - given[2][masked]
    np.testing.assert_array_equal(answer(given), expected)


def wrong(index: int, value: int) -> Callable[[Features], Features]:
    """Puts a value into one place of the ids, the mask or the segment ids."""

    def change(given: Features) -> Features:
        given[index][1, 3] = value
        return given

    return change


_WRONG: dict[str, tuple[Callable[[Features], Features], str]] = {
    "an id below the vocabulary": (wrong(0, -1), "input_ids"),
    "an id above the vocabulary": (wrong(0, 1000), "input_ids"),
    "an id just above it": (wrong(0, 124), "input_ids"),
    "a segment below the table": (wrong(2, -1), "segment_ids"),
    "a segment above the table": (wrong(2, 2), "segment_ids"),
    "a mask of 2": (wrong(1, 2), "input_mask"),
    "a mask of -1": (wrong(1, -1), "input_mask"),
    "a short mask": (lambda given: (given[0], given[1][:, 1:], given[2]), "input_mask"),
    "a long mask": (
        lambda given: (given[0], np.pad(given[1], [(0, 0), (0, 1)]), given[2]),
        "input_mask",
    ),
    "a mask of fewer rows": (lambda given: (given[0], given[1][1:], given[2]), "input_mask"),
    "a mask that broadcasts": (lambda given: (given[0], given[1][:, :1], given[2]), "input_mask"),
    "short segments": (lambda given: (given[0], given[1], given[2][:, 1:]), "segment_ids"),
    "transposed segments": (lambda given: (given[0], given[1], given[2].T), "segment_ids"),
    "segments that broadcast": (lambda given: (given[0], given[1], given[2][:1]), "segment_ids"),
    "no columns": (lambda given: each(lambda feature: feature[:, :0], given), "columns"),
    "no columns and no rows": (
        lambda given: each(lambda feature: feature[:0, :0], given),
        "columns",
    ),
    "too many columns": (
        lambda given: each(lambda feature: np.tile(feature, (1, 13)), given),
        "columns",
    ),
}


@pytest.mark.parametrize("name", list(_WRONG))
def test_what_has_no_answer(answer: Answer, tiny_model: TinyModel, name: str) -> None:
    change, told = _WRONG[name]
    assert tiny_model.config.vocab_size == 124
    with pytest.raises(tf.errors.InvalidArgumentError, match=told):
        answer(change(features(3, 5, tiny_model.config.vocab_size)))


@pytest.mark.parametrize("place", [0, 4])
def test_ids_out_of_range_are_told_in_masked_columns_too(
    answer: Answer, tiny_model: TinyModel, place: int
) -> None:
    """The original looks every column up."""
    given = features(2, 5, tiny_model.config.vocab_size)
    given[1][:, place] = 0
    given[0][0, place] = 124
    with pytest.raises(tf.errors.InvalidArgumentError, match="input_ids"):
        answer(given)
