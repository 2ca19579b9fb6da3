"""What a run writes and prints."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bert import checkpoints
from tests.bert.run_classifier.command import Finished, copy_of, run, settings


def test_training_leaves_checkpoint_settings_and_results(finished: Finished) -> None:
    names = {path.name for path in finished.output_dir.iterdir()}
    for step in (4, 8, 10):
        assert f"model.ckpt-{step}.index" in names
    assert names >= {"checkpoint", "bert_config.json", "vocab.txt", "tokenizer_config.json"}
    model = checkpoints.read(finished.output_dir, checkpoints.ReadOptions())
    assert (model.do_lower_case, model.max_seq_length, model.labels) == (True, 16, ("0", "1"))


def test_eval_results_have_the_original_s_keys_and_are_printed(finished: Finished) -> None:
    content = (finished.output_dir / "eval_results.txt").read_text()
    assert finished.stdout == content
    results = dict(line.split(" = ") for line in content.splitlines())
    assert list(results) == ["eval_accuracy", "eval_loss", "global_step", "loss"]
    assert results["global_step"] == "10"
    assert float(results["eval_accuracy"]) * 13 == pytest.approx(
        round(float(results["eval_accuracy"]) * 13), abs=1e-4
    )


def test_predictions_are_those_of_dev_in_its_order(finished: Finished) -> None:
    rows = (finished.output_dir / "test_results.tsv").read_text().splitlines()
    probabilities = np.array([row.split("\t") for row in rows], dtype=np.float32)
    assert probabilities.shape == (13, 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-6)
    assert [f"{a!s}\t{b!s}" for a, b in probabilities] == rows
    labels = [line.split("\t")[1] for line in (finished.data_dir / "dev.tsv").open().readlines()]
    accuracy = np.mean(probabilities.argmax(axis=1) == np.array(labels, dtype=int))
    content = (finished.output_dir / "eval_results.txt").read_text()
    assert f"eval_accuracy = {np.float32(accuracy)!s}\n" in content


def test_what_was_chosen_is_told(finished: Finished) -> None:
    assert "do_lower_case=True" in finished.stderr
    assert "no classifier for the task, which is random" in finished.stderr
    assert "10 steps, the first 1 of them warm-up" in finished.stderr
    assert re.search(
        r"10/10 \[\d+:\d+<00:00, .*step/s, loss=\d\.\d{4}, examples/s=\d", finished.stderr
    )
    assert "(there is no test.tsv)" in finished.stderr
    assert "Warning:" not in finished.stderr


def test_test_tsv_is_predicted_where_there_is_one(finished: Finished, tmp_path: Path) -> None:
    copy = copy_of(finished, tmp_path)
    data = tmp_path / "data"
    data.mkdir()
    dev = (finished.data_dir / "dev.tsv").read_text().splitlines()
    (data / "test.tsv").write_text("".join(f"{line.split(chr(9))[0]}\n" for line in dev[:5]))
    assert run(*settings(finished, output_dir=copy, data_dir=data), "--do_predict") == 0
    expected = (finished.output_dir / "test_results.tsv").read_text().splitlines()[:5]
    found = (copy / "test_results.tsv").read_text().splitlines()
    np.testing.assert_allclose(parse(found), parse(expected), atol=1e-6)


def parse(rows: Sequence[str]) -> np.ndarray:
    return np.array([row.split("\t") for row in rows], dtype=np.float32)
