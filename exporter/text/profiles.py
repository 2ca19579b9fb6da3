"""The tokenizers that a model can have been trained with, by name."""

from collections.abc import Mapping
from typing import Protocol

import tensorflow as tf

from bert.model import (
    GOOGLE_RESEARCH,
    HUGGINGFACE,
    TENSORFLOW_TEXT,
    TENSORFLOW_TEXT_FAST,
    TextModel,
)
from exporter.text.google_research import GoogleResearchProfile
from exporter.text.huggingface.profile import HuggingFaceProfile
from exporter.text.tensorflow_text.tokenizers import BertTokenizer, FastBertTokenizer, StockProfile
from exporter.text.tokens import Tokenizer


class ReferenceTokenizer(Protocol):
    """The Python tokenizer that an export's ids are checked against."""

    def encode(
        self, text_a: str | bytes, text_b: str | bytes | None, max_seq_length: int
    ) -> tuple[list[int], list[int]]:
        """Input ids and segment ids with the special tokens, truncated, not padded."""


class Profile(Protocol):
    """How one library turns texts into a model's input."""

    @property
    def keeps_empty_second_text(self) -> bool:
        """Whether a second text without tokens still gets its [SEP]."""

    def build(self, model: TextModel, word_piece_op: str, /) -> Tokenizer:
        """The tokenizer in graph, by the WordPiece op where the library leaves a choice."""

    def build_reference(self, model: TextModel) -> ReferenceTokenizer:
        """The tokenizer in Python."""

    def unicode_version(self) -> str:
        """The release whose Unicode tables the tokenizer follows, for a person."""

    def truncate_pair(
        self, lengths_a: tf.Tensor, lengths_b: tf.Tensor, budget: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """How many tokens of two texts are kept: int32 [B] each -> int32 [B] each."""


PROFILES: Mapping[str, Profile] = {
    GOOGLE_RESEARCH: GoogleResearchProfile(),
    HUGGINGFACE: HuggingFaceProfile(),
    TENSORFLOW_TEXT: StockProfile(BertTokenizer),
    TENSORFLOW_TEXT_FAST: StockProfile(FastBertTokenizer),
}
