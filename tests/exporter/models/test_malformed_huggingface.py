"""Broken Hugging Face directories: exit code 1, one sentence, nothing left and no code run."""

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.bert.checkpoints.huggingface.directory import (
    of_encoder,
    tensors,
    variables,
    write_directory,
    write_sharded,
)
from tests.exporter.command import assert_refused, run_here
from tests.exporter.models.malformed import Malformed
from tests.tiny_model import tiny_tokens, write_tiny_model

_QUERY = "bert.encoder.layer.1.attention.self.query.weight"
_WEIGHTS = "model.safetensors"


def with_tensor(name: str, value: np.ndarray | None, *told: str) -> Malformed:
    """One tensor of another value, or None for absent."""

    def write(directory: Path) -> None:
        values = {**tensors(variables()), name: value}
        kept = {name: value for name, value in values.items() if value is not None}
        write_directory(directory, kept)

    return Malformed(write, (_WEIGHTS, name, *told))


def with_config(*told: str, **changes: Any) -> Malformed:
    """config.json with other fields."""
    return Malformed(lambda directory: write_directory(directory, **changes), told)


def with_file(name: str, content: bytes, *told: str, absent: str = "") -> Malformed:
    """A file of other content, with another one away."""

    def write(directory: Path) -> None:
        write_directory(directory)
        if absent:
            (directory / absent).unlink()
        (directory / name).write_bytes(content)

    return Malformed(write, told or (name,))


def without(name: str, *told: str) -> Malformed:
    def write(directory: Path) -> None:
        write_directory(directory)
        (directory / name).unlink()

    return Malformed(write, told or (name,))


def sharded(spoil: Callable[[Path], object], *told: str) -> Malformed:
    return Malformed(lambda directory: spoil(write_sharded(directory)), told)


def in_index(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def spoil(directory: Path) -> None:
        file = directory / "model.safetensors.index.json"
        content = json.loads(file.read_text())
        change(content)
        file.write_text(json.dumps(content))

    return spoil


def cut(name: str, size: int) -> Malformed:
    def write(directory: Path) -> None:
        os.truncate(write_directory(directory) / name, size)

    return Malformed(write, (name, "copy it again"))


def headless(architecture: str, *told: str) -> Malformed:
    return Malformed(
        lambda directory: write_directory(directory, None, architecture), (architecture, *told)
    )


def two_kinds(directory: Path) -> None:
    write_directory(directory)
    write_tiny_model(directory)


class _Touch:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, int]]:
        return os.open, (str(self._file), os.O_CREAT)


def pickled_code(directory: Path) -> None:
    write_directory(directory)
    (directory / _WEIGHTS).unlink()
    (directory / "pytorch_model.bin").write_bytes(pickle.dumps(_Touch(directory.parent / "ran")))


def empty(directory: Path) -> None:
    directory.mkdir()


def without_pooler(directory: Path) -> None:
    values = {k: v for k, v in tensors(variables()).items() if "pooler" not in k}
    write_directory(directory, values)


_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"

