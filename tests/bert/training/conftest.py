"""The checkpoint that others are compared with."""

from pathlib import Path

import pytest

from bert.checkpoints.tensorflow import files as tensorflow_files
from bert.variables import encoder_shapes
from tests.bert.training.initializing import NO_DROPOUT
from tests.bert.training.toy_task import write_toy_data
from tests.tiny_model import TinyModel, write_tiny_model


@pytest.fixture
def tiny(tmp_path: Path) -> TinyModel:
    """The encoder under google-research/bert's names, and data to train on."""
    write_toy_data(tmp_path / "data", num_train=16, num_dev=1)
    tiny = write_tiny_model(tmp_path / "tiny", **NO_DROPOUT)
    encoder = {name: tiny.weights[name] for name in encoder_shapes(tiny.config)}
    tensorflow_files.write_variables(tiny.directory / "bert_model.ckpt", encoder)
    return tiny
