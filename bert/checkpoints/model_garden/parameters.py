"""Reads params.yaml, the file in which Model Garden's trainer keeps an experiment."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bert.config import GELU_TANH, LINEAR, RELU, TANH, BertConfig
from bert.errors import UserError

PARAMETERS_FILE = "params.yaml"
_SUFFIXES = (".yaml", ".yml")

# official/nlp/configs/encoders.py: the types of EncoderConfig that BertEncoderConfig describes.
_ENCODERS = ("bert", "bert_v2")

# official/modeling/tf_utils.py, get_activation; activations/gelu.py has approximate=True.
_ACTIVATIONS = {"gelu": GELU_TANH, "relu": RELU, "tanh": TANH, "linear": LINEAR}

# official/nlp/configs/encoders.py, BertEncoderConfig: its names and defaults, and BertConfig's.
_FIELDS: tuple[tuple[str, str, Any], ...] = (
    ("vocab_size", "vocab_size", 30522),
    ("hidden_size", "hidden_size", 768),
    ("num_layers", "num_hidden_layers", 12),
    ("num_attention_heads", "num_attention_heads", 12),
    ("intermediate_size", "intermediate_size", 3072),
    ("max_position_embeddings", "max_position_embeddings", 512),
    ("type_vocab_size", "type_vocab_size", 2),
    ("dropout_rate", "hidden_dropout_prob", 0.1),
    ("attention_dropout_rate", "attention_probs_dropout_prob", 0.1),
    ("initializer_range", "initializer_range", 0.02),
)


@dataclasses.dataclass(frozen=True)
class Parameters:
    """What the file says of a BERT and its texts; None where it says nothing."""

    file: Path
    bert: BertConfig
    num_classes: int | None
    trained_on_text: bool
    """whether the trainer tokenized, with TensorFlow Text; else its data were ids"""

    lower_case: bool | None
    vocab_file: str | None
    seq_length: int | None


def find_parameters_file(directory: Path) -> Path | None:
    """params.yaml, or the one file NAME_params.yaml or NAME.params.yaml; None if there is none."""
    if (directory / PARAMETERS_FILE).is_file():
        return directory / PARAMETERS_FILE
    found = [file for suffix in _SUFFIXES for file in directory.glob(f"*params{suffix}")]
    return found[0] if len(found) == 1 else None


def is_parameters_file(file: Path) -> bool:
    """Whether a file is YAML by its name."""
    return file.suffix in _SUFFIXES


def read_parameters(file: Path) -> Parameters:
    """Reads the file; what it lacks has Model Garden's default.

    Raises:
      UserError: the file is absent, not YAML, holds a wrong value, or is that of another
        encoder than BERT's.
    """
    task = _section(file, _read_yaml(file), "task")
    model = _section(file, task, "task.model")
    encoder = _section(file, model, "task.model.encoder")
    kind = encoder.get("type", "bert")
    if kind not in _ENCODERS:
        raise UserError(
            f"{file}: task.model.encoder.type is {kind!r}, where one of {', '.join(_ENCODERS)} is "
            "expected: such a model cannot be exported, give one of BERT's."
        )
    # Evaluation alone leaves the data of the training out.
    data = _section(file, task, "task.train_data", may_lack=True) or _section(
        file, task, "task.validation_data", may_lack=True
    )
    if data.get("tokenization", "WordPiece") != "WordPiece":
        raise UserError(
            f"{file}: task.train_data.tokenization is {data['tokenization']!r}, where BERT's "
            "'WordPiece' is expected: such a model cannot be exported."
        )
    trained_on_text = bool(data.get("text_fields"))
    return Parameters(
        file,
        _bert_config(file, _section(file, encoder, f"task.model.encoder.{kind}", may_lack=True)),
        _value(file, model, "task.model.num_classes", int) or None,
        trained_on_text,
        _value(file, data, "task.train_data.lower_case", bool) if trained_on_text else None,
        _value(file, data, "task.train_data.vocab_file", str) or None,
        _value(file, data, "task.train_data.seq_length", int),
    )


def _bert_config(file: Path, fields: Mapping[str, Any]) -> BertConfig:
    word = fields.get("hidden_activation", "gelu")
    if not isinstance(word, str) or word.lower() not in _ACTIVATIONS:
        raise UserError(
            f"{file}: hidden_activation is {word!r}, where one of {', '.join(_ACTIVATIONS)} is "
            "expected: such a model cannot be exported."
        )
    if fields.get("norm_first"):
        raise UserError(
            f"{file}: norm_first is {fields['norm_first']!r}, where BERT's false is expected: such "
            "a model cannot be exported."
        )
    values = {ours: fields.get(theirs, default) for theirs, ours, default in _FIELDS}
    width = fields.get("embedding_size")
    if width not in (None, values["hidden_size"]):
        raise UserError(
            f"{file}: embedding_size is {width!r}, where BERT's hidden_size "
            f"{values['hidden_size']!r} is expected: such a model cannot be exported."
        )
    try:
        return BertConfig(hidden_act=_ACTIVATIONS[word.lower()], **values)
    except ValueError as error:
        raise UserError(f"{file}: {error}: correct the file.") from error


def _section(
    file: Path, content: Mapping[str, Any], path: str, may_lack: bool = False
) -> Mapping[str, Any]:
    """A part of the file that must be a mapping."""
    found = content.get(path.rpartition(".")[2])
    if found is None and may_lack:
        return {}
    if not isinstance(found, dict):
        raise UserError(
            f"{file}: {path} is {'missing' if found is None else repr(found)}, where a mapping is "
            "expected: give the params.yaml that Model Garden's trainer wrote, or name BERT's "
            "configuration with --bert_config_file."
        )
    return found


def _value(file: Path, content: Mapping[str, Any], path: str, kind: type) -> Any:
    found = content.get(path.rpartition(".")[2])
    # A bool is an int, too.
    if found is not None and type(found) is not kind:
        raise UserError(
            f"{file}: {path} is {found!r}, where a value of type {kind.__name__} is expected: "
            "correct the file."
        )
    return found


def _read_yaml(file: Path) -> Mapping[str, Any]:
    # Only these checkpoints need it.
    import yaml

    class Loader(yaml.SafeLoader):
        """Reads values alone, never objects; a tuple, which Python code writes, is a list."""

    Loader.add_constructor("tag:yaml.org,2002:python/tuple", Loader.construct_yaml_seq)
    try:
        with file.open(encoding="utf-8") as opened:
            content = yaml.load(opened, Loader)
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}): check the path.") from error
    # Lists in lists in lists end the parser's recursion.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise UserError(
            f"{file} is not plain YAML ({problem}): correct or replace the file."
        ) from error
    if not isinstance(content, dict):
        raise UserError(
            f"{file} holds a {type(content).__name__}, where a mapping is expected: give the "
            "params.yaml that Model Garden's trainer wrote."
        )
    return content
