"""labels.json, in which training keeps what it trained for beside its checkpoints.

["billing", "delivery"]                                   classification
{"task": "multilabel", "labels": ["billing", "delivery"]}
{"task": "regression", "labels": []}
"""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bert.checkpoints.whole_files import write_whole
from bert.errors import UserError
from bert.tasks import CLASSIFICATION, TASKS, Task

LABELS_FILE = "labels.json"


@dataclasses.dataclass(frozen=True)
class TrainedFor:
    """A task, and the names of its classes in class order, none where it has no classes."""

    task: Task
    labels: tuple[str, ...]


def write_labels(directory: Path, labels: Sequence[str], task: Task = CLASSIFICATION) -> None:
    """Writes the names in class order; a list alone where the task is classification."""
    names = list(labels)
    content: Any = names if task is CLASSIFICATION else {"task": task.name, "labels": names}
    text = json.dumps(content, indent=2, ensure_ascii=False)
    write_whole(directory / LABELS_FILE, f"{text}\n")


def trained_for(directory: Path) -> TrainedFor | None:
    """What training wrote beside its checkpoints; None if it did not.

    Raises:
      UserError: the file cannot be read, or holds something else.
    """
    file = directory / LABELS_FILE
    if not file.is_file():
        return None
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            f"{file} cannot be read ({error}): remove it, and name the classes with --labels."
        ) from error
    task: Any = CLASSIFICATION.name
    labels = content
    if isinstance(content, dict):
        task, labels = content.get("task"), content.get("labels")
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise UserError(
            f"{file} holds no list of names: remove it, and name the classes with --labels."
        )
    if not isinstance(task, str) or task not in TASKS:
        raise UserError(
            f"{file} has the task {task!r}, where one of {', '.join(TASKS)} is expected: remove "
            "the file, and name the classes with --labels."
        )
    return TrainedFor(TASKS[task], tuple(labels))
