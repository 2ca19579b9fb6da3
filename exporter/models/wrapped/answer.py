"""Answer: which output of a SavedModel is the answer, of which task, and what is left to do."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from bert.errors import UserError
from bert.tasks import CLASSIFICATION, EMBEDDING, MULTILABEL, REGRESSION

IDENTITY = "identity"
SOFTMAX = "softmax"
SIGMOID = "sigmoid"

# The more telling name first.
_CLASS_OUTPUTS = ("probabilities", "logits", "output", "outputs", "predictions", "scores")
_POOLED_OUTPUTS = ("pooled_output", "pooler_output", "default")

# Rows of probabilities in float32, or in half precision, have such a sum.
_SUM_TOLERANCE = 1e-3

_TASKS = (CLASSIFICATION, MULTILABEL, REGRESSION, EMBEDDING)


@dataclasses.dataclass(frozen=True)
class Answer:
    """How a SavedModel's output becomes the answer."""

    output: str
    """the name of the output"""

    task: str
    activation: str
    """what is done to its values: IDENTITY, SOFTMAX or SIGMOID"""

    size: int
    """values a row"""

    reason: str
    """in words for a person, what the output is taken for"""

    @property
    def is_embedding(self) -> bool:
        """Whether the answer is a vector."""
        return self.task == EMBEDDING

    def finish(self, output: tf.Tensor) -> tf.Tensor:
        """Float32 [B, size] -> the answer of the task, float32 [B, size], or [B] of regression."""
        if self.task == REGRESSION:
            return tf.squeeze(output, axis=1)
        if self.activation == SOFTMAX:
            return tf.nn.softmax(output)
        return tf.math.sigmoid(output) if self.activation == SIGMOID else output

    def finish_array(self, output: np.ndarray) -> np.ndarray:
        """The same in NumPy, float64."""
        values = output.astype(np.float64).reshape(len(output), self.size)
        if self.task == REGRESSION:
            return values[:, 0]
        if self.activation == SOFTMAX:
            powers = np.exp(values - values.max(axis=1, keepdims=True))
            return powers / powers.sum(axis=1, keepdims=True)
        return 1 / (1 + np.exp(-values)) if self.activation == SIGMOID else values


def decide_answer(
    outputs: Mapping[str, np.ndarray], task: str | None, directory: str, num_rows: int
) -> Answer:
    """Reads out of the names and values of outputs what the model is for.

    Args:
      outputs: what the model answered to different texts, by name.
      task: `--task`, which decides where the values leave it open.
      directory: of the SavedModel, for messages.
      num_rows: how many texts there were.

    Raises:
      UserError: no output fits, or it is not clear what one means.
    """
    if task is not None and task not in _TASKS:
        raise UserError(
            f"--task is {task!r}, but a SavedModel's output can be served as one of "
            f"{', '.join(_TASKS)}: give one of these."
        )
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
    name = _choose(vectors, outputs, task, directory)
    values = vectors[name]
    if task is None:
        task = _task_of(name, values, outputs, directory)
    size = values.shape[1]
    if task == EMBEDDING:
        return Answer(name, task, IDENTITY, size, f"vectors of {size} numbers")
    if task == REGRESSION:
        if size != 1:
            raise UserError(
                f"--task is {task!r}, but output {name!r} of the SavedModel has {size} numbers for "
                f"each row, where 1 is expected: give --task={CLASSIFICATION}."
            )
        return Answer(name, task, IDENTITY, size, "numbers as the model gives them")
    if size == 1:
        raise UserError(
            f"--task is {task!r}, but output {name!r} of the SavedModel has 1 number for each row, "
            f"where one for each class is expected: give --task={REGRESSION}."
        )
    if _sum_to_one(values):
        return Answer(name, task, IDENTITY, size, "probabilities, since every row has the sum 1")
    if task == MULTILABEL:
        if _within_one(values):
            return Answer(name, task, IDENTITY, size, "probabilities, since all lie from 0 to 1")
        return Answer(name, task, SIGMOID, size, "logits, to which a sigmoid was added")
    return Answer(name, task, SOFTMAX, size, "logits, to which a softmax was added")


def _choose(
    vectors: Mapping[str, np.ndarray],
    outputs: Mapping[str, np.ndarray],
    task: str | None,
    directory: str,
) -> str:
    """The name of the output that is the answer."""
    known: Sequence[str] = (*_CLASS_OUTPUTS, *_POOLED_OUTPUTS)
    if task == EMBEDDING:
        known = _POOLED_OUTPUTS
    elif task is not None:
        known = _CLASS_OUTPUTS
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
) -> str:
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
