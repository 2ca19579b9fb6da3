"""What a run of fine-tuning reads: labelled texts, or pairs of them, in three splits."""

import dataclasses
from pathlib import Path
from typing import Protocol

TRAIN = "train"
DEV = "dev"
TEST = "test"


@dataclasses.dataclass(frozen=True)
class InputExample:
    """One text or pair of texts; `label` is None where the file tells none."""

    text_a: str
    text_b: str | None = None
    label: str | None = None


class Dataset(Protocol):
    """The files of one task."""

    @property
    def is_pair(self) -> bool:
        """Whether an example has two texts."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the examples, in class order.

        Raises:
          UserError: they are found in a file that cannot be read.
        """

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of `metrics.METRICS` that predictions are measured by, besides accuracy."""

    def file(self, split: str) -> Path:
        """The file that has the examples of TRAIN, DEV or TEST, whether it exists or not."""

    def has(self, split: str) -> bool:
        """Whether there are examples of the split."""

    def examples(self, split: str) -> list[InputExample]:
        """The examples of a split; those of TRAIN and DEV have labels.

        Raises:
          UserError: the file cannot be read, or a line of it is wrong.
        """
