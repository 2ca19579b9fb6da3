"""The classifier of a run: as a checkpoint holds it, or before its first step."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from bert.checkpoints.labels_file import trained_for
from bert.checkpoints.registry import Checkpoint
from bert.config import BertConfig
from bert.errors import UserError
from bert.tasks import CLASSIFICATION, Task
from bert.training import initialization
from bert.training.messages import tell
from bert.training.trainer import Model

M = TypeVar("M", bound=Model)
"""the class of what is trained"""


@dataclasses.dataclass(frozen=True)
class Loader(Generic[M]):
    """Makes classifiers of one shape and task."""

    config: BertConfig
    task: Task
    num_labels: int
    """of classes; 0 where labels are numbers"""

    seed: int
    build: Callable[[BertConfig, Mapping[str, np.ndarray], str], M]
    """configuration, weights under google-research names, precision -> the classifier"""

    precision: str

    def load(self, checkpoint: Checkpoint) -> M:
        """The classifier that a checkpoint of run_classifier holds.

        Raises:
          UserError: a variable is missing, of another shape, or cannot be read.
        """
        encoder = checkpoint.read_encoder(self.config)
        head = initialization.read_classifier(
            checkpoint, self.config, self._head_size, self.task.head_scope
        )
        return self.build(self.config, {**encoder, **head}, self.precision)

    def holds_classifier(self, checkpoint: Checkpoint) -> bool:
        """Whether a checkpoint has a head for the task, and not for another one.

        Raises:
          UserError: the checkpoint cannot be read.
        """
        return (
            initialization.holds_classifier(
                checkpoint, self.config, self._head_size, self.task.head_scope
            )
            and _task_of(checkpoint.place.directory, self.task) is self.task
        )

    def initialise(self, init: Checkpoint | None) -> M:
        """The classifier before its first step; what it is made of is told.

        Raises:
          UserError: the checkpoint cannot be read, or does not fit.
        """
        if init is None:
            tell("No --init_checkpoint: all weights are random, nothing is pre-trained.")
            encoder: Mapping[str, np.ndarray] = initialization.random_encoder(
                self.config, self.seed
            )
        elif self.holds_classifier(init):
            tell(f"Encoder and classifier from {init}.")
            return self.load(init)
        else:
            tell(f"Encoder from {init}; it has no classifier for the task, which is random.")
            found = init.read_encoder(self.config)
            encoder = initialization.with_pooler(self.config, found, self.seed)
            if len(found) < len(encoder):
                tell("It has no pooler either, which is random, too.")
        head = initialization.random_classifier(
            self.config, self._head_size, self.seed, self.task.head_scope
        )
        return self.build(self.config, {**encoder, **head}, self.precision)

    @property
    def _head_size(self) -> int:
        return self.num_labels or self.task.least_size


def require_same_task(directory: Path, task: Task) -> None:
    """Checks that the checkpoints of an output directory were trained for a task.

    Raises:
      UserError: they were trained for another one.
    """
    found = _task_of(directory, task)
    if found is not task:
        raise UserError(
            f"--output_dir {directory} was trained for {found}, but this run is for {task}: give "
            "the flags of that training, or name a new directory."
        )


def _task_of(directory: Path, task: Task) -> Task:
    """What a directory's checkpoints were trained for, where a run is for `task`."""
    found = trained_for(directory)
    if found is not None:
        return found.task
    # Names of variables tell what a head is for that has a scope of its own.
    return task if task.head_scope else CLASSIFICATION
