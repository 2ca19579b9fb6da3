"""Reads config.json, the file in which `transformers` describes a model."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bert.config import GELU_ERF, GELU_TANH, RELU, TANH, BertConfig, read_json_object
from bert.errors import UserError

CONFIG_FILE = "config.json"

# transformers, activations.py, ACT2FN
_ACTIVATIONS = {
    "gelu": GELU_ERF,
    "gelu_python": GELU_ERF,
    "gelu_new": GELU_TANH,
    "gelu_pytorch_tanh": GELU_TANH,
    "relu": RELU,
    "tanh": TANH,
}

# Settings that make another model of BERT, and what they are in BERT.
_OF_BERT: Mapping[str, object] = {
    "model_type": "bert",
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "add_cross_attention": False,
    "pruned_heads": {},
    "quantization_config": None,
}


@dataclasses.dataclass(frozen=True)
class HuggingFaceConfig:
    """What the file says of a BERT."""

    file: Path
    bert: BertConfig
    architecture: str | None
    """the class that was saved, such as BertForSequenceClassification"""

    problem_type: str | None
    labels: tuple[str, ...] | None
    """the names of `id2label` in class order, None where there are none"""


def read_huggingface_config(file: Path) -> HuggingFaceConfig:
    """Reads the file; what it lacks has the value that `BertConfig` of transformers gives it.

    Raises:
      UserError: the file is absent, not JSON, holds a wrong value, or is that of a model
        other than BERT.
    """
    if not file.is_file():
        raise UserError(
            f"{file}, the configuration of the model, does not exist: give a directory that "
            "save_pretrained wrote, or name the file with --bert_config_file."
        )
    fields = read_json_object(file)
    for name, expected in _OF_BERT.items():
        # null stands for the default.
        found = fields.get(name)
        if found is not None and found != expected:
            raise UserError(
                f"{file}: {name} is {found!r}, where BERT's {expected!r} is expected: such a model "
                "cannot be exported, give one of BERT's."
            )
    architectures = fields.get("architectures") or [None]
    problem_type = fields.get("problem_type")
    if not isinstance(architectures, list) or not isinstance(architectures[0], str | None):
        raise UserError(
            f"{file}: architectures is {architectures!r}, where a list of one class name is "
            "expected: correct the file."
        )
    if problem_type is not None and not isinstance(problem_type, str):
        raise UserError(
            f"{file}: problem_type is {problem_type!r}, where a word is expected: correct the file."
        )
    return HuggingFaceConfig(
        file, _bert_config(file, fields), architectures[0], problem_type, _labels(file, fields)
    )


def _bert_config(file: Path, fields: Mapping[str, Any]) -> BertConfig:
    word = fields.get("hidden_act", "gelu")
    if not isinstance(word, str) or word not in _ACTIVATIONS:
        raise UserError(
            f"{file}: hidden_act is {word!r}, where one of {', '.join(_ACTIVATIONS)} is expected: "
            "such a model cannot be exported."
        )
    # transformers, BertConfig.__init__
    defaults: dict[str, Any] = {
        "vocab_size": 30522,
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-12,
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "initializer_range": 0.02,
    }
    values = {name: fields.get(name, default) for name, default in defaults.items()}
    try:
        return BertConfig(hidden_act=_ACTIVATIONS[word], **values)
    except ValueError as error:
        raise UserError(f"{file}: {error}: correct the file.") from error


def _labels(file: Path, fields: Mapping[str, Any]) -> tuple[str, ...] | None:
    names = fields.get("id2label")
    if names is None:
        return None
    try:
        by_id = {int(index): str(name) for index, name in names.items()}
    except (AttributeError, ValueError) as error:
        raise UserError(
            f"{file}: id2label is not an object of label names by class number: correct the file."
        ) from error
    if sorted(by_id) != list(range(len(by_id))):
        raise UserError(
            f"{file}: id2label numbers the classes {sorted(by_id)}, where numbers from 0 without "
            "gaps are expected: correct the file."
        )
    return tuple(by_id[index] for index in range(len(by_id)))
