"""The best checkpoint, and the end of a training that gets no better."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from bert.encoder.dropout import dropout, start_step
from bert.errors import UserError
from bert.training.checkpoints import newest
from bert.training.evaluation import Metrics
from bert.training.history import HISTORY_FILE
from bert.training.summaries import Summaries, read_series
from bert.training.watch import Watch


def _watch(directory: Path, values: Sequence[float], step: int, **more: int) -> Watch:
    """The metric of step 10 is the first value, of step 20 the second one."""

    def evaluate(at: int) -> Metrics:
        named = {"accuracy": values[at // 10 - 1]}
        return Metrics(np.float32(0), at, np.float32(0), named)

    weights = {"weight": tf.Variable(np.arange(3.0))}
    return Watch(directory, step, "accuracy", evaluate, weights, **more)


def test_the_best_checkpoint_is_kept(tmp_path: Path) -> None:
    watch = _watch(tmp_path, [0.5, 0.7, 0.7, 0.6], 0)
    best = [watch.after_checkpoint(step) and newest(tmp_path / "best") for step in (10, 20, 30, 40)]
    assert [prefix.name for prefix in best if prefix] == [
        "model.ckpt-10",
        *["model.ckpt-20"] * 3,
    ]
    assert {file.suffix for file in (tmp_path / "best").glob("model.ckpt-10*")} == set()
    assert dict(read_series(tmp_path / "eval", "eval_accuracy")) == pytest.approx(
        {10: 0.5, 20: 0.7, 30: 0.7, 40: 0.6}
    )


def test_training_ends_when_it_gets_no_better(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    values = [0.5, 0.7, 0.7, 0.6, 0.9]
    watch = _watch(tmp_path, values, 0, patience=2)
    assert [watch.after_checkpoint(step) for step in (10, 20, 30)] == [True] * 3
    # Killed after the checkpoint of step 40: nothing is judged twice, nothing is forgotten.
    again = _watch(tmp_path, values, 30, patience=2)
    assert again.after_checkpoint(30) and not again.after_checkpoint(40)
    assert "eval_accuracy was no better in 2 evaluations" in capfd.readouterr().err
    assert not _watch(tmp_path, values, 40, patience=2).after_checkpoint(40)
    assert _watch(tmp_path, values, 40, patience=3).after_checkpoint(50)
    rows = json.loads((tmp_path / HISTORY_FILE).read_text())["accuracy"]
    assert rows == pytest.approx({"10": 0.5, "20": 0.7, "30": 0.7, "40": 0.6, "50": 0.9})


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    for content in ("{", "[]", '{"accuracy": {"ten": 1}}', '{"accuracy": 1}'):
        (tmp_path / HISTORY_FILE).write_text(content)
        with pytest.raises(UserError, match=r"dev_metrics\.json cannot be read .*: remove it"):
            _watch(tmp_path, [], 0)


def test_a_cut_off_event_file_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    summaries = Summaries(tmp_path)
    for step in (1, 2):
        summaries.write_step(step, 1 / step, 0.1)
    summaries.flush()
    (file,) = tmp_path.glob("events*")
    file.write_bytes(file.read_bytes()[:-3])
    assert read_series(tmp_path, "loss") == [(1, 1.0), (2, 0.5)]
    assert read_series(tmp_path, "learning_rate") == [(1, pytest.approx(0.1))]


def test_dropout_depends_on_seed_and_step_alone() -> None:
    values = tf.ones([200, 50])

    @tf.function
    def dropped() -> tuple[tf.Tensor, tf.Tensor]:
        return dropout(values, 0.1), dropout(values, 0.1)

    def at(seed: int, step: int) -> list[np.ndarray]:
        start_step(seed, step)
        return [each.numpy() for each in dropped()]

    first, second = at(3, 7)
    assert (first == 0).mean() == pytest.approx(0.1, abs=0.01)
    assert first.mean() == pytest.approx(1, abs=0.01)
    assert not np.array_equal(first, second)
    assert np.array_equal(at(3, 7), [first, second])
    assert not np.array_equal(at(3, 8)[0], first) and not np.array_equal(at(4, 7)[0], first)
