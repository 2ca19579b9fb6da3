"""FineTunedModel: all that a checkpoint says, whatever kind of checkpoint it was."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from bert.config import BertConfig
from bert.tasks import Pooling, Task
from bert.tokenizers.huggingface.settings import HuggingFaceSettings, PairForm
from bert.tokenizers.vocabulary import CLS, SEP, Vocabulary

GOOGLE_RESEARCH = "google_research"
HUGGINGFACE = "huggingface"
TENSORFLOW_TEXT = "tensorflow_text"
TENSORFLOW_TEXT_FAST = "tensorflow_text_fast"
# Whose rules choose the answers to questions: transformers' pipeline's, or run_squad.py's.
PIPELINE = "pipeline"
RUN_SQUAD = "run_squad"

TOKENIZERS = (GOOGLE_RESEARCH, HUGGINGFACE, TENSORFLOW_TEXT, TENSORFLOW_TEXT_FAST)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextModel:
    """What is known of a model that answers text, its network left out.

    `tokenizer` names the library whose ids the model was trained on; the settings of
    Hugging Face's are in `tokenizer_settings`, None where only the casing is known.
    `labels` are empty where the task has none.
    `takes_pairs` says that the model is for pairs of texts; else it may be for both.
    `prompt` is put before the first text of every row.
    `answer_rules` says whose rules choose the answers to questions: PIPELINE or RUN_SQUAD.
    `labels_words` says that only the first piece of each word was taught a label.
    `provenance` tells where each part came from, in words for a person.
    """

    vocabulary: Vocabulary
    vocabulary_file: bytes
    do_lower_case: bool
    tokenizer: str
    task: Task
    labels: tuple[str, ...]
    max_seq_length: int
    provenance: Mapping[str, str]
    tokenizer_settings: HuggingFaceSettings | None = None
    takes_pairs: bool = False
    prompt: str = ""
    answer_rules: str = PIPELINE
    labels_words: bool = False

    def special_ids(self) -> tuple[int, int]:
        """The ids of [CLS] and [SEP], or of what stands for them."""
        settings = self.tokenizer_settings
        tokens = (CLS, SEP) if settings is None else (settings.cls_token, settings.sep_token)
        cls_id, sep_id = self.vocabulary.convert_tokens_to_ids(tokens)
        return cls_id, sep_id

    def mask_token(self) -> str:
        """What a text has in place of a word that is asked for; "" where the task asks for none."""
        return self.huggingface_settings().mask_token if self.task.fills_masks else ""

    def mask_id(self) -> int:
        """The id of the mask token."""
        (mask_id,) = self.vocabulary.convert_tokens_to_ids([self.mask_token()])
        return mask_id

    def pair_form(self) -> PairForm:
        """What two texts become."""
        settings = self.tokenizer_settings
        return PairForm() if settings is None else settings.pair_form

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
