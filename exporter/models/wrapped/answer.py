"""Answer: which output of a SavedModel is the answer, of which task, and what is left to do."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from bert import reference
from bert.encoder import heads
from bert.errors import UserError
from bert.tasks import (
    CLASSIFICATION,
    EMBEDDING,
    IDENTITY,
    MULTILABEL,
    REGRESSION,
    SIGMOID,
    Task,
    row_tasks,
)

# The more telling name first.
_CLASS_OUTPUTS = ("probabilities", "logits", "output", "outputs", "predictions", "scores")
_POOLED_OUTPUTS = ("pooled_output", "pooler_output", "default")

# Rows of probabilities in float32, or in half precision, have such a sum.
_SUM_TOLERANCE = 1e-3


@dataclasses.dataclass(frozen=True)
class Answer:
    """How a SavedModel's output becomes the answer."""

    output: str
    """the name of the output"""

    task: Task

    activation: str
    """what is left to do to its values: the task's activation, or IDENTITY where it was done"""

    size: int
    """values a row"""

    reason: str
    """in words for a person, what the output is taken for"""

    @property
    def is_embedding(self) -> bool:
        """Whether the answer is a vector."""
        return not self.task.has_head

    def finish(self, output: tf.Tensor) -> tf.Tensor:
        """Float32 [B, size] -> the answer of the task, float32 [B, size], or [B] of regression."""
        return heads.finish(self._rest(), output)

    def finish_array(self, output: np.ndarray) -> np.ndarray:
        """The same in NumPy, float64."""
        values = output.astype(np.float64).reshape(len(output), self.size)
        return reference.finish(self._rest(), values)

    def to_json(self) -> dict[str, Any]:
        """What export.json says of it."""
        return {
            "output": self.output,
            "task": self.task.name,
            "activation": self.activation,
            "size": self.size,
            "reason": self.reason,
        }

    def _rest(self) -> Task:
        """The task, with what is left of its activation."""
        return dataclasses.replace(self.task, activation=self.activation)


def decide_answer(
    outputs: Mapping[str, np.ndarray], flag: str | None, directory: str, num_rows: int
) -> Answer:
    """Reads out of the names and values of outputs what the model is for.

    Args:
      outputs: what the model answered to different texts, by name.
      flag: `--task`, which decides where the values leave it open.
      directory: of the SavedModel, for messages.
      num_rows: how many texts there were.

    Raises:
      UserError: no output fits, or it is not clear what one means.
    """
    task = None if flag is None else _task_by_flag(flag)
    vectors = _row_vectors(outputs, directory, num_rows)
    name = _choose(vectors, outputs, task, directory)
    values = vectors[name]
    if task is None:
        task = _task_of(name, values, outputs, directory)
    size = values.shape[1]
    _require_size(task, size, name)
    activation, reason = _activation(task, values)
    return Answer(name, task, activation, size, reason)


def _task_by_flag(flag: str) -> Task:
    possible = {task.name: task for task in row_tasks()}
    if flag not in possible:
        raise UserError(
            f"--task is {flag!r}, but a SavedModel's output can be served as one of "
            f"{', '.join(possible)}: give one of these."
        )
    return possible[flag]


def _row_vectors(
    outputs: Mapping[str, np.ndarray], directory: str, num_rows: int
) -> dict[str, np.ndarray]:
    """The outputs that have one vector or number for each row, as [rows, size]."""
    vectors = {
        name: values.reshape(num_rows, -1)
        for name, values in outputs.items()
        if values.ndim in (1, 2) and len(values) == num_rows and values.size
    }
    if not vectors:
        raise UserError(
            f"--checkpoint {directory}: none of the outputs ({_shapes(outputs)}) has one vector or "
            "number for each row: export the model with its pooled output or its classes."
        )
    for name, values in vectors.items():
        if not np.isfinite(values).all():
            raise UserError(
                f"--checkpoint {directory}: output {name!r} holds NaN or infinity for an ordinary "
                "text: the training diverged, give an earlier export."
            )
    return vectors


