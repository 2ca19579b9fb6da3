"""Cross-encoders of sentence-transformers: pairs, and the activation that their files name."""

import json
from pathlib import Path
from typing import Any

import pytest

from bert.checkpoints import ReadOptions, read
from bert.errors import UserError
from bert.tasks import IDENTITY, SIGMOID, SOFTMAX
from tests.bert.checkpoints.huggingface.directory import tensors, variables, write_directory

_OPTIONS = ReadOptions()
_SIGMOID = "torch.nn.modules.activation.Sigmoid"
_IDENTITY = "torch.nn.modules.linear.Identity"


def of_releases_4_and_5(activation: str | None) -> dict[str, Any]:
    return {"sentence_transformers": {"activation_fn": activation, "version": "5.1.2"}}


def of_releases_before(activation: str | None) -> dict[str, Any]:
    return {"sbert_ce_default_activation_function": activation}


@pytest.mark.parametrize(
    ("settings", "segment"),
    [
        ({}, 1),
        ({"tokenizer_class": "BertTokenizer"}, 1),
        ({"tokenizer_class": "DistilBertTokenizer"}, 0),
        ({"tokenizer_class": "DistilBertTokenizerFast"}, 0),
        ({"model_input_names": ["input_ids", "attention_mask"]}, 0),
        (
            {
                "tokenizer_class": "DistilBertTokenizer",
                "model_input_names": ["input_ids", "token_type_ids", "attention_mask"],
            },
            1,
        ),
    ],
)
def test_the_segment_of_the_second_text(
    settings: dict[str, Any], segment: int, tmp_path: Path
) -> None:
    """A tokenizer without token types leaves the model's own, which is 0 everywhere."""
    directory = write_directory(tmp_path / "model", tensors(variables(1)))
    (directory / "tokenizer_config.json").write_text(json.dumps(settings))
    assert read(directory, _OPTIONS).pair_form().second_segment == segment


def write_release_6(directory: Path, num_outputs: int, **settings: Any) -> Path:
    """As CrossEncoder.save_pretrained writes it: modules.json with one module."""
    write_directory(directory, tensors(variables(num_outputs)))
    module = "sentence_transformers.base.modules.transformer.Transformer"
    contents: dict[str, Any] = {
        "modules.json": [{"idx": 0, "name": "0", "path": "", "type": module}],
        "config_sentence_transformers.json": {
            "model_type": "CrossEncoder",
            "prompts": {},
            "default_prompt_name": None,
            **settings,
        },
        "sentence_bert_config.json": {"transformer_task": "sequence-classification"},
    }
    for name, content in contents.items():
        (directory / name).write_text(json.dumps(content))
    return directory


@pytest.mark.parametrize(
    ("num_outputs", "changes", "task", "activation"),
    [
        (1, of_releases_4_and_5(_SIGMOID), "regression", SIGMOID),
        (1, of_releases_4_and_5(_IDENTITY), "regression", IDENTITY),
        (1, of_releases_4_and_5(None), "regression", SIGMOID),
        (1, of_releases_4_and_5("torch.nn.Identity"), "regression", IDENTITY),
        (1, of_releases_before(_SIGMOID), "regression", SIGMOID),
        (1, of_releases_before(_IDENTITY), "regression", IDENTITY),
        (3, of_releases_4_and_5(_IDENTITY), "classification", SOFTMAX),
        (3, of_releases_4_and_5(None), "classification", SOFTMAX),
        (3, of_releases_4_and_5(_SIGMOID), "multilabel", SIGMOID),
        (1, {**of_releases_before(_SIGMOID), "problem_type": "regression"}, "regression", SIGMOID),
    ],
)
def test_activation(
    num_outputs: int, changes: dict[str, Any], task: str, activation: str, tmp_path: Path
) -> None:
    values = tensors(variables(num_outputs))
    model = read(write_directory(tmp_path / "model", values, **changes), _OPTIONS)
    assert model.takes_pairs
    assert (model.task.name, model.task.activation) == (task, activation)
    assert "config.json" in model.provenance["activation"]


@pytest.mark.parametrize(
    ("num_outputs", "settings", "task", "activation"),
    [
        (1, {"activation_fn": _SIGMOID}, "regression", SIGMOID),
        (1, {"activation_fn": _IDENTITY}, "regression", IDENTITY),
        (1, {}, "regression", SIGMOID),
        (3, {"activation_fn": _IDENTITY}, "classification", SOFTMAX),
    ],
)
def test_release_6(
    num_outputs: int, settings: dict[str, Any], task: str, activation: str, tmp_path: Path
) -> None:
    directory = write_release_6(tmp_path / "model", num_outputs, **settings)
    model = read(directory, _OPTIONS)
    assert model.takes_pairs
    assert model.provenance["kind"] == "sentence-transformers CrossEncoder"
    assert (model.task.name, model.task.activation) == (task, activation)
    assert "config_sentence_transformers.json" in model.provenance["activation"]


def test_a_classifier_without_such_a_field_takes_what_it_is_asked_for(tmp_path: Path) -> None:
    directory = write_directory(tmp_path / "model", tensors(variables(1)))
    model = read(directory, _OPTIONS)
    assert not model.takes_pairs
    assert (model.task.name, model.task.activation) == ("regression", IDENTITY)


@pytest.mark.parametrize("name", ["torch.nn.modules.activation.Softmax", "my.Sigmoid", 3])
def test_another_activation_is_refused(name: object, tmp_path: Path) -> None:
    values = tensors(variables(1))
    changes: dict[str, Any] = {"sentence_transformers": {"activation_fn": name}}
    directory = write_directory(tmp_path / "old", values, **changes)
    with pytest.raises(UserError, match=r"activation_fn is .*one of torch.nn"):
        read(directory, _OPTIONS)
    with pytest.raises(UserError, match=r"activation_fn is .*one of torch.nn"):
        read(write_release_6(tmp_path / "new", 1, activation_fn=name), _OPTIONS)


def test_a_prompt_is_refused(tmp_path: Path) -> None:
    settings = {"default_prompt_name": "query", "prompts": {"query": "query: "}}
    with pytest.raises(UserError, match="'query: '"):
        read(write_release_6(tmp_path / "model", 1, **settings), _OPTIONS)
