"""ReadOptions: what a user may say about a checkpoint beside its path."""

import dataclasses
from pathlib import Path

from bert.errors import UserError
from bert.tasks import Task


@dataclasses.dataclass(frozen=True)
class ReadOptions:
    """The flags that steer the reading of a checkpoint; None leaves it to the files."""

    bert_config_file: Path | None = None
    vocab_file: Path | None = None
    do_lower_case: bool | None = None
    tokenizer: str | None = None
    max_seq_length: int | None = None
    task: str | None = None
    labels: tuple[str, ...] | None = None


def class_labels(given: tuple[str, ...] | None, num_labels: int) -> tuple[str, ...]:
    """The names given for `num_labels` classes, else `0`, `1`, ...

    Raises:
      UserError: another number of names, or a name twice.
    """
    if given is None:
        return tuple(str(index) for index in range(num_labels))
    if len(given) != num_labels:
        raise UserError(
            f"--labels or --label_file names {len(given)} labels ({', '.join(given)}), but the "
            f"checkpoint has {num_labels} classes: name one label for each class, in class order."
        )
    if len(set(given)) != len(given):
        twice = next(label for label in given if given.count(label) > 1)
        raise UserError(
            f"--labels or --label_file names {twice!r} twice: give every class a name of its own."
        )
    return given


def require_no_labels(given: tuple[str, ...] | None, task: Task) -> None:
    """Refuses names for a task without classes.

    Raises:
      UserError: there are some.
    """
    if given is not None:
        raise UserError(
            f"--labels or --label_file names {len(given)} labels ({', '.join(given)}), but the "
            f"model's task, {task}, has no classes: leave the flag out."
        )


def task_labels(given: tuple[str, ...] | None, task: Task, num_labels: int) -> tuple[str, ...]:
    """The names of the classes, none where the task has no labels.

    Raises:
      UserError: names that do not fit the task or its classes.
    """
    if task.has_labels:
        return class_labels(given, num_labels)
    require_no_labels(given, task)
    return ()