def _require_size(task: Task, size: int, name: str) -> None:
    """Refuses a number where there should be classes, and the other way round."""
    told = f"--task is {task.name!r}, but output {name!r} of the SavedModel has "
    if task.is_number and size != 1:
        raise UserError(
            f"{told}{size} numbers for each row, where 1 is expected: give --task={CLASSIFICATION}."
        )
    if task.has_labels and size == 1:
        raise UserError(
            f"{told}1 number for each row, where one for each class is expected: give "
            f"--task={REGRESSION}."
        )


def _activation(task: Task, values: np.ndarray) -> tuple[str, str]:
    """What is left to do to the values, and what they are taken for."""
    if task.activation == IDENTITY:
        if task.is_number:
            return IDENTITY, "numbers as the model gives them"
        return IDENTITY, f"vectors of {values.shape[1]} numbers"
    if _sum_to_one(values):
        return IDENTITY, "probabilities, since every row has the sum 1"
    if task.activation == SIGMOID and _within_one(values):
        return IDENTITY, "probabilities, since all lie from 0 to 1"
    return task.activation, f"logits, to which a {task.activation} was added"


def _choose(
    vectors: Mapping[str, np.ndarray],
    outputs: Mapping[str, np.ndarray],
    task: Task | None,
    directory: str,
) -> str:
    """The name of the output that is the answer."""
    known: tuple[str, ...]
    if task is None:
        known = (*_CLASS_OUTPUTS, *_POOLED_OUTPUTS)
    else:
        known = _CLASS_OUTPUTS if task.has_head else _POOLED_OUTPUTS
    for name in known:
        if name in vectors:
            return name
    first, *others = vectors
    # Some exports name their outputs by number, and give the pooled vector twice.
    if all(np.array_equal(vectors[first], vectors[other]) for other in others):
        return first
    raise UserError(
        f"--checkpoint {directory}: several outputs may be the answer ({_shapes(outputs)}), where "
        f"one named {', '.join(known)} is expected: export the model with such a name."
    )


def _task_of(
    name: str, values: np.ndarray, outputs: Mapping[str, np.ndarray], directory: str
) -> Task:
    """What the values of the output tell, where they tell it."""
    width = values.shape[1]
    # An encoder gives the vectors of all tokens beside the pooled one, all of one width.
    is_encoder = any(other.ndim == 3 and other.shape[2] == width for other in outputs.values())
    if name in _POOLED_OUTPUTS or (is_encoder and name not in _CLASS_OUTPUTS):
        return EMBEDDING
    if width > 1 and _sum_to_one(values):
        return CLASSIFICATION
    told = f"--checkpoint {directory}: output {name!r} has {width} numbers for each row"
    if width == 1:
        raise UserError(
            f"{told}, which may be a score or one class's probability: give --task={REGRESSION} if "
            "it is to be served as it is."
        )
    if _within_one(values):
        raise UserError(
            f"{told} from 0 to 1 whose sum is not 1: give --task={MULTILABEL} if they are "
            f"probabilities of labels, or --task={CLASSIFICATION} if they are logits."
        )
    if name == "probabilities" or name not in _CLASS_OUTPUTS:
        raise UserError(
            f"{told} that are no probabilities: give --task={CLASSIFICATION} if they are logits, "
            f"--task={MULTILABEL} if each label has a logit of its own, or --task={EMBEDDING}."
        )
    return CLASSIFICATION


def _sum_to_one(values: np.ndarray) -> bool:
    sums = values.astype(np.float64).sum(axis=1)
    return bool((values >= 0).all() and (np.abs(sums - 1) <= _SUM_TOLERANCE).all())


def _within_one(values: np.ndarray) -> bool:
    return bool(((values >= 0) & (values <= 1)).all())


def _shapes(outputs: Mapping[str, np.ndarray]) -> str:
    told = [f"{name} {list(values.shape)}" for name, values in outputs.items()]
    return ", ".join(told) or "there is no float among them"
