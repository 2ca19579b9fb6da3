"""The labels that smaller weights change: how they are counted, and in which model."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bert.checkpoints import ReadOptions, read
from tests.programs.benchmarks.inference.contest import Disagreement
from tests.programs.benchmarks.inference.fine_tuned import write_transformers_directory
from tests.programs.benchmarks.labels import Change, changes_of
from tests.tiny_model import TinyModel

_PRECISIONS = {"onnx": "float32", "ours": "float32", "onnx-int8": "int8", "ours-int8": "int8"}
_EXACT = np.array([[0.2, 0.8], [0.55, 0.45], [0.9, 0.1], [0.5, 0.5]])


def _moved(rows: np.ndarray, shares: Sequence[float]) -> np.ndarray:
    """Probability taken from the second label for the first, of each row or of all."""
    return rows + np.outer(shares, [1.0, -1.0])


def test_each_is_compared_with_its_own_float32() -> None:
    nearly = _moved(_EXACT, [1e-5])
    answers = {
        "onnx": _EXACT,
        "ours": nearly,
        "onnx-int8": _moved(_EXACT, [0, -0.1, 0, 0.1]),
        "ours-int8": _moved(nearly, [-0.02]),
    }
    changes = changes_of(answers, _PRECISIONS)
    assert changes.keys() == {"onnx-int8", "ours-int8"}
    assert changes["onnx-int8"] == pytest.approx(Change(1, 0.1, 0.05))
    assert changes["ours-int8"] == pytest.approx(Change(1, 0.02, 0.02))


def test_another_model_is_no_contestant() -> None:
    answers = {"onnx": _EXACT, "ours": _EXACT[::-1]}
    with pytest.raises(Disagreement, match=r"ours differs from onnx by 0\.35"):
        changes_of(answers, _PRECISIONS)


def test_a_fine_tuned_model_under_the_names_of_transformers(
    tiny_model: TinyModel, tmp_path: Path
) -> None:
    found = read(
        write_transformers_directory(tiny_model.directory, tmp_path / "out"), ReadOptions()
    )
    expected = read(tiny_model.prefix, ReadOptions())
    assert found.config == expected.config
    assert found.weights.keys() == expected.weights.keys()
    for name, values in expected.weights.items():
        np.testing.assert_array_equal(found.weights[name], values, err_msg=name)
