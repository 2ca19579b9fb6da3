"""Hugging Face directories become the model that they say they are."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from bert.checkpoints import ReadOptions, read
from bert.tasks import FIRST_TOKEN, POOLER, Pooling
from tests.bert.checkpoints.huggingface.directory import (
    CONFIG,
    FIELDS,
    of_encoder,
    tensors,
    variables,
    write_directory,
    write_sharded,
)
from tests.bert.checkpoints.model_assertions import assert_weights
from tests.tiny_model import tiny_tokens

_OPTIONS = ReadOptions()
# As transformers calls classes that id2label does not name.
_UNNAMED = ("LABEL_0", "LABEL_1", "LABEL_2")


def test_a_classifier(tmp_path: Path) -> None:
    id2label = {"1": "neutral", "0": "negative", "2": "positive"}
    directory = write_directory(tmp_path / "model", id2label=id2label, layer_norm_eps=1e-5)
    model = read(directory, _OPTIONS)
    assert_weights(model, variables())
    assert model.config.layer_norm_eps == 1e-5
    assert model.config.hidden_act == "gelu_erf"
    assert (model.task.name, model.labels) == (
        "classification",
        ("negative", "neutral", "positive"),
    )
    assert (model.tokenizer, model.do_lower_case) == ("huggingface", True)
    assert model.max_seq_length == 32
    assert model.pooling == Pooling(POOLER)
    assert model.provenance["kind"] == "Hugging Face BertForSequenceClassification"
    assert model.provenance["checkpoint"] == str(directory)


def test_shards(tmp_path: Path) -> None:
    assert_weights(read(write_sharded(tmp_path / "model"), _OPTIONS), variables())


def renamed_to_gamma_and_beta(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    return {
        next((name.replace(new, old[new]) for new in old if new in name), name): value
        for name, value in values.items()
    }


def with_constants(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {**values, "bert.embeddings.position_ids": np.arange(64)[np.newaxis]}


@pytest.mark.parametrize("change", [renamed_to_gamma_and_beta, with_constants])
def test_files_of_older_releases(
    change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]], tmp_path: Path
) -> None:
    values = change(tensors(variables()))
    assert values.keys() != tensors(variables()).keys()
    assert_weights(read(write_directory(tmp_path / "model", values), _OPTIONS), variables())


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float64])
def test_other_floats(dtype: type[np.floating], tmp_path: Path) -> None:
    values = {name: value.astype(dtype) for name, value in tensors(variables()).items()}
    model = read(write_directory(tmp_path / "model", values), _OPTIONS)
    expected = {name: value.astype(dtype) for name, value in variables().items()}
    assert_weights(model, {name: value.astype(np.float32) for name, value in expected.items()})


@pytest.mark.parametrize(
    ("changes", "num_outputs", "task", "labels"),
    [
        ({}, 2, "classification", _UNNAMED[:2]),
        ({"problem_type": "single_label_classification"}, 3, "classification", _UNNAMED),
        ({"problem_type": "multi_label_classification"}, 2, "multilabel", _UNNAMED[:2]),
        ({"problem_type": "multi_label_classification"}, 1, "multilabel", _UNNAMED[:1]),
        ({"problem_type": "regression"}, 1, "regression", ()),
        ({"id2label": {"0": "LABEL_0"}}, 1, "regression", ()),
        ({"num_labels": 2}, 2, "classification", _UNNAMED[:2]),
        ({"label2id": {"bad": 0, "good": 1}}, 2, "classification", _UNNAMED[:2]),
        ({"architectures": None}, 2, "classification", _UNNAMED[:2]),
        ({"architectures": ["TFBertForSequenceClassification"]}, 2, "classification", _UNNAMED[:2]),
    ],
)
def test_tasks(
    changes: dict[str, Any], num_outputs: int, task: str, labels: tuple[str, ...], tmp_path: Path
) -> None:
    values = tensors(variables(num_outputs))
    model = read(write_directory(tmp_path / "model", values, **changes), _OPTIONS)
    assert (model.task.name, model.labels) == (task, labels)
    assert model.weights["output_weights"].shape == (num_outputs, CONFIG.hidden_size)


@pytest.mark.parametrize(
    ("settings", "length", "source"),
    [
        (None, 64, "position table"),
        ({}, 64, "position table"),
        ({"model_max_length": int(1e30)}, 64, "position table"),
        ({"model_max_length": 1e30}, 64, "position table"),
        ({"model_max_length": None, "max_len": 16}, 64, "position table"),
        ({"max_len": 16}, 16, "tokenizer_config.json"),
        ({"model_max_length": 40, "max_len": 16}, 40, "tokenizer_config.json"),
        ({"model_max_length": 512}, 64, "tokenizer_config.json"),
    ],
)
def test_length(settings: dict[str, Any] | None, length: int, source: str, tmp_path: Path) -> None:
    """As `tokenizer(text, truncation=True)` cuts, at most the 64 rows of the position table."""
    directory = write_directory(tmp_path / "model")
    file = directory / "tokenizer_config.json"
    file.unlink()
    if settings is not None:
        file.write_text(json.dumps({"do_lower_case": True, **settings}))
    model = read(directory, _OPTIONS)
    assert model.max_seq_length == length
    assert source in model.provenance["max_seq_length"]
    assert read(directory, ReadOptions(max_seq_length=9)).max_seq_length == 9


def test_the_report_says_where_labels_came_from(tmp_path: Path) -> None:
    unnamed = read(write_directory(tmp_path / "unnamed"), _OPTIONS)
    assert "no id2label" in unnamed.provenance["labels"]
    names = {"0": "a", "1": "b", "2": "c"}
    named = write_directory(tmp_path / "named", id2label=names)
    source = f"id2label of {named / 'config.json'}"
    assert read(named, _OPTIONS).provenance["labels"] == source
    given = read(named, ReadOptions(labels=("x", "y", "z")))
    assert given.provenance["labels"] == "--labels or --label_file"


def test_the_flag_tells_the_task_where_the_file_does_not(tmp_path: Path) -> None:
    directory = write_directory(tmp_path / "model")
    model = read(directory, ReadOptions(task="multilabel", labels=("a", "b", "c")))
    assert (model.task.name, model.labels) == ("multilabel", ("a", "b", "c"))
    model = read(directory, ReadOptions(task="embedding"))
    assert (model.task.name, model.labels) == ("embedding", ())
    assert "output_weights" not in model.weights


@pytest.mark.parametrize(
    ("word", "activation"),
    [("gelu", "gelu_erf"), ("gelu_new", "gelu_tanh"), ("relu", "relu")],
)
def test_activations(word: str, activation: str, tmp_path: Path) -> None:
    directory = write_directory(tmp_path / "model", hidden_act=word)
    assert read(directory, _OPTIONS).config.hidden_act == activation


@pytest.mark.parametrize("architecture", ["BertModel", None])
@pytest.mark.parametrize("has_pooler", [True, False])
def test_an_encoder(architecture: str | None, has_pooler: bool, tmp_path: Path) -> None:
    values = of_encoder(variables())
    if not has_pooler:
        values = {name: value for name, value in values.items() if not name.startswith("pooler")}
    model = read(write_directory(tmp_path / "model", values, architecture), _OPTIONS)
    assert model.task.name == "embedding"
    assert model.pooling == Pooling(POOLER if has_pooler else FIRST_TOKEN)
    kept = {
        name: value
        for name, value in variables().items()
        if not name.startswith("output_") and (has_pooler or "pooler" not in name)
    }
    assert_weights(model, kept)


def test_another_head_as_an_encoder(tmp_path: Path) -> None:
    """Only when asked for: its own answer would be another one."""
    values = {**tensors(variables()), "cls.predictions.bias": np.zeros(7, np.float32)}
    directory = write_directory(tmp_path / "model", values, "BertForMaskedLM")
    assert read(directory, ReadOptions(task="embedding")).task.name == "embedding"


def test_defaults_of_config_json(tmp_path: Path) -> None:
    """What BertConfig's own defaults say, the file may leave out."""
    directory = write_directory(tmp_path / "model")
    left_out = ("model_type", "hidden_act", "type_vocab_size")
    kept = {name: value for name, value in FIELDS.items() if name not in left_out}
    (directory / "config.json").write_text(json.dumps(kept))
    assert read(directory, _OPTIONS).config == CONFIG


