"""labels.json, in which training keeps the names of the classes beside its checkpoints."""

import json
from collections.abc import Sequence
from pathlib import Path

from bert.errors import UserError

LABELS_FILE = "labels.json"


def write_labels(directory: Path, labels: Sequence[str]) -> None:
    """Writes the names in class order."""
    text = json.dumps(list(labels), indent=2, ensure_ascii=False)
    (directory / LABELS_FILE).write_text(f"{text}\n", encoding="utf-8")


def trained_labels(directory: Path) -> tuple[str, ...] | None:
    """The labels that training wrote beside its checkpoints, in class order; None if it did not.

    Raises:
      UserError: the file cannot be read, or holds something else.
    """
    file = directory / LABELS_FILE
    if not file.is_file():
        return None
    try:
        labels = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            f"{file} cannot be read ({error}): remove it, and name the classes with --labels."
        ) from error
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise UserError(
            f"{file} holds no list of names: remove it, and name the classes with --labels."
        )
    return tuple(labels)
