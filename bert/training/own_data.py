"""A person's own labelled texts: train, dev and test as .csv, .tsv or .jsonl."""

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path

from bert.errors import UserError
from bert.tasks import CLASSIFICATION, Task
from bert.training.dataset import DEV, TEST, TRAIN, InputExample, Label, read_number
from bert.training.held_out import share
from bert.training.tables import ENDINGS, Row, find_file, read_rows

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
    task: Task = CLASSIFICATION
    label_separator: str = ","
    """between the labels of one example, where it may have several"""

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
        if not self.task.has_labels:
            return ()
        given = self.given_labels or self._labels_before()
        file = self.file(TRAIN)
        if given is not None and not file.exists():
            return given
        found = {name for example in self._training for name in _names(example)}
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
        if not found:
            raise UserError(
                f"{file}: no example has a label: name the right column with --label_column."
            )
        if len(found) < self.task.least_size:
            raise UserError(
                f"{file}: every example has the label {next(iter(found))!r}, where at least two "
                "labels are expected: name the right column with --label_column."
            )
        if all(label.isdecimal() for label in found):
            return tuple(sorted(found, key=lambda label: (int(label), label)))
        return tuple(sorted(found))

    def _labels_before(self) -> tuple[str, ...] | None:
        """Those of an earlier training in the output directory."""
        # Imported here for TensorFlow, without which mistakes in the flags are told.
        from bert.checkpoints.labels_file import trained_for

        found = trained_for(self.output_dir)
        return None if found is None else found.labels

    def file(self, split: str) -> Path:
        """The file of a split.

        Raises:
          UserError: there are two, of different formats.
        """
        return find_file(self.data_dir, split, ENDINGS)

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
        examples = self._with_known_labels(TRAIN)
        names = [_names(example) for example in examples]
        return share(split, examples, names, self.dev_fraction, self.seed)

    @property
    def _holds_out(self) -> bool:
        return self.dev_fraction > 0 and self.file(TRAIN).exists()

    @functools.cached_property
    def _training(self) -> Sequence[InputExample]:
        return [self._example(row, TRAIN) for row in self._rows(TRAIN)]

    def _with_known_labels(self, split: str) -> list[InputExample]:
        known = self.labels
        examples = []
        for row in self._rows(split):
            example = self._example(row, split)
            unknown = [name for name in _names(example) if name not in known]
            if unknown:
                raise UserError(
                    f"{row.place}: found the label {unknown[0]!r}, where one of "
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
        return InputExample(text_a, text_b, self._label(row, label))

    def _label(self, row: Row, column: str) -> Label:
        flag = "--label_column"
        if self.task.has_labels and not self.task.has_one_label:
            return row.names(column, flag, self.label_separator)
        text = row.text(column, flag)
        return text if self.task.has_labels else read_number(text, f"{row.place}, {column!r}")


def _names(example: InputExample) -> tuple[str, ...]:
    """The labels of an example; none of one that has a number."""
    label = example.label
    if isinstance(label, str):
        return (label,)
    return label if isinstance(label, tuple) else ()
