"""run_classifier --init_checkpoint with a Hugging Face directory."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from absl import flags

from bert import checkpoints
from bert.checkpoints.tensorflow import files as tensorflow_files
from bert.config import BertConfig
from bert.run_classifier import define_flags, main
from bert.variables import encoder_shapes
from tests.bert.checkpoints.huggingface.directory import CONFIG, of_encoder, write_directory
from tests.bert.training.toy_task import write_toy_data
from tests.tiny_model import write_tiny_model

_NO_DROPOUT: dict[str, Any] = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


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


def test_training_starts_from_the_same_weights(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Once from a TensorFlow checkpoint, once from the same weights as transformers has them."""
    write_toy_data(tmp_path / "data", num_train=16, num_dev=1)
    tiny = write_tiny_model(tmp_path / "tiny", **_NO_DROPOUT)
    encoder = {name: tiny.weights[name] for name in encoder_shapes(tiny.config)}
    tensorflow_files.write_variables(tiny.directory / "bert_model.ckpt", encoder)
    directory = write_directory(
        tmp_path / "transformers",
        of_encoder(tiny.weights),
        "BertModel",
        hidden_act="gelu_new",
        **_NO_DROPOUT,
    )
    assert train(tiny.directory / "bert_model.ckpt", tmp_path / "expected") == 0
    capfd.readouterr()
    assert train(directory, tmp_path / "found") == 0
    told = capfd.readouterr().err
    assert f"Encoder from {directory / 'model.safetensors'}" in told
    assert "GELU" not in told
    expected, found = (
        checkpoints.read(tmp_path / name, checkpoints.ReadOptions())
        for name in ("expected", "found")
    )
    assert found.config == expected.config
    for name, value in expected.weights.items():
        np.testing.assert_allclose(found.weights[name], value, rtol=0, atol=1e-6, err_msg=name)


def test_the_erf_form_of_gelu_becomes_the_tanh_form(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """google-research/bert's `gelu` is the tanh form, so the trained model says so, too."""
    write_toy_data(tmp_path / "data", num_train=8, num_dev=1)
    directory = write_directory(tmp_path / "transformers")
    assert CONFIG.hidden_act == "gelu_erf"
    assert train(directory, tmp_path / "out") == 0
    assert "the erf form of GELU" in capfd.readouterr().err
    config = BertConfig.from_google_research_file(tmp_path / "out" / "bert_config.json")
    assert config.hidden_act == "gelu_tanh"


def told_of_faulty(directory: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> str:
    """What the training says of a directory that it refuses, which it names."""
    write_toy_data(tmp_path / "data", num_train=8, num_dev=1)
    assert train(directory, tmp_path / "out") == 1
    errors = capfd.readouterr().err
    assert str(directory) in errors and "Traceback" not in errors
    return errors


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("config.json", b"{", "is not JSON"),
        ("config.json", b'{"model_type": "albert"}', "'albert'"),
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
