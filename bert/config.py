"""BertConfig: the shape of a BERT encoder, read from JSON and validated."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bert.errors import UserError

# The activations, under one unambiguous name each. The same word means different curves in
# different libraries: `gelu` is the tanh approximation in google-research/bert (`modeling.py`,
# `gelu`) and the exact error function in Hugging Face transformers. A reader of a configuration
# translates the library's word into one of these names once; nothing after it has to know.
GELU_TANH = "gelu_tanh"
GELU_ERF = "gelu_erf"
RELU = "relu"
TANH = "tanh"
LINEAR = "linear"

ACTIVATIONS = (GELU_TANH, GELU_ERF, RELU, TANH, LINEAR)

# google-research/bert, modeling.py, get_activation
GOOGLE_RESEARCH_NAMES = {"gelu": GELU_TANH, "relu": RELU, "tanh": TANH, "linear": LINEAR}


_REQUIRED = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
    "type_vocab_size",
)


@dataclasses.dataclass(frozen=True)
class BertConfig:
    """The hyper-parameters of google-research/bert's `BertConfig`.

    `hidden_act` is one of `ACTIVATIONS`, not the word of the file.
    `layer_norm_eps` is 1e-12 in the original (`tf.contrib.layers.layer_norm`).
    `has_pooler` tells whether the pooler is there, which the original always has.
    """

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    type_vocab_size: int
    hidden_act: str = GELU_TANH
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    has_pooler: bool = True

    def __post_init__(self) -> None:
        """Checks the values.

        Raises:
          ValueError: a size is not a positive integer, a rate is not a number of its
            range, the heads do not divide the width, or the activation is unknown.
        """
        for name in _REQUIRED:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} is {value!r}, where a positive integer is expected")
        for name in ("hidden_dropout_prob", "attention_probs_dropout_prob"):
            value = getattr(self, name)
            if not _is_number(value) or not 0 <= value < 1:
                raise ValueError(f"{name} is {value!r}, where a number from 0 to 1 is expected")
        for name in ("initializer_range", "layer_norm_eps"):
            value = getattr(self, name)
            if not _is_number(value) or value <= 0:
                raise ValueError(f"{name} is {value!r}, where a positive number is expected")
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"hidden_size {self.hidden_size} is not a multiple of num_attention_heads "
                f"{self.num_attention_heads}"
            )
        if self.hidden_act not in ACTIVATIONS:
            raise ValueError(
                f"hidden_act is {self.hidden_act!r}, where one of {', '.join(ACTIVATIONS)} "
                "is expected"
            )

    @property
    def size_per_head(self) -> int:
        """The width of one attention head."""
        return self.hidden_size // self.num_attention_heads

    @classmethod
    def from_google_research_file(cls, path: Path) -> "BertConfig":
        """Reads a `bert_config.json` of google-research/bert.

        Fields that the original code does not know are ignored; `vocab_size` and the
        sizes must be there, the rest has the original's defaults.

        Raises:
          UserError: the file is absent, not JSON, lacks a field or holds a wrong value.
        """
        fields = read_json_object(path)
        missing = [name for name in _REQUIRED if name not in fields]
        if missing:
            raise UserError(
                f"{path} lacks the field {missing[0]!r}: give the bert_config.json that the "
                "checkpoint was trained with (--bert_config_file)."
            )
        word = fields.get("hidden_act", "gelu")
        if not isinstance(word, str) or word not in GOOGLE_RESEARCH_NAMES:
            raise UserError(
                f"{path}: hidden_act is {word!r}, where google-research/bert knows "
                f"{', '.join(GOOGLE_RESEARCH_NAMES)}: correct the file."
            )
        known = {field.name for field in dataclasses.fields(cls)} - {"hidden_act", "has_pooler"}
        try:
            return cls(
                hidden_act=GOOGLE_RESEARCH_NAMES[word],
                **{name: value for name, value in fields.items() if name in known},
            )
        except ValueError as error:
            raise UserError(f"{path}: {error}: correct the file.") from error

    def to_google_research_json(self) -> str:
        """Writes the configuration as a `bert_config.json`.

        Raises:
          ValueError: google-research/bert has no such activation, or no model without a
            pooler.
        """
        if not self.has_pooler:
            raise ValueError("google-research/bert has no model without a pooler")
        words = {name: word for word, name in GOOGLE_RESEARCH_NAMES.items()}
        if self.hidden_act not in words:
            raise ValueError(f"google-research/bert has no activation {self.hidden_act!r}")
        fields: dict[str, Any] = dataclasses.asdict(self)
        del fields["has_pooler"]
        fields["hidden_act"] = words[self.hidden_act]
        return json.dumps(fields, indent=2, sort_keys=True) + "\n"


def read_json_object(path: Path) -> Mapping[str, Any]:
    """Reads a JSON file that holds one object.

    Raises:
      UserError: the file cannot be read, is not JSON, or holds something else.
    """
    return _read_json(path, dict, "an object")


def read_json_list(path: Path) -> Sequence[Any]:
    """Reads a JSON file that holds one list.

    Raises:
      UserError: the file cannot be read, is not JSON, or holds something else.
    """
    return _read_json(path, list, "a list")


def _read_json(path: Path, expected: type, expected_words: str) -> Any:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): check the path.") from error
    # Lists in lists in lists end the parser's recursion.
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not JSON ({error}): correct or replace the file.") from error
    if not isinstance(content, expected):
        raise UserError(
            f"{path} holds a JSON {type(content).__name__}, where {expected_words} is expected: "
            "correct or replace the file."
        )
    return content


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