_MALFORMED: dict[str, Malformed] = {
    # files
    "an empty directory": Malformed(empty, ("--checkpoint", "without a checkpoint")),
    "two kinds": Malformed(
        two_kinds, ("google-research/bert checkpoint", "Hugging Face model", _WEIGHTS)
    ),
    "no weights": without(_WEIGHTS, "--checkpoint", _WEIGHTS),
    "no config": without("config.json"),
    "no vocabulary": without("vocab.txt", "vocab.txt", "--vocab_file"),
    "a shard missing": sharded(
        lambda directory: (directory / "model-00002-of-00003.safetensors").unlink(),
        "model-00002-of-00003.safetensors",
        "does not exist",
    ),
    "an absent tensor in the index": sharded(
        in_index(lambda index: index["weight_map"].update(more="model-00001-of-00003.safetensors")),
        "model.safetensors.index.json",
        "'more'",
    ),
    "a tensor of no shard": sharded(
        in_index(lambda index: index["weight_map"].pop(_QUERY)), _QUERY, "index.json"
    ),
    "an index that leads elsewhere": sharded(
        in_index(lambda index: index["weight_map"].update({_QUERY: "../../etc/passwd"})),
        "weight_map",
    ),
    "an index without a map": sharded(
        in_index(lambda index: index.pop("weight_map")), "weight_map"
    ),
    "truncated": cut(_WEIGHTS, 5000),
    "truncated within its head": cut(_WEIGHTS, 100),
    "no bytes": cut(_WEIGHTS, 0),
    "not safetensors": with_file(_WEIGHTS, b"\xff" * 64, _WEIGHTS, "copy it again"),
    "a Git LFS pointer": with_file(_WEIGHTS, _POINTER, _WEIGHTS, "git lfs pull"),
    "damaged Keras weights": with_file("tf_model.h5", b"HDF?", "tf_model.h5", absent=_WEIGHTS),
    # tensors
    "a tensor missing": with_tensor(_QUERY, None),
    "the classifier missing": with_tensor("classifier.weight", None),
    "a bias missing": with_tensor("classifier.bias", None),
    "integers": with_tensor(_QUERY, np.ones([16, 16], np.int8), "I8"),
    "another shape": with_tensor(_QUERY, np.ones([16, 8], np.float32), "[16, 8]", "[16, 16]"),
    "another rank": with_tensor("classifier.weight", np.ones([3], np.float32), "[3]"),
    "NaN": with_tensor(_QUERY, np.full([16, 16], np.nan, np.float32), "NaN"),
    "a layer more than the config has": with_tensor(
        "bert.encoder.layer.2.output.dense.bias", np.zeros(16, np.float32), "config.json"
    ),
    "no pooler": Malformed(without_pooler, ("BertForSequenceClassification", "pooler")),
    # config.json
    "another architecture": with_config("model_type", "'roberta'", model_type="roberta"),
    "relative positions": with_config(
        "position_embedding_type", "relative_key", position_embedding_type="relative_key"
    ),
    "a decoder": with_config("is_decoder", is_decoder=True),
    "quantized": with_config("quantization_config", quantization_config={"bits": 8}),
    "another activation": with_config("hidden_act", "'silu'", hidden_act="silu"),
    "a wider model": with_config("config.json", "[124, 32]", hidden_size=32),
    "odd heads": with_config("num_attention_heads 3", num_attention_heads=3),
    "NaN for a number": with_config("layer_norm_eps is nan", layer_norm_eps=float("nan")),
    "more layers than any model": with_config(
        "num_hidden_layers is 20000000", num_hidden_layers=20_000_000
    ),
    "a deeper model": with_config("encoder.layer.2", num_hidden_layers=3),
    "more labels": with_config("id2label", "3 rows", id2label={"0": "a", "1": "b"}),
    "labels with a gap": with_config("id2label", id2label={"0": "a", "1": "b", "3": "c"}),
    "labels in a list": with_config("id2label", id2label=["a", "b", "c"]),
    "equal labels": with_config("'a' twice", id2label={"0": "a", "1": "b", "2": "a"}),
    "another problem": with_config("problem_type", "'ranking'", problem_type="ranking"),
    "regression of three": with_config("regression", "3", problem_type="regression"),
    "architectures no list": with_config("architectures", architectures="BertModel"),
    "config not JSON": with_file("config.json", b"{hidden_size: 16}", "config.json", "not JSON"),
    "config a deep list": with_file("config.json", b"[" * 100_000, "config.json", "not JSON"),
    "config a list": with_file("config.json", b"[]", "config.json", "list"),
    # heads
    "answers": headless("BertForQuestionAnswering", "has 3 outputs", "has 2"),
    "masked words": headless("BertForMaskedLM", "--task=embedding"),
    "tags by another task": Malformed(
        lambda directory: write_directory(
            directory,
            {k: v for k, v in tensors(variables()).items() if "pooler" not in k},
            None,
        ),
        ("BertForTokenClassification", "--task", "token_classification, embedding"),
        ("--task=classification",),
    ),
    # the tokenizer
    "more tokens than rows": Malformed(
        lambda directory: write_directory(directory, tokens=[*tiny_tokens(), "more"]),
        ("vocab.txt", "125", "124"),
    ),
    "a tokenizer that is not BERT's": with_file("tokenizer.json", b"{}", "tokenizer.json"),
    # flags
    "a task against the file": Malformed(
        lambda directory: write_directory(directory, problem_type="multi_label_classification"),
        ("--task", "multi_label_classification"),
        ("--task=classification",),
    ),
    "a task without a head": Malformed(
        lambda directory: write_directory(directory, of_encoder(variables()), "BertModel"),
        ("--task", "BertModel"),
        ("--task=classification",),
    ),
    "labels without classes": Malformed(
        lambda directory: write_directory(directory, of_encoder(variables()), "BertModel"),
        ("--labels",),
        ("--labels=a,b",),
    ),
    "top_k without classes": Malformed(
        lambda directory: write_directory(directory, of_encoder(variables()), "BertModel"),
        ("--top_k", "embedding"),
        ("--top_k=2",),
    ),
}


@pytest.mark.parametrize("name", list(_MALFORMED))
def test_malformed(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    _MALFORMED[name].assert_refused(capfd, tmp_path)


def test_a_pickle_is_not_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Whether PyTorch is installed or not; and the pickle is one that would leave a trace."""
    pickled_code(tmp_path / "model")
    outcome = run_here(
        capfd, f"--checkpoint={tmp_path / 'model'}", f"--export_dir={tmp_path / 'served'}"
    )
    assert_refused(outcome, "pytorch_model.bin", "safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    os.close(pickle.loads((tmp_path / "model" / "pytorch_model.bin").read_bytes()))
    assert (tmp_path / "ran").exists()


def test_a_file_instead_of_its_directory(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    directory = write_directory(tmp_path / "model")
    outcome = run_here(
        capfd, f"--checkpoint={directory / _WEIGHTS}", f"--export_dir={tmp_path / 'served'}"
    )
    assert_refused(outcome, "--checkpoint", _WEIGHTS, "the directory")


def test_a_pickle_beside_safetensors_is_never_opened(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pickled_code(tmp_path / "model")
    save_file({}, tmp_path / "model" / _WEIGHTS)
    outcome = run_here(
        capfd, f"--checkpoint={tmp_path / 'model'}", f"--export_dir={tmp_path / 'served'}"
    )
    assert_refused(outcome, _WEIGHTS)
    shutil.rmtree(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []
