"""Training that starts from another checkpoint."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from absl import flags

from bert import checkpoints
from bert.run_classifier import define_flags, main
from tests.bert.training.toy_task import write_toy_data
from tests.tiny_model import TinyModel

NO_DROPOUT: dict[str, Any] = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


def train(init_checkpoint: Path, output_dir: Path) -> int:
    values = flags.FlagValues()
    define_flags(values)
    values(
        [
            "run_classifier",
            "--task_name=sst-2",
            f"--data_dir={output_dir.parent / 'data'}",
            f"--init_checkpoint={init_checkpoint}",
            f"--output_dir={output_dir}",
            "--do_train",
            "--train_batch_size=8",
            "--num_train_epochs=1",
            "--max_seq_length=16",
        ]
    )
    return main(["run_classifier"], values)


def told_of_faulty(directory: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> str:
    """What the training says of a directory that it refuses, which it names."""
    write_toy_data(tmp_path / "data", num_train=8, num_dev=1)
    assert train(directory, tmp_path / "out") == 1
    errors = capfd.readouterr().err
    assert str(directory) in errors and "Traceback" not in errors
    return errors


def assert_same_training(tiny: TinyModel, found: Path, scratch: Path) -> None:
    """One step from `found` leads where one from google-research's checkpoint leads."""
    assert train(tiny.directory / "bert_model.ckpt", scratch / "expected") == 0
    assert train(found, scratch / "found") == 0
    expected, trained = (
        checkpoints.read(scratch / name, checkpoints.ReadOptions())
        for name in ("expected", "found")
    )
    assert trained.config == expected.config
    for name, value in expected.weights.items():
        np.testing.assert_allclose(trained.weights[name], value, rtol=0, atol=1e-6, err_msg=name)
