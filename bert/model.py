"""FineTunedModel: all that a checkpoint says, whatever kind of checkpoint it was."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from bert.config import BertConfig
from bert.vocabulary import Vocabulary

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
TOKENIZERS = (GOOGLE_RESEARCH, "huggingface", "tensorflow_text")


@dataclasses.dataclass(frozen=True)
class FineTunedModel:
    """A fine-tuned BERT as one plain value.

    `weights` are float32 arrays under google-research/bert's variable names.
    `tokenizer` names the library whose ids the model was trained on. `provenance`
    tells where each part came from, in words for a person.
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
