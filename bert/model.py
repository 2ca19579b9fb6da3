"""FineTunedModel: all that a checkpoint says, whatever kind of checkpoint it was."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from bert.config import BertConfig
from bert.huggingface_settings import HuggingFaceSettings
from bert.vocabulary import CLS, SEP, Vocabulary

CLASSIFICATION = "classification"
TASKS = (
    CLASSIFICATION,
    "multilabel",
    "regression",
    "token_classification",
    "question_answering",
    "embedding",
)

GOOGLE_RESEARCH = "google_research"
HUGGINGFACE = "huggingface"
TENSORFLOW_TEXT = "tensorflow_text"
TENSORFLOW_TEXT_FAST = "tensorflow_text_fast"
TOKENIZERS = (GOOGLE_RESEARCH, HUGGINGFACE, TENSORFLOW_TEXT, TENSORFLOW_TEXT_FAST)


@dataclasses.dataclass(frozen=True)
class FineTunedModel:
    """A fine-tuned BERT as one plain value.

    `weights` are float32 arrays under google-research/bert's variable names.
    `tokenizer` names the library whose ids the model was trained on; the settings of
    Hugging Face's are in `tokenizer_settings`, None where only the casing is known.
    `provenance` tells where each part came from, in words for a person.
    """

    config: BertConfig
    weights: Mapping[str, np.ndarray]
    vocabulary: Vocabulary
    vocabulary_file: bytes
    do_lower_case: bool
    tokenizer: str
    task: str
    labels: tuple[str, ...]
    max_seq_length: int
    provenance: Mapping[str, str]
    tokenizer_settings: HuggingFaceSettings | None = None

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
