"""A training in a process of its own."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from bert.checkpoints.tensorflow import files as tensorflow_files
from bert.variables import encoder_shapes
from tests.bert.run_classifier.command import TRAINING, Finished
from tests.bert.training.toy_task import write_toy_data
from tests.repository import ROOT
from tests.tiny_model import TinyModel, write_tiny_model


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_data(tmp_path_factory.mktemp("data"), num_train=40, num_dev=13)


@pytest.fixture(scope="session")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    """An encoder without a classifier, as pre-training leaves it."""
    model = write_tiny_model(tmp_path_factory.mktemp("pretrained"))
    prefix = model.directory / "bert_model.ckpt"
    encoder = {name: model.weights[name] for name in encoder_shapes(model.config)}
    tensorflow_files.write_variables(prefix, encoder)
    return dataclasses.replace(model, prefix=prefix)


@pytest.fixture(scope="session")
def finished(
    data_dir: Path, pretrained: TinyModel, tmp_path_factory: pytest.TempPathFactory
) -> Finished:
    output_dir = tmp_path_factory.mktemp("trained") / "out"
    command = [sys.executable, "-m", "bert.run_classifier", "--task_name=SST-2", *TRAINING]
    command += [f"--data_dir={data_dir}", f"--init_checkpoint={pretrained.prefix}"]
    command += [f"--output_dir={output_dir}", "--do_eval", "--do_predict"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert result.returncode == 0, result.stderr
    return Finished(data_dir, pretrained.prefix, output_dir, result.stdout, result.stderr)
