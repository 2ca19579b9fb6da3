"""A person's own labelled texts: train, dev and test as .csv, .tsv or .jsonl."""

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bert.errors import UserError
from bert.training.dataset import DEV, TEST, TRAIN, InputExample
from bert.training.tables import ENDINGS, Row, read_rows

# The name of the task; every other name is one of `glue.TASKS`.
CUSTOM = "custom"

TEXT, LABEL = "text", "label"


@dataclasses.dataclass(frozen=True)
class Columns:
    """Which column holds what, by name, or by number from 0 where the files have no header."""

    text: str | None = None
    """None is "text", or the first one where there is no header"""

    text_b: str | None = None
    label: str | None = None
    """None is "label", or the last one where there is no header"""

    has_header: bool | None = None
    """None: where the first line names the columns"""


@dataclasses.dataclass(frozen=True)
class OwnDataset:
    """Examples in files of a person's own, with whatever labels they have."""

    data_dir: Path
    columns: Columns
    given_labels: tuple[str, ...] | None
    """in class order; None: those that an earlier training wrote into `output_dir`, else those of
    the training examples, sorted"""

    output_dir: Path
    dev_fraction: float
    """the share of the training examples that is held out where there is no file for DEV"""

    seed: int

    @property
    def is_pair(self) -> bool:
        """Whether an example has two texts."""
        return self.columns.text_b is not None

    @property
    def metrics(self) -> tuple[str, ...]:
        """None: which class would be the one that is searched for is not known."""
        return ()

    @functools.cached_property
    def labels(self) -> tuple[str, ...]:
        """The labels, in class order: those given, else those found, numbers by their value.

        Raises:
          UserError: there are not at least two, or one that was given never occurs.
        """
        # Imported here for TensorFlow, without which mistakes in the flags are told.
        from bert.checkpoints.labels_file import trained_for

        given = self.given_labels
        if given is None:
            found_before = trained_for(self.output_dir)
            given = None if found_before is None else found_before.labels
        if given is not None and not self.file(TRAIN).exists():
            return given
        found = {example.label for example in self._training if example.label is not None}
        file = self.file(TRAIN)
        if given is not None:
            never = [label for label in given if label not in found]
            if never:
                source = (
                    f"--output_dir {self.output_dir}" if self.given_labels is None else "--labels"
                )
                raise UserError(
                    f"{source} names the label {never[0]!r}, but {file} has no example of it: add "
                    "examples, or leave the label out."
                )
            return given
        if len(found) < 2:
            raise UserError(
                f"{file}: every example has the label {next(iter(found))!r}, where at least two "
                "labels are expected: name the right column with --label_column."
            )
        if all(label.isdecimal() for label in found):
            return tuple(sorted(found, key=lambda label: (int(label), label)))
        return tuple(sorted(found))

    def file(self, split: str) -> Path:
        """The file of a split.

        Raises:
          UserError: there are two, of different formats.
        """
        files = [self.data_dir / f"{split}{ending}" for ending in ENDINGS]
        found = [file for file in files if file.exists()]
        if len(found) > 1:
            raise UserError(
                f"--data_dir {self.data_dir} has {found[0].name} and {found[1].name}: remove one."
            )
        return (found or files)[0]

    def has(self, split: str) -> bool:
        """Whether its file is there, or a share of the training examples for DEV."""
        return self.file(split).exists() or (split == DEV and self._holds_out)

    def examples(self, split: str) -> list[InputExample]:
        """The examples of TRAIN, DEV or TEST.

        Raises:
          UserError: the file cannot be read, or a line of it is wrong.
        """
        if split == TEST:
            return [self._example(row, split) for row in self._rows(split)]
        if not self._holds_out or self.file(DEV).exists():
            return self._with_known_labels(split)
        held_out = self._held_out()
        examples = self._with_known_labels(TRAIN)
        return [
            example
            for index, example in enumerate(examples)
            if (index in held_out) == (split == DEV)
        ]

    @property
    def _holds_out(self) -> bool:
        return self.dev_fraction > 0 and self.file(TRAIN).exists()

    def _held_out(self) -> set[int]:
        """The places of the training examples that stand for DEV: a share of each label."""
        generator = np.random.default_rng(self.seed)
        by_label: dict[str | None, list[int]] = {}
        for index, example in enumerate(self._training):
            by_label.setdefault(example.label, []).append(index)
        held_out: set[int] = set()
        for _, indices in sorted(by_label.items(), key=str):
            # One example of a label at least stays to be learnt.
            count = min(len(indices) - 1, round(len(indices) * self.dev_fraction))
            held_out.update(int(index) for index in generator.permutation(indices)[:count])
        if not held_out:
            raise UserError(
                f"--dev_fraction is {self.dev_fraction:g}, of which {len(self._training)} examples "
                f"leave none for --do_eval: give a larger share, or a file for {DEV}."
            )
        return held_out

    @functools.cached_property
    def _training(self) -> Sequence[InputExample]:
        return [self._example(row, TRAIN) for row in self._rows(TRAIN)]

    def _with_known_labels(self, split: str) -> list[InputExample]:
        known = self.labels
        examples = []
        for row in self._rows(split):
            example = self._example(row, split)
            if example.label not in known:
                raise UserError(
                    f"{row.place}: found the label {example.label!r}, where one of "
                    f"{', '.join(known[:20])} is expected: correct the line."
                )
            examples.append(example)
        return examples

    def _rows(self, split: str) -> list[Row]:
        columns = self.columns
        names = (columns.text or TEXT, columns.label or LABEL)
        return read_rows(self.file(split), columns.has_header, names)

    def _example(self, row: Row, split: str) -> InputExample:
        columns = self.columns
        text_a = row.text(columns.text or (TEXT if row.has_names else "0"), "--text_column")
        text_b = None
        if columns.text_b is not None:
            text_b = row.text(columns.text_b, "--text_b_column")
        label = columns.label or (LABEL if row.has_names else str(row.num_columns - 1))
        if split == TEST and (not row.has(label) or row.num_columns == 1):
            return InputExample(text_a, text_b)
        return InputExample(text_a, text_b, row.text(label, "--label_column"))
