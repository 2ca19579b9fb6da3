"""FineTunedModel: all that a checkpoint says, whatever kind of checkpoint it was."""

import abc
import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from bert.config import BertConfig
from bert.tasks import Pooling
from bert.tokenizers.huggingface.settings import HuggingFaceSettings
from bert.tokenizers.vocabulary import CLS, SEP, Vocabulary

GOOGLE_RESEARCH = "google_research"
HUGGINGFACE = "huggingface"
TENSORFLOW_TEXT = "tensorflow_text"
TENSORFLOW_TEXT_FAST = "tensorflow_text_fast"
TOKENIZERS = (GOOGLE_RESEARCH, HUGGINGFACE, TENSORFLOW_TEXT, TENSORFLOW_TEXT_FAST)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextModel(abc.ABC):
    """What is known of a model that answers text, its network left out.

    `tokenizer` names the library whose ids the model was trained on; the settings of
    Hugging Face's are in `tokenizer_settings`, None where only the casing is known.
    `labels` are empty where the task has none.
    `provenance` tells where each part came from, in words for a person.
    """

    vocabulary: Vocabulary
    vocabulary_file: bytes
    do_lower_case: bool
    tokenizer: str
    task: str
    labels: tuple[str, ...]
    max_seq_length: int
    provenance: Mapping[str, str]
    tokenizer_settings: HuggingFaceSettings | None = None

    @property
    @abc.abstractmethod
    def word_embedding_rows(self) -> int | None:
        """How many ids the network has vectors for, None where that cannot be told."""

    @abc.abstractmethod
    def describe_network(self) -> str:
        """What the network is, in words for a person."""

    @abc.abstractmethod
    def describe_embedding(self) -> str:
        """What vector an embedding is, in words for a person."""

    @abc.abstractmethod
    def network_to_json(self) -> dict[str, Any]:
        """What an export says of the network, by name."""

    def special_ids(self) -> tuple[int, int]:
        """The ids of [CLS] and [SEP], or of what stands for them."""
        settings = self.tokenizer_settings
        tokens = (CLS, SEP) if settings is None else (settings.cls_token, settings.sep_token)
        cls_id, sep_id = self.vocabulary.convert_tokens_to_ids(tokens)
        return cls_id, sep_id

    def huggingface_settings(self) -> HuggingFaceSettings:
        """The settings of Hugging Face's tokenizer, the library's own where none are known."""
        if self.tokenizer_settings is not None:
            return self.tokenizer_settings
        return HuggingFaceSettings.of_vocabulary(self.vocabulary, self.do_lower_case)


@dataclasses.dataclass(frozen=True, kw_only=True)
class FineTunedModel(TextModel):
    """A fine-tuned BERT as one plain value.

    `weights` are float32 arrays under google-research/bert's variable names.
    """

    config: BertConfig
    weights: Mapping[str, np.ndarray]
    pooling: Pooling = dataclasses.field(default_factory=Pooling)

    @property
    def word_embedding_rows(self) -> int:
        """The rows of the word embedding table."""
        return self.config.vocab_size

    def describe_network(self) -> str:
        """Its layers and their width."""
        return f"{self.config.num_hidden_layers} layers of width {self.config.hidden_size}"

    def describe_embedding(self) -> str:
        """Its pooling."""
        return str(self.pooling)

    def network_to_json(self) -> dict[str, Any]:
        """Its configuration and pooling."""
        return {
            "pooling": dataclasses.asdict(self.pooling),
            "config": dataclasses.asdict(self.config),
        }
