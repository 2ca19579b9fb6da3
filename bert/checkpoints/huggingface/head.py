"""What stands on the encoder of a Hugging Face model: task, labels and pooling."""

import dataclasses

from bert import tasks
from bert.checkpoints.fields import CORRECT
from bert.checkpoints.huggingface.architecture import (
    ENCODER,
    MASKED_LANGUAGE_MODELING,
    QUESTION_ANSWERING,
    SEQUENCE_CLASSIFICATION,
    TOKEN_CLASSIFICATION,
)
from bert.checkpoints.huggingface.config import HuggingFaceConfig
from bert.checkpoints.huggingface.labels import class_names
from bert.checkpoints.huggingface.weights import HuggingFaceWeights
from bert.checkpoints.options import ReadOptions, require_no_labels
from bert.checkpoints.text.settings import Setting
from bert.errors import UserError
from bert.tasks import (
    CLASSIFICATION,
    EMBEDDING,
    FILL_MASK,
    FIRST_TOKEN,
    MULTILABEL,
    REGRESSION,
    Pooling,
    Task,
    row_tasks,
)
from bert.variables import MASKED_WORDS_BIAS, OUTPUT_WEIGHTS

# transformers, BertForSequenceClassification.forward
_TASKS = {
    "single_label_classification": CLASSIFICATION,
    "multi_label_classification": MULTILABEL,
    "regression": REGRESSION,
}

# Those whose head reads the vectors of all tokens.
_TOKEN_TASKS = {
    TOKEN_CLASSIFICATION: tasks.TOKEN_CLASSIFICATION,
    QUESTION_ANSWERING: tasks.QUESTION_ANSWERING,
}


@dataclasses.dataclass(frozen=True)
class Head:
    """What is done with the encoder's vectors."""

    saved_class: str
    task: Task
    pooling: Pooling
    labels: Setting[tuple[str, ...]] | None = None
    """the names of the classes, None where the task has none"""

    num_outputs: int = 0
    """rows of the classifier, 0 without one"""

    takes_pairs: bool = False
    """whether the model is for pairs of texts"""

    activation: str | None = None
    """which activation a cross-encoder has and who says so, in words for a person"""


def find_head(config: HuggingFaceConfig, weights: HuggingFaceWeights, options: ReadOptions) -> Head:
    """The head by the class that was saved, or by the tensors where no class is told.

    An encoder alone answers its pooler's output, which transformers calls `pooler_output`, or
    the vector of [CLS] where it has no pooler. With `--task embedding` so does every model.

    Raises:
      UserError: the head is none that can be exported, or contradicts a flag.
    """
    classes = config.architecture.classes
    saved_class = config.saved_class or classes[_head_of_tensors(weights)]
    # Those of TensorFlow and JAX are the same models.
    saved_class = saved_class.removeprefix("TF").removeprefix("Flax")
    head = config.architecture.head_of(saved_class)
    if head == ENCODER or options.task == EMBEDDING.name:
        pooling = Pooling() if weights.encoder_has_pooler else Pooling(FIRST_TOKEN)
        return embedding_head(saved_class, options, pooling)
    asks_for_words = options.task == FILL_MASK.name and weights.tells_words
    if head == MASKED_LANGUAGE_MODELING or asks_for_words:
        return _word_head(weights, options, saved_class)
    if head in _TOKEN_TASKS:
        return _token_head(config, weights, options, saved_class, _TOKEN_TASKS[head])
    if head != SEQUENCE_CLASSIFICATION:
        built = ", ".join(classes.values())
        raise UserError(
            f"{config.file}: the model is a {saved_class}, but only {built} can be exported: "
            "give another model, or --task=embedding for the vectors of this one."
        )
    if not weights.has_pooler:
        raise UserError(
            f"{weights.file}: {saved_class} has a pooler, but the tensors have none: give the "
            "directory that save_pretrained wrote after the fine-tuning."
        )
    num_outputs = _num_outputs(config, weights)
    task = _task(config, saved_class, num_outputs, options.task)
    labels = None
    if task.has_labels:
        labels = class_names(config, num_outputs, options.labels)
    else:
        require_no_labels(options.labels, task)
    return Head(
        saved_class,
        task,
        Pooling(),
        labels,
        num_outputs,
        takes_pairs=config.cross_encoder is not None,
        activation=config.cross_encoder.describe(num_outputs) if config.cross_encoder else None,
    )


