"""Reads params.yaml, the file in which Model Garden's trainer keeps an experiment."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bert.checkpoints.fields import NO_EXPORT, Fields
from bert.checkpoints.text.settings import Setting
from bert.config import GELU_TANH, LINEAR, RELU, TANH, BertConfig
from bert.errors import UserError

PARAMETERS_FILE = "params.yaml"
_SUFFIXES = (".yaml", ".yml")

_GIVE_PARAMETERS = (
    "give the params.yaml that Model Garden's trainer wrote, or name BERT's configuration with "
    "--bert_config_file"
)

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

    lower_case: Setting[bool] | None
    vocab_file: str | None
    seq_length: Setting[int] | None


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
    task = Fields(file, _read_yaml(file)).section("task", _GIVE_PARAMETERS)
    model = task.section("model", _GIVE_PARAMETERS)
    encoder = model.section("encoder", _GIVE_PARAMETERS)
    kind = encoder.choice(
        "type", {kind: kind for kind in _ENCODERS}, "bert", f"{NO_EXPORT}, give one of BERT's"
    )
    # Evaluation alone leaves the data of the training out.
    data = task.section("train_data")
    if not data.values:
        data = task.section("validation_data")
    data.require({"tokenization": "WordPiece"})
    trained_on_text = bool(data.values.get("text_fields"))
    return Parameters(
        file,
        _bert_config(encoder.section(kind)),
        # 0 stands for the number that the data tell.
        model.count("num_classes") if model.values.get("num_classes") != 0 else None,
        trained_on_text,
        Setting.of(data.flag("lower_case") if trained_on_text else None, str(file)),
        data.word("vocab_file") or None,
        Setting.of(data.count("seq_length"), str(file)),
    )


def _bert_config(fields: Fields) -> BertConfig:
    word = fields.word("hidden_activation") or "gelu"
    if word.lower() not in _ACTIVATIONS:
        raise fields.error("hidden_activation", f"one of {', '.join(_ACTIVATIONS)}", NO_EXPORT)
    fields.require({"norm_first": False}, null=True)
    config = fields.bert_config(_FIELDS, hidden_act=_ACTIVATIONS[word.lower()])
    fields.require({"embedding_size": config.hidden_size}, null=True)
    return config


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