def test_keras_weights(tmp_path: Path) -> None:
    """As TFBertForSequenceClassification lays them out; tests/acceptance has a real file."""
    directory = write_directory(tmp_path / "model")
    (directory / "model.safetensors").unlink()
    top = "tf_bert_for_sequence_classification"
    endings = {
        "word_embeddings": "word_embeddings/weight",
        "token_type_embeddings": "token_type_embeddings/embeddings",
        "position_embeddings": "position_embeddings/embeddings",
    }
    with h5py.File(directory / "tf_model.h5", "w") as file:
        for name, value in variables().items():
            if name == "output_weights":
                file[f"classifier/{top}/classifier/kernel:0"] = value.T
            elif name == "output_bias":
                file[f"classifier/{top}/classifier/bias:0"] = value
            else:
                stem, _, last = name.replace("layer_", "layer_._").rpartition("/")
                file[f"bert/{top}/{stem}/{endings.get(last, last)}:0"] = value
    assert_weights(read(directory, _OPTIONS), variables())


def test_safetensors_go_before_other_files(tmp_path: Path) -> None:
    directory = write_directory(tmp_path / "model")
    (directory / "pytorch_model.bin").write_bytes(b"never read")
    (directory / "tf_model.h5").write_bytes(b"never read")
    assert_weights(read(directory, _OPTIONS), variables())


def test_tokens_that_were_added(tmp_path: Path) -> None:
    """The word embeddings may have more rows than the vocabulary has tokens, not fewer."""
    directory = write_directory(tmp_path / "model", tokens=tiny_tokens()[:-3])
    assert len(read(directory, _OPTIONS).vocabulary) == CONFIG.vocab_size - 3


def test_a_moved_copy_reads_the_same(tmp_path: Path) -> None:
    directory = write_directory(tmp_path / "model")
    copy = shutil.copytree(directory, tmp_path / "copy")
    shutil.rmtree(directory)
    save_file(load_file(copy / "model.safetensors"), copy / "model.safetensors")
    assert_weights(read(copy, _OPTIONS), variables())
