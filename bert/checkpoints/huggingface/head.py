"""What stands on the encoder of a Hugging Face model: task, labels and pooling."""

import dataclasses
from collections.abc import Sequence

from bert.checkpoints.huggingface.config import HuggingFaceConfig
from bert.checkpoints.huggingface.weights import CLASSIFIER, HuggingFaceWeights
from bert.checkpoints.options import ReadOptions, require_no_labels, task_labels
from bert.errors import UserError
from bert.tasks import (
    CLASSIFICATION,
    EMBEDDING,
    FIRST_TOKEN,
    MULTILABEL,
    REGRESSION,
    Pooling,
    Task,
    row_tasks,
)
from bert.variables import OUTPUT_WEIGHTS

_SEQUENCE_CLASSIFICATION = "BertForSequenceClassification"
_BERT_MODEL = "BertModel"
_TOKEN_CLASSIFICATION = "BertForTokenClassification"
_QUESTION_ANSWERING = "BertForQuestionAnswering"
_NOT_BUILT = {
    _TOKEN_CLASSIFICATION: "token_classification",
    _QUESTION_ANSWERING: "question_answering",
}

# transformers, BertForSequenceClassification.forward
_TASKS = {
    "single_label_classification": CLASSIFICATION,
    "multi_label_classification": MULTILABEL,
    "regression": REGRESSION,
}


@dataclasses.dataclass(frozen=True)
class Head:
    """What is done with the encoder's vectors."""

    architecture: str
    task: Task
    pooling: Pooling
    labels: tuple[str, ...] = ()
    num_outputs: int = 0
    """rows of the classifier, 0 without one"""


def find_head(config: HuggingFaceConfig, weights: HuggingFaceWeights, options: ReadOptions) -> Head:
    """The head by the class that was saved, or by the tensors where no class is told.

    A BertModel answers its pooler's output, which transformers calls `pooler_output`, or
    the vector of [CLS] where it has no pooler. With `--task embedding` so does every BERT.

    Raises:
      UserError: the head is none that can be exported, or contradicts a flag.
    """
    architecture = config.architecture or _architecture_of(weights)
    # Those of TensorFlow and JAX are the same models.
    architecture = architecture.removeprefix("TF").removeprefix("Flax")
    if architecture == _BERT_MODEL or options.task == EMBEDDING.name:
        return embedding_head(
            architecture, options, Pooling() if weights.has_pooler else Pooling(FIRST_TOKEN)
        )
    if architecture != _SEQUENCE_CLASSIFICATION:
        reason = (
            f"{_NOT_BUILT[architecture]} is not built yet"
            if architecture in _NOT_BUILT
            else f"only {_SEQUENCE_CLASSIFICATION} and {_BERT_MODEL} can be exported"
        )
        raise UserError(
            f"{config.file}: the model is a {architecture}, but {reason}: give another model, or "
            "--task=embedding for the vectors of this one."
        )
    if not weights.has_pooler:
        raise UserError(
            f"{weights.file}: {_SEQUENCE_CLASSIFICATION} has a pooler, but the tensors have none: "
            "give the directory that save_pretrained wrote after the fine-tuning."
        )
    num_outputs = _num_outputs(config, weights)
    task = _task(config, num_outputs, options.task)
    labels = _labels(config, num_outputs, options.labels, task)
    return Head(architecture, task, Pooling(), labels, num_outputs)


def embedding_head(architecture: str, options: ReadOptions, pooling: Pooling) -> Head:
    """The head of a model that is there for its vectors.

    Raises:
      UserError: a flag asks for something else.
    """
    if options.task not in (None, EMBEDDING.name):
        raise UserError(
            f"--task is {options.task!r}, but the model, a {architecture}, has no head for it: "
            "leave the flag out."
        )
    require_no_labels(options.labels, EMBEDDING)
    return Head(architecture, EMBEDDING, pooling)


def _architecture_of(weights: HuggingFaceWeights) -> str:
    """The class that has such tensors, for files that do not tell it."""
    if weights.shape("qa_outputs.weight") is not None:
        return _QUESTION_ANSWERING
    if weights.shape(CLASSIFIER[OUTPUT_WEIGHTS]) is None:
        return _BERT_MODEL
    return _SEQUENCE_CLASSIFICATION if weights.has_pooler else _TOKEN_CLASSIFICATION


def _num_outputs(config: HuggingFaceConfig, weights: HuggingFaceWeights) -> int:
    name = CLASSIFIER[OUTPUT_WEIGHTS]
    shape = weights.shape(name)
    if shape is None or len(shape) != 2 or not shape[0]:
        found = "is not there" if shape is None else f"has shape {list(shape)}"
        raise UserError(
            f"{weights.file}: the tensor {name!r} {found}, where [classes, "
            f"{config.bert.hidden_size}] is expected: give the directory that save_pretrained "
            "wrote after the fine-tuning."
        )
    if config.labels is not None and len(config.labels) != shape[0]:
        raise UserError(
            f"{config.file}: id2label names {len(config.labels)} classes, but the tensor {name!r} "
            f"has {shape[0]} rows: give files that belong together."
        )
    return shape[0]


def _task(config: HuggingFaceConfig, num_outputs: int, flag: str | None) -> Task:
    """The task by problem_type, else by the flag, else by the number of outputs."""
    told = config.problem_type
    if told is not None and told not in _TASKS:
        raise UserError(
            f"{config.file}: problem_type is {told!r}, where one of {', '.join(_TASKS)} is "
            "expected: correct the file."
        )
    by_flag = {task.name: task for task in _TASKS.values()}
    if flag is not None and flag not in by_flag:
        raise UserError(
            f"--task is {flag!r}, where a {_SEQUENCE_CLASSIFICATION} can be one of "
            f"{', '.join(by_flag)}, {EMBEDDING}: give one of these, or leave the flag out."
        )
    if told is not None and flag not in (None, _TASKS[told].name):
        raise UserError(
            f"--task is {flag!r}, but {config.file} says problem_type {told}: leave the flag out, "
            "or correct the file if it is wrong."
        )
    likeliest = _TASKS[told] if told else row_tasks(num_outputs)[0]
    task = likeliest if flag is None else by_flag[flag]
    if not task.fits(num_outputs):
        raise UserError(
            f"{config.file} or --task: {task} needs {'one' if task.is_number else 'several'} "
            f"outputs, and the model has {num_outputs}: give another --task or correct "
            "problem_type."
        )
    return task


def _labels(
    config: HuggingFaceConfig, num_outputs: int, given: Sequence[str] | None, task: Task
) -> tuple[str, ...]:
    if given is not None or config.labels is None or not task.has_labels:
        return task_labels(given, task, num_outputs)
    if len(set(config.labels)) != num_outputs:
        twice = next(label for label in config.labels if config.labels.count(label) > 1)
        raise UserError(
            f"{config.file}: id2label names {twice!r} twice: correct it, or name all classes with "
            "--labels."
        )
    return config.labels
