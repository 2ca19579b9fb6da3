"""run_classifier --init_checkpoint with Model Garden or sentence-transformers checkpoints."""

import shutil
from pathlib import Path

import pytest

from tests.bert.checkpoints.huggingface.directory import of_encoder, write_directory
from tests.bert.checkpoints.model_garden.directory import (
    classifier_tree,
    encoder_tree,
    parameters,
    write_checkpoint,
)
from tests.bert.checkpoints.model_garden.directory import write_directory as write_model_garden
from tests.bert.training.initializing import NO_DROPOUT, assert_same_training, told_of_faulty
from tests.tiny_model import TinyModel


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
        **NO_DROPOUT,
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
