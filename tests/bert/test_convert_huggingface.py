import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import save_file

from bert.checkpoints import ReadOptions, read, tensorflow_v1
from bert.config import BertConfig
from bert.variables import classifier_shapes, encoder_shapes
from tests.tiny_model import tiny_config, tiny_tokens

ROOT = Path(__file__).parents[2]
CONFIG = tiny_config(len(tiny_tokens()))


def huggingface_weights(config: BertConfig = CONFIG) -> dict[str, np.ndarray]:
    """Random tensors under the names and in the layout of transformers' BertModel."""
    generator = np.random.default_rng(0)
    hidden, inner = config.hidden_size, config.intermediate_size
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (config.vocab_size, hidden),
        "embeddings.token_type_embeddings.weight": (config.type_vocab_size, hidden),
        "embeddings.position_embeddings.weight": (config.max_position_embeddings, hidden),
        "embeddings.LayerNorm.weight": (hidden,),
        "embeddings.LayerNorm.bias": (hidden,),
        "pooler.dense.weight": (hidden, hidden),
        "pooler.dense.bias": (hidden,),
    }
    for index in range(config.num_hidden_layers):
        layer = f"encoder.layer.{index}"
        for name, outputs, inputs in (
            ("attention.self.query", hidden, hidden),
            ("attention.self.key", hidden, hidden),
            ("attention.self.value", hidden, hidden),
            ("attention.output.dense", hidden, hidden),
            ("intermediate.dense", inner, hidden),
            ("output.dense", hidden, inner),
        ):
            shapes[f"{layer}.{name}.weight"] = (outputs, inputs)
            shapes[f"{layer}.{name}.bias"] = (outputs,)
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes[f"{layer}.{name}.weight"] = shapes[f"{layer}.{name}.bias"] = (hidden,)
    return {name: generator.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def write_model(directory: Path, weights: dict[str, np.ndarray], **changes: Any) -> Path:
    fields = {
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": CONFIG.hidden_size,
        "intermediate_size": CONFIG.intermediate_size,
        "max_position_embeddings": CONFIG.max_position_embeddings,
        "num_attention_heads": CONFIG.num_attention_heads,
        "num_hidden_layers": CONFIG.num_hidden_layers,
        "type_vocab_size": CONFIG.type_vocab_size,
        "vocab_size": CONFIG.vocab_size,
        "transformers_version": "4.8.2",
    }
    directory.mkdir(parents=True)
    (directory / "config.json").write_text(json.dumps(fields | changes))
    (directory / "vocab.txt").write_text("".join(f"{token}\n" for token in tiny_tokens()))
    save_file(weights, directory / "model.safetensors")
    return directory


def convert(model_dir: Path, output_dir: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "scripts/convert_huggingface.py"]
    command += ["--model_dir", str(model_dir), "--output_dir", str(output_dir)]
    # The module is a script: sys.path begins with its own directory, so `bert` is found by this.
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment
    )


def converted(output_dir: Path) -> dict[str, np.ndarray]:
    reader = tf.train.load_checkpoint(str(output_dir / "bert_model.ckpt"))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def test_a_directory_becomes_a_pretrained_checkpoint(tmp_path: Path) -> None:
    weights = huggingface_weights()
    weights["embeddings.position_ids"] = np.arange(64)[np.newaxis]
    model_dir = write_model(tmp_path / "model", weights)
    (model_dir / "tokenizer_config.json").write_text('{"do_lower_case": true}')
    result = convert(model_dir, tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert "erf form of GELU" in result.stdout.splitlines()[0]
    found = converted(tmp_path / "out")
    assert {name: value.shape for name, value in found.items()} == encoder_shapes(CONFIG)
    for theirs, ours in (
        ("embeddings.word_embeddings.weight", "bert/embeddings/word_embeddings"),
        ("embeddings.LayerNorm.weight", "bert/embeddings/LayerNorm/gamma"),
        ("embeddings.LayerNorm.bias", "bert/embeddings/LayerNorm/beta"),
        ("encoder.layer.1.output.dense.bias", "bert/encoder/layer_1/output/dense/bias"),
        ("pooler.dense.bias", "bert/pooler/dense/bias"),
    ):
        np.testing.assert_array_equal(found[ours], weights[theirs])
    for theirs, ours in (
        ("encoder.layer.1.output.dense.weight", "bert/encoder/layer_1/output/dense/kernel"),
        (
            "encoder.layer.0.attention.self.key.weight",
            "bert/encoder/layer_0/attention/self/key/kernel",
        ),
        ("pooler.dense.weight", "bert/pooler/dense/kernel"),
    ):
        np.testing.assert_array_equal(found[ours], weights[theirs].T)
    config = BertConfig.from_google_research_file(tmp_path / "out" / "bert_config.json")
    assert config == CONFIG
    settings = json.loads((tmp_path / "out" / "tokenizer_config.json").read_text())
    assert settings == {"do_lower_case": True, "model_max_length": 64}
    assert (tmp_path / "out" / "vocab.txt").read_bytes() == (model_dir / "vocab.txt").read_bytes()


def test_older_names_prefix_and_a_classifier_are_understood(tmp_path: Path) -> None:
    weights = {
        f"bert.{name}".replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): value
        for name, value in huggingface_weights().items()
    }
    weights["classifier.weight"] = np.ones((3, 16), ml_dtypes.bfloat16)
    weights["classifier.bias"] = np.zeros(3, np.float16)
    model_dir = write_model(tmp_path / "model", weights, hidden_act="gelu_new")
    result = convert(model_dir, tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert "GELU" not in result.stdout
    shapes = encoder_shapes(CONFIG) | classifier_shapes(CONFIG, 3)
    assert tensorflow_v1.shapes(tmp_path / "out" / "bert_model.ckpt") == shapes
    assert read(tmp_path / "out", ReadOptions()).labels == ("0", "1", "2")


@pytest.mark.parametrize(
    ("missing", "changes", "sentence"),
    [
        ("pooler.dense.weight", {}, "has no tensor 'bert.pooler.dense.weight'"),
        (None, {"vocab_size": 7}, "where config.json says [7, 16]"),
        (None, {"hidden_act": "silu"}, "hidden_act is 'silu'"),
        (None, {"model_type": "roberta"}, "model_type is 'roberta'"),
        (None, {"num_attention_heads": 3}, "is not a multiple of num_attention_heads"),
    ],
)
def test_what_does_not_fit_is_named(
    tmp_path: Path, missing: str | None, changes: dict[str, Any], sentence: str
) -> None:
    weights = huggingface_weights()
    if missing is not None:
        del weights[missing]
    result = convert(write_model(tmp_path / "model", weights, **changes), tmp_path / "out")
    assert result.returncode == 1
    assert sentence in result.stderr and "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["config.json", "vocab.txt", "model.safetensors"])
def test_a_missing_or_broken_file_is_named(tmp_path: Path, name: str) -> None:
    model_dir = write_model(tmp_path / "model", huggingface_weights())
    (model_dir / name).write_bytes(b"\xff")
    result = convert(model_dir, tmp_path / "out")
    assert result.returncode == 1 and name in result.stderr and "Traceback" not in result.stderr
    (model_dir / name).unlink()
    result = convert(model_dir, tmp_path / "out")
    assert result.returncode == 1 and name in result.stderr and "Traceback" not in result.stderr
