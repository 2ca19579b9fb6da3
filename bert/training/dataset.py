"""What a run of fine-tuning reads: labelled texts, or pairs of them, in three splits."""

import dataclasses
import math
from pathlib import Path
from typing import Protocol

from bert.errors import UserError
from bert.tasks import Task

TRAIN = "train"
DEV = "dev"
TEST = "test"

# The folder of an output directory that has its best checkpoint.
BEST = "best"


Label = str | float | tuple[str, ...]
"""a class, a number (regression), or the classes that apply (multi-label), of which none may"""


@dataclasses.dataclass(frozen=True)
class InputExample:
    """One text or pair of texts; `label` is None where the file tells none."""

    text_a: str
    text_b: str | None = None
    label: Label | None = None


class Dataset(Protocol):
    """The files of one task."""

    @property
    def task(self) -> Task:
        """What is learnt of the examples: classification, multi-label or regression."""

    @property
    def is_pair(self) -> bool:
        """Whether an example has two texts."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the examples, in class order; none where they are numbers.

        Raises:
          UserError: they are found in a file that cannot be read.
        """

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of `metrics.METRICS` besides those of the task; the first one says what is best."""

    def file(self, split: str) -> Path:
        """The file that has the examples of TRAIN, DEV or TEST, whether it exists or not."""

    def has(self, split: str) -> bool:
        """Whether there are examples of the split."""

    def examples(self, split: str) -> list[InputExample]:
        """The examples of a split; those of TRAIN and DEV have labels.

        Raises:
          UserError: the file cannot be read, or a line of it is wrong.
        """


def read_number(text: str, place: str) -> float:
    """The number that a label is, found at a place.

    Raises:
      UserError: it is none, or not finite.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UserError(f"{place}: found {text!r}, where a number is expected: correct the line.")
    return number
