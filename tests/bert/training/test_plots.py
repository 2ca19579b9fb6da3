"""Pictures of a training, and what is in them."""

import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics

from bert.errors import UserError
from bert.training import plots
from bert.training.summaries import Summaries


def _size(file: Path) -> tuple[int, int]:
    """Width and height that a PNG says it has."""
    content = file.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n") and content.endswith(b"IEND\xaeB`\x82")
    return struct.unpack(">II", content[16:24])


@pytest.mark.parametrize("num_steps", [1, 7, 1000])
def test_the_learning_curve(num_steps: int, tmp_path: Path) -> None:
    summaries = Summaries(tmp_path)
    for step in range(1, num_steps + 1):
        summaries.write_step(step, 1 / step, 0.1)
    plain = _drawn(summaries, tmp_path)
    summaries.write_evaluation(num_steps, {"eval_accuracy": 0.9})
    assert _drawn(summaries, tmp_path) != plain


def _drawn(summaries: Summaries, output_dir: Path) -> bytes:
    summaries.flush()
    file = plots.draw_learning_curve(output_dir, "accuracy")
    assert _size(file) == (960, 600)
    return file.read_bytes()


def test_the_confusion_matrix_is_that_of_scikit_learn(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    expected, predicted = generator.integers(4, size=(2, 60))
    counts = plots.confusion_matrix(predicted, expected, 5)
    theirs = metrics.confusion_matrix(expected, predicted, labels=range(5))
    assert np.array_equal(counts, theirs)
    small = _size(plots.draw_confusion_matrix(tmp_path, counts, ("a", "b", "c", "größer", "ñ")))
    many = np.eye(60, dtype=int)
    large = _size(plots.draw_confusion_matrix(tmp_path, many, [str(i) for i in range(60)]))
    assert large > small


def test_without_matplotlib_nothing_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UserError, match="--plots needs matplotlib, which is not installed"):
        plots.require_matplotlib()


def test_a_directory_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--output_dir: .*confusion_matrix\.png cannot be written"):
        plots.draw_confusion_matrix(tmp_path / "absent", np.eye(2, dtype=int), ("a", "b"))
