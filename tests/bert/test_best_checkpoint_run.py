"""A run that keeps its best checkpoint: what it evaluates, predicts, exports and draws."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from absl import flags

import exporter
from bert.checkpoints import ReadOptions, read
from bert.run_classifier import define_flags, main
from bert.training.summaries import read_series
from tests.bert.training.toy_task import write_toy_data
from tests.tiny_model import write_tiny_model


def _run(*arguments: str) -> int:
    values = flags.FlagValues()
    define_flags(values)
    values(["run_classifier", *arguments])
    return main(["run_classifier"], values)


def _given(directory: Path) -> list[str]:
    pretrained = write_tiny_model(directory / "pretrained").directory
    given = ["--task_name=sst-2", f"--data_dir={directory / 'data'}", "--do_train"]
    given += [f"--output_dir={directory / 'out'}", f"--init_checkpoint={pretrained}"]
    given += ["--train_batch_size=8", "--learning_rate=3e-2", "--max_seq_length=16"]
    return given


def test_the_best_checkpoint_is_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write_toy_data(tmp_path / "data", num_train=40, num_dev=30)
    exported = []

    def export(**arguments: Any) -> SimpleNamespace:
        exported.append(arguments)
        return SimpleNamespace(summary=lambda: "exported")

    monkeypatch.setattr(exporter, "export", export)
    given = [*_given(tmp_path), "--keep_best", "--early_stopping=3", "--plots"]
    given += ["--do_eval", "--do_predict", "--do_export", f"--export_dir={tmp_path / 'served'}"]
    given += ["--num_train_epochs=40", "--save_checkpoints_steps=4"]
    assert _run(*given) == 0
    told = capfd.readouterr().err

    out = tmp_path / "out"
    of_dev = {
        int(step): value
        for step, value in json.loads((out / "dev_metrics.json").read_text())["accuracy"].items()
    }
    best = min(of_dev, key=lambda step: (-of_dev[step], step))
    # At so high a rate it soon gets no better: 200 steps were to come.
    assert [step for step in of_dev if step > best] == [best + 4, best + 8, best + 12]
    assert max(of_dev) < 200 and "so training ends" in told
    results = dict(line.split(" = ") for line in (out / "eval_results.txt").open().readlines())
    assert int(results["global_step"]) == best
    assert float(results["eval_accuracy"]) == pytest.approx(of_dev[best])
    assert f"Predicted dev (there is no test.tsv) with {out}/best/model.ckpt-{best}" in told
    assert [call["checkpoint"] for call in exported] == [out / "best" / f"model.ckpt-{best}"]
    # A directory of its own, which the exporter takes without a flag.
    model = read(out / "best", ReadOptions())
    assert (model.max_seq_length, model.labels) == (16, ("0", "1"))

    losses = read_series(out, "loss")
    assert [step for step, _ in losses] == [*range(1, max(of_dev) + 1)]
    assert dict(read_series(out / "eval", "eval_accuracy")) == pytest.approx(of_dev)
    for name in ("learning_curve.png", "confusion_matrix.png"):
        assert (out / name).stat().st_size > 5000
        assert f"Drew {out / name}." in told

    # Once ended, it does not begin again.
    assert _run(*given[: given.index("--do_eval")], *given[-2:]) == 0
    assert "so training ends" in capfd.readouterr().err
    assert json.loads((out / "dev_metrics.json").read_text())["accuracy"].keys() == {
        str(step) for step in of_dev
    }


def test_killed_before_the_last_checkpoint_was_evaluated(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing is left to train, but the last checkpoint is the best one until it was judged."""
    write_toy_data(tmp_path / "data", num_train=40, num_dev=30)
    given = [*_given(tmp_path), "--keep_best", "--do_eval", "--num_train_epochs=1"]
    assert _run(*given) == 0
    expected = capfd.readouterr().out
    out = tmp_path / "out"
    history = (out / "dev_metrics.json").read_text()
    assert list(json.loads(history)["accuracy"]) == ["5"]
    # What the kill leaves: the training's own checkpoint, which is written first.
    (out / "dev_metrics.json").unlink()
    for file in [*(out / "best").glob("model.ckpt-*"), out / "best" / "checkpoint"]:
        file.unlink()
    assert _run(*given) == 0
    told = capfd.readouterr()
    assert "at step 5 of 5 already: nothing to train" in told.err
    assert f"Evaluated {out}/best/model.ckpt-5" in told.err and told.out == expected
    assert (out / "dev_metrics.json").read_text() == history
    # The same where the best one was not to be kept until now.
    (out / "dev_metrics.json").unlink()
    shutil.rmtree(out / "best")
    assert _run(*given) == 0
    assert read(out / "best", ReadOptions()).max_seq_length == 16


@pytest.mark.parametrize("flag", ["--keep_best", "--early_stopping=1"])
def test_dev_data_are_needed(flag: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_toy_data(tmp_path / "data", num_train=8, num_dev=8)
    (tmp_path / "data" / "dev.tsv").unlink()
    assert _run(*_given(tmp_path), flag) == 1
    assert f"has no dev.tsv, which {flag.partition('=')[0]} reads" in capfd.readouterr().err
