"""The names of the classes: --labels or --label_file, else numbers."""

from bert.errors import UserError


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


def require_no_labels(given: tuple[str, ...] | None, task: str) -> None:
    """Refuses names for a task without classes.

    Raises:
      UserError: there are some.
    """
    if given is not None:
        raise UserError(
            f"--labels or --label_file names {len(given)} labels ({', '.join(given)}), but the "
            f"model's task, {task}, has no classes: leave the flag out."
        )
