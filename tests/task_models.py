"""A tiny model of random weights for each task, as transformers leaves one on disk."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tests.bert.checkpoints.huggingface.directory import (
    of_encoder,
    tensors,
    variables,
    write_directory,
)
from tests.bert.checkpoints.masked_words import write_masked_words

_SIGMOID = {"activation_fn": "torch.nn.modules.activation.Sigmoid", "version": "5.1.2"}


class TaskModel(NamedTuple):
    """What writes the model into a new directory, and the options of its export."""

    write: Callable[[Path], Path]
    options: Mapping[str, Any]

    def flags(self) -> list[str]:
        """The options as flags of the command."""
        return [f"--{name}={value}" for name, value in self.options.items()]


def _of_tokens(num_labels: int) -> dict[str, np.ndarray]:
    named = tensors(variables(num_labels)).items()
    return {name: value for name, value in named if "pooler" not in name}


def _classifier(num_labels: int, **changes: Any) -> Callable[[Path], Path]:
    return lambda directory: write_directory(directory, tensors(variables(num_labels)), **changes)


def _encoder(directory: Path) -> Path:
    return write_directory(directory, of_encoder(variables()), "BertModel")


def _tagger(directory: Path) -> Path:
    return write_directory(directory, _of_tokens(5), "BertForTokenClassification")


def _answerer(directory: Path) -> Path:
    values = {
        name.replace("classifier", "qa_outputs"): value for name, value in _of_tokens(2).items()
    }
    return write_directory(directory, values, "BertForQuestionAnswering")


TASK_MODELS: Mapping[str, TaskModel] = {
    "classification": TaskModel(_classifier(3), {}),
    "pair": TaskModel(_classifier(3), {"text_pair": True}),
    "multilabel": TaskModel(_classifier(4, problem_type="multi_label_classification"), {}),
    "regression": TaskModel(_classifier(1), {}),
    "cross-encoder": TaskModel(_classifier(1, sentence_transformers=_SIGMOID), {}),
    "embedding": TaskModel(_encoder, {"normalize": True}),
    "token embedding": TaskModel(_encoder, {"pooling_strategy": "NONE"}),
    "tagging": TaskModel(_tagger, {}),
    "question answering": TaskModel(_answerer, {"null_answer": True}),
    "fill-mask": TaskModel(write_masked_words, {}),
}