def _token_head(
    config: HuggingFaceConfig,
    weights: HuggingFaceWeights,
    options: ReadOptions,
    saved_class: str,
    task: Task,
) -> Head:
    _require_task(options, saved_class, task)
    num_outputs = _num_outputs(config, weights)
    if not task.fits(num_outputs):
        raise UserError(
            f"{weights.file}: the head of the {saved_class} has {num_outputs} outputs, where "
            f"{task} has {task.least_size}: give a model that was trained for it."
        )
    labels = None
    if task.has_labels:
        labels = class_names(config, num_outputs, options.labels)
    else:
        require_no_labels(options.labels, task)
    # Nothing is pooled: the head reads the vectors as they are.
    return Head(
        saved_class,
        task,
        Pooling(FIRST_TOKEN),
        labels,
        num_outputs,
        takes_pairs=task.finds_spans,
    )


def _word_head(weights: HuggingFaceWeights, options: ReadOptions, saved_class: str) -> Head:
    _require_task(options, saved_class, FILL_MASK)
    require_no_labels(options.labels, FILL_MASK)
    if not weights.tells_words:
        raise UserError(
            f"{weights.file}: the model is a {saved_class}, but the tensors have no head for words "
            f"({weights.name(MASKED_WORDS_BIAS)!r}): give the directory that save_pretrained "
            "wrote, or --task=embedding for the vectors of this one."
        )
    weights.require_tied_words()
    return Head(saved_class, FILL_MASK, Pooling(FIRST_TOKEN))


def _require_task(options: ReadOptions, saved_class: str, task: Task) -> None:
    if options.task not in (None, task.name):
        raise UserError(
            f"--task is {options.task!r}, where a {saved_class} can be one of {task}, "
            f"{EMBEDDING}: give one of these, or leave the flag out."
        )


def embedding_head(saved_class: str, options: ReadOptions, pooling: Pooling) -> Head:
    """The head of a model that is there for its vectors.

    Raises:
      UserError: a flag asks for something else.
    """
    if options.task not in (None, EMBEDDING.name):
        raise UserError(
            f"--task is {options.task!r}, but the model, a {saved_class}, has no head for it: "
            "leave the flag out."
        )
    require_no_labels(options.labels, EMBEDDING)
    return Head(saved_class, EMBEDDING, pooling)


def _head_of_tensors(weights: HuggingFaceWeights) -> str:
    """The head that has such tensors, for files that do not name the class."""
    if weights.finds_spans:
        return QUESTION_ANSWERING
    if weights.shape(weights.name(OUTPUT_WEIGHTS)) is None:
        return ENCODER
    return SEQUENCE_CLASSIFICATION if weights.has_pooler else TOKEN_CLASSIFICATION


def _num_outputs(config: HuggingFaceConfig, weights: HuggingFaceWeights) -> int:
    name = weights.name(OUTPUT_WEIGHTS)
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


def _task(config: HuggingFaceConfig, saved_class: str, num_outputs: int, flag: str | None) -> Task:
    """The task by problem_type, else by the flag, else by the number of outputs."""
    told = config.problem_type
    if told is not None and told not in _TASKS:
        expected = f"one of {', '.join(_TASKS)}"
        raise UserError.of(f"{config.file}: problem_type", repr(told), expected, CORRECT)
    by_flag = {task.name: task for task in _TASKS.values()}
    if flag is not None and flag not in by_flag:
        raise UserError(
            f"--task is {flag!r}, where a {saved_class} can be one of "
            f"{', '.join(by_flag)}, {EMBEDDING}: give one of these, or leave the flag out."
        )
    if told is not None and flag not in (None, _TASKS[told].name):
        raise UserError(
            f"--task is {flag!r}, but {config.file} says problem_type {told}: leave the flag out, "
            "or correct the file if it is wrong."
        )
    likeliest = _TASKS[told] if told else row_tasks(num_outputs)[0]
    task = likeliest if flag is None else by_flag[flag]
    if config.cross_encoder is not None and (flag is None or task.is_number):
        # The library does not look at problem_type.
        task = config.cross_encoder.task(num_outputs)
    if not task.fits(num_outputs):
        needs = "one output" if task.is_number else "several outputs"
        has = f"{num_outputs}, and several numbers are not built" if task.is_number else num_outputs
        raise UserError(
            f"{config.file} or --task: {task} needs {needs}, and the model has {has}: give another "
            "--task or correct problem_type."
        )
    return task
