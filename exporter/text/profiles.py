"""The tokenizers that a model can have been trained with, by name."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Protocol

import tensorflow as tf

from bert.model import (
    GOOGLE_RESEARCH,
    HUGGINGFACE,
    TENSORFLOW_TEXT,
    TENSORFLOW_TEXT_FAST,
    TextModel,
)
from exporter.text import google_research
from exporter.text.huggingface import profile as huggingface
from exporter.text.packing import keep_longer_shortened, keep_longest_first
from exporter.text.tensorflow_text import tokenizers as stock_tokenizers
from exporter.text.tokens import Tokenizer


class ReferenceTokenizer(Protocol):
    """What an export's ids are checked against, in Python."""

    def encode(
        self, text_a: str | bytes, text_b: str | bytes | None, max_seq_length: int
    ) -> tuple[list[int], list[int]]:
        """Input ids and segment ids with the special tokens, truncated, not padded."""


@dataclasses.dataclass(frozen=True)
class Profile:
    """How one library turns texts into a model's input."""

    build_tokenizer: Callable[[TextModel, str], Tokenizer]
    """model, WordPiece op -> the tokenizer"""

    build_reference: Callable[[TextModel], ReferenceTokenizer]
    """model -> what its ids are checked against"""

    unicode_version: Callable[[TextModel], str]
    """model -> whose Unicode its tokenizer follows, for a person"""

    truncate_pair: Callable[[tf.Tensor, tf.Tensor, int], tuple[tf.Tensor, tf.Tensor]]
    """lengths int32 [B] of both texts, budget -> how many tokens of each are kept"""

    keeps_empty_second_text: bool
    """whether a second text without tokens still gets its [SEP]"""


PROFILES: Mapping[str, Profile] = {
    GOOGLE_RESEARCH: Profile(
        build_tokenizer=google_research.build,
        build_reference=google_research.build_reference,
        unicode_version=google_research.unicode_version,
        truncate_pair=keep_longer_shortened,
        keeps_empty_second_text=False,
    ),
    HUGGINGFACE: Profile(
        build_tokenizer=huggingface.build,
        build_reference=huggingface.build_reference,
        unicode_version=huggingface.unicode_version,
        truncate_pair=keep_longest_first,
        keeps_empty_second_text=True,
    ),
    TENSORFLOW_TEXT: Profile(
        build_tokenizer=stock_tokenizers.build,
        build_reference=stock_tokenizers.StockReference,
        unicode_version=stock_tokenizers.unicode_version,
        truncate_pair=keep_longer_shortened,
        keeps_empty_second_text=True,
    ),
    TENSORFLOW_TEXT_FAST: Profile(
        build_tokenizer=stock_tokenizers.build_fast,
        build_reference=stock_tokenizers.StockReference,
        unicode_version=stock_tokenizers.unicode_version,
        truncate_pair=keep_longer_shortened,
        keeps_empty_second_text=True,
    ),
}
