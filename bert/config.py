"""BertConfig: the shape of a BERT encoder, validated."""

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

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

# Sizes far above those of any BERT. A table of all layers is made before any of them is read.
_COUNTS: Mapping[str, range] = {
    "vocab_size": range(1, 100_000_001),
    "hidden_size": range(1, 1_000_001),
    "num_hidden_layers": range(1, 1001),
    "num_attention_heads": range(1, 1_000_001),
    "intermediate_size": range(1, 10_000_001),
    "max_position_embeddings": range(1, 10_000_001),
    "type_vocab_size": range(1, 1_000_001),
    "embedding_size": range(1, 1_000_001),
}
# What no field of a bert_config.json tells, since BERT has no other value.
_OF_BERT: Mapping[str, object] = {
    "has_pooler": True,
    "pooler_act": TANH,
    "embedding_size": None,
    "padding_id": None,
    "relative_attention_buckets": 0,
}
# What stands for something that an encoder does not have.
_ABSENT = (("type_vocab_size", 0), ("embedding_size", None), ("words_act", None))
_RATES = ("hidden_dropout_prob", "attention_probs_dropout_prob")
_POSITIVE: Mapping[str, int] = {"initializer_range": 1000, "layer_norm_eps": 1}


@dataclasses.dataclass(frozen=True)
class BertConfig:
    """The hyper-parameters of google-research/bert's `BertConfig`, and what relatives change.

    `hidden_act` is one of `ACTIVATIONS`, not the word of the file.
    `layer_norm_eps` is 1e-12 in the original (`tf.contrib.layers.layer_norm`).
    `type_vocab_size` is 0 where the encoder has no token types.
    `has_pooler` tells whether the pooler is there, which the original always has, and
    `pooler_act` its activation, the original's tanh.
    `embedding_size` is the width of the tables where a dense layer makes `hidden_size` numbers of
    what they give, and None where there is no such layer.
    `padding_id` is an id that has no place in a row: the others are counted from the row after
    its own in the position table. Where it is None, a token's place is its column.
    `relative_attention_buckets` is not 0 where attention scores depend on the distance too.
    `words_act` is the activation of the head that tells masked words, None where that is
    `hidden_act`.
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
    pooler_act: str = TANH
    embedding_size: int | None = None
    padding_id: int | None = None
    relative_attention_buckets: int = 0
    words_act: str | None = None

    def __post_init__(self) -> None:
        """Checks the values.

        Raises:
          ValueError: a size is not an integer of its range, a rate is not a number of its
            range, the heads do not divide the width, or an activation is unknown.
        """
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            expected = expectation(field.name, value)
            is_absent = (field.name, value) in _ABSENT
            if expected is not None and not is_absent:
                raise ValueError(f"{field.name} is {value!r}, where {expected} is expected")
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"hidden_size {self.hidden_size} is not a multiple of num_attention_heads "
                f"{self.num_attention_heads}"
            )

    @property
    def size_per_head(self) -> int:
        """The width of one attention head."""
        return self.hidden_size // self.num_attention_heads

    @property
    def table_width(self) -> int:
        """The width of the embedding tables."""
        return self.embedding_size or self.hidden_size

    @property
    def longest_row(self) -> int:
        """The number of tokens that the position table has room for."""
        unused = 0 if self.padding_id is None else self.padding_id + 1
        return self.max_position_embeddings - unused

    @property
    def counts_tokens(self) -> bool:
        """Whether an answer depends on masked tokens that stand before others."""
        return self.padding_id is not None or self.relative_attention_buckets > 0

    def to_google_research_json(self) -> str:
        """Writes the configuration as a `bert_config.json`.

        What google-research/bert has not, but can be trained here, has fields of its own:
        `pooler_act`, `embedding_size` and `has_token_types`, each where it is not BERT's.

        Raises:
          ValueError: there is no such activation, no pooler, or attention to distances.
        """
        if not self.has_pooler:
            raise ValueError("google-research/bert has no model without a pooler")
        if self.counts_tokens:
            raise ValueError("google-research/bert has no attention to distances between tokens")
        words = {name: word for word, name in GOOGLE_RESEARCH_NAMES.items()}
        if self.hidden_act not in words:
            raise ValueError(f"google-research/bert has no activation {self.hidden_act!r}")
        fields: dict[str, Any] = dataclasses.asdict(self)
        del fields["words_act"]  # of a head that is not trained here
        for name, of_bert in _OF_BERT.items():
            if fields[name] == of_bert:
                del fields[name]
        if not self.type_vocab_size:
            fields["has_token_types"] = False
        fields["hidden_act"] = words[self.hidden_act]
        return json.dumps(fields, indent=2, sort_keys=True) + "\n"


def expectation(name: str, value: object) -> str | None:
    """What a field of `BertConfig` should be instead of `value`; None where the value will do.

    `expectation("hidden_size", "wide")` is "an integer from 1 to 1000000".
    """
    # Comparisons with NaN are false.
    if name in _COUNTS:
        counts = _COUNTS[name]
        fits = isinstance(value, int) and not isinstance(value, bool) and value in counts
        return None if fits else f"an integer from {counts.start} to {counts.stop - 1}"
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if name in _RATES:
        return None if 0 <= number < 1 else "a number from 0 to below 1"
    if name in _POSITIVE:
        most = _POSITIVE[name]
        return None if 0 < number <= most else f"a number above 0 and at most {most}"
    if name in ("hidden_act", "pooler_act", "words_act"):
        return None if value in ACTIVATIONS else f"one of {', '.join(ACTIVATIONS)}"
    return None
