"""run_classifier --init_checkpoint with a Hugging Face directory."""

from pathlib import Path

import pytest

from bert.checkpoints.google_research import read_config
from tests.bert.checkpoints.huggingface.directory import CONFIG, of_encoder, write_directory
from tests.bert.training.initializing import NO_DROPOUT, assert_same_training, told_of_faulty, train
from tests.bert.training.toy_task import write_toy_data
from tests.tiny_model import TinyModel


def test_training_starts_from_the_same_weights(
    tiny: TinyModel, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    directory = write_directory(
        tmp_path / "transformers",
        of_encoder(tiny.weights),
        "BertModel",
        hidden_act="gelu_new",
        **NO_DROPOUT,
    )
    assert_same_training(tiny, directory, tmp_path)
    told = capfd.readouterr().err
    assert f"Encoder from {directory / 'model.safetensors'}" in told
    assert "GELU" not in told


def test_the_erf_form_of_gelu_becomes_the_tanh_form(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """google-research/bert's `gelu` is the tanh form, so the trained model says so, too."""
    write_toy_data(tmp_path / "data", num_train=8, num_dev=1)
    directory = write_directory(tmp_path / "transformers")
    assert CONFIG.hidden_act == "gelu_erf"
    assert train(directory, tmp_path / "out") == 0
    assert "the erf form of GELU" in capfd.readouterr().err
    config = read_config(tmp_path / "out" / "bert_config.json")
    assert config.hidden_act == "gelu_tanh"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("config.json", b"{", "is not JSON"),
        ("config.json", b'{"model_type": "roberta"}', "'roberta'"),
        ("model.safetensors", b"", "model.safetensors cannot be read"),
        ("bert_model.ckpt.index", b"", "--init_checkpoint"),
    ],
)
def test_faulty_directories(
    name: str, content: bytes, told: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    directory = write_directory(tmp_path / "transformers")
    (directory / name).write_bytes(content)
    assert told in told_of_faulty(directory, tmp_path, capfd)
