"""What stands on the encoder of a checkpoint of google-research/bert: its task and labels."""

from collections.abc import Sequence
from pathlib import Path

from bert.checkpoints.labels_file import LABELS_FILE, trained_for
from bert.checkpoints.options import ReadOptions
from bert.checkpoints.tensorflow.files import StoredVariables
from bert.config import BertConfig
from bert.errors import UserError
from bert.tasks import CLASSIFICATION, EMBEDDING, FILL_MASK, TASKS, Task
from bert.variables import MASKED_WORDS_BIAS, OUTPUT_WEIGHTS

_GIVE_CLASSIFIER = "give the checkpoint that run_classifier or run_squad wrote after training"


def names_of(directory: Path, task: Task, num_labels: int) -> Sequence[str] | None:
    """The names that training kept beside a checkpoint, None where there are none.

    Raises:
      UserError: there is another number of them.
    """
    found = trained_for(directory) if task.has_labels else None
    if found is None:
        return None
    if len(found.labels) != num_labels:
        raise UserError(
            f"{directory / LABELS_FILE} names {len(found.labels)} labels, but the checkpoint has "
            f"{num_labels} classes: remove the file, and name the classes with --labels."
        )
    return found.labels


def find_task(stored: StoredVariables, options: ReadOptions, directory: Path) -> Task:
    """What the checkpoint was trained for.

    Raises:
      UserError: the flag asks for something else.
    """
    if options.task == EMBEDDING.name:
        return EMBEDDING
    if options.task == FILL_MASK.name and MASKED_WORDS_BIAS in stored.shapes:
        return FILL_MASK
    found = trained_for(directory)
    task = CLASSIFICATION if found is None else found.task
    if OUTPUT_WEIGHTS not in stored.shapes:
        # A head of a scope of its own says what it is for.
        named = (each for each in TASKS.values() if each.head_scope)
        heads = (each for each in named if each.head_scope + OUTPUT_WEIGHTS in stored.shapes)
        task = next(heads, task)
    writer = "run_squad" if task.finds_spans else "run_classifier"
    if options.task not in (None, task.name):
        raise UserError(
            f"--task is {options.task!r}, but a checkpoint of {writer} is a {task.name!r}: leave "
            f"the flag out, or give {EMBEDDING.name}."
        )
    return task


def count_labels(stored: StoredVariables, config: BertConfig, task: Task) -> int:
    """How many numbers the head gives for a vector.

    Raises:
      UserError: there is no such head, or it has another shape.
    """
    name = task.head_scope + OUTPUT_WEIGHTS
    shape = stored.shapes.get(name)
    if shape is None:
        has_words = MASKED_WORDS_BIAS in stored.shapes
        words = f", or --task={FILL_MASK} for words in place of [MASK]" if has_words else ""
        raise UserError(
            f"{stored} has no variable {name!r}, so it is not a fine-tuned classifier: "
            f"{_GIVE_CLASSIFIER}, or --task={EMBEDDING} for the vectors of this one{words}."
        )
    rows = task.least_size if task.least_size == task.most_size else "classes"
    if len(shape) != 2 or not shape[0] or rows not in ("classes", shape[0]):
        raise UserError(
            f"{stored}: variable {name!r} has shape {list(shape)}, where [{rows}, "
            f"{config.hidden_size}] is expected: {_GIVE_CLASSIFIER}."
        )
    return shape[0]
