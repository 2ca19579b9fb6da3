"""run_classifier --init_checkpoint with Model Garden or sentence-transformers checkpoints."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bert import checkpoints
from bert.checkpoints.tensorflow import files as tensorflow_files
from bert.variables import encoder_shapes
from tests.bert.checkpoints.huggingface.directory import of_encoder, write_directory
from tests.bert.checkpoints.model_garden.directory import (
    classifier_tree,
    encoder_tree,
    parameters,
    write_checkpoint,
)
from tests.bert.checkpoints.model_garden.directory import write_directory as write_model_garden
from tests.bert.training.test_huggingface_initialization import told_of_faulty, train
from tests.bert.training.toy_task import write_toy_data
from tests.tiny_model import TinyModel, write_tiny_model

_NO_DROPOUT: dict[str, Any] = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


@pytest.fixture
def tiny(tmp_path: Path) -> TinyModel:
    """The encoder under google-research/bert's names, and data to train on."""
    write_toy_data(tmp_path / "data", num_train=16, num_dev=1)
    tiny = write_tiny_model(tmp_path / "tiny", **_NO_DROPOUT)
    encoder = {name: tiny.weights[name] for name in encoder_shapes(tiny.config)}
    tensorflow_files.write_variables(tiny.directory / "bert_model.ckpt", encoder)
    return tiny


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


@pytest.mark.parametrize("kind", ["encoder", "classifier", "best"])
def test_model_garden(
    kind: str, tiny: TinyModel, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = parameters(dropout_rate=0.0, attention_dropout_rate=0.0)
    fields = content["task"]["model"]["encoder"]["bert"]
    fields |= {"dropout_rate": 0.0, "attention_dropout_rate": 0.0}
    model = classifier_tree(tiny.weights)
    directory = write_model_garden(tmp_path / "garden", model, content)
    if kind == "encoder":
        for file in directory.glob("ckpt*"):
            file.unlink()
        write_checkpoint(directory, encoder=encoder_tree(tiny.weights, version=2))
    path = directory
    if kind == "best":
        path = directory / "best_ckpt"
        path.mkdir()
        for file in [*directory.glob("ckpt*"), directory / "checkpoint"]:
            shutil.move(file, path)
    assert_same_training(tiny, path, tmp_path)
    told = capfd.readouterr().err
    assert f"Encoder from {path / 'ckpt-1'}" in told
    assert f"do_lower_case=True, {directory / 'params.yaml'}" in told


def test_sentence_transformers(tiny: TinyModel, tmp_path: Path) -> None:
    """Of old releases: the Transformer lies in a directory of its own."""
    directory = tmp_path / "sentences"
    write_directory(
        directory / "0_Transformer",
        of_encoder(tiny.weights),
        "BertModel",
        hidden_act="gelu_new",
        **_NO_DROPOUT,
    )
    (directory / "modules.json").write_text(
        '[{"type": "sentence_transformers.models.Transformer", "path": "0_Transformer"}, '
        '{"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}]'
    )
    assert_same_training(tiny, directory, tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("params.yaml", b"task: [", "not plain YAML"),
        ("params.yaml", b"task: {model: {encoder: {type: albert}}}", "'albert'"),
        ("ckpt-1.data-00000-of-00001", b"", "--init_checkpoint"),
        ("model.safetensors", b"", "--init_checkpoint"),
        ("modules.json", b"[]", "modules.json"),
    ],
)
def test_faulty_directories(
    name: str, content: bytes, told: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    directory = write_model_garden(tmp_path / "garden")
    (directory / name).write_bytes(content)
    errors = told_of_faulty(directory, tmp_path, capfd)
    assert told in errors and "--checkpoint" not in errors
