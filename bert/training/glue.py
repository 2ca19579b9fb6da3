"""The text classification tasks that run_classifier knows, read from TSV files."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from bert.errors import UserError

TRAIN = "train"
DEV = "dev"
TEST = "test"


@dataclasses.dataclass(frozen=True)
class InputExample:
    """One text or pair of texts; `label` is None where the file tells none."""

    text_a: str
    text_b: str | None = None
    label: str | None = None


@dataclasses.dataclass(frozen=True)
class Layout:
    """Which column holds what, counted from 0, and whether the first line is a header."""

    text_a: int
    text_b: int | None = None
    label: int | None = None
    has_header: bool = False

    @property
    def num_columns(self) -> int:
        """The columns that a row must have at least."""
        return 1 + max(self.text_a, self.text_b or 0, self.label or 0)


@dataclasses.dataclass(frozen=True)
class Task:
    """The labels of a task, in class order, and the layout of its files.

    A first line equal to one of `headers` decides the layout of its file; otherwise
    `labelled` is the one of train.tsv and dev.tsv, `unlabelled` the one of test.tsv.
    """

    labels: tuple[str, ...]
    labelled: Layout
    unlabelled: Layout
    headers: Mapping[str, Layout] = dataclasses.field(default_factory=dict)

    @property
    def is_pair(self) -> bool:
        """Whether an example has two texts."""
        return self.labelled.text_b is not None


TASKS: Mapping[str, Task] = {
    # run_classifier.py, ColaProcessor
    "cola": Task(
        labels=("0", "1"),
        labelled=Layout(text_a=3, label=1),
        unlabelled=Layout(text_a=1, has_header=True),
    ),
    # run_classifier.py, MrpcProcessor; msr_paraphrase_train.txt has the same columns.
    "mrpc": Task(
        labels=("0", "1"),
        labelled=Layout(text_a=3, text_b=4, label=0, has_header=True),
        unlabelled=Layout(text_a=3, text_b=4, has_header=True),
    ),
    "sst-2": Task(
        labels=("0", "1"),
        labelled=Layout(text_a=0, label=1),
        unlabelled=Layout(text_a=0),
        # The headers of GLUE's own download.
        headers={
            "sentence\tlabel": Layout(text_a=0, label=1, has_header=True),
            "index\tsentence": Layout(text_a=1, has_header=True),
        },
    ),
}


def find_task(name: str) -> Task:
    """The task of that name, in any casing.

    Raises:
      UserError: there is none.
    """
    task = TASKS.get(name.lower())
    if task is None:
        raise UserError(
            f"--task_name is {name!r}, where one of {', '.join(sorted(TASKS))} is expected: name "
            "the one whose files your data look like."
        )
    return task


def read_examples(task: Task, data_dir: Path, split: str) -> list[InputExample]:
    r"""Reads `<split>.tsv`; lines end with `\n`, columns with `\t`, quotes mean nothing.

    Args:
      task: gives layout and labels.
      data_dir: where the file is.
      split: TRAIN, DEV or TEST; examples of TRAIN and DEV have labels.

    Raises:
      UserError: the file cannot be read, is not UTF-8 or empty, a row has too few
        columns or an unknown label.
    """
    file = split_file(data_dir, split)
    lines = _read_lines(file)
    layout = task.headers.get(
        lines[0] if lines else "", task.unlabelled if split == TEST else task.labelled
    )
    if split != TEST and layout.label is None:
        raise UserError(
            f"{file}, line 1: found the header {lines[0]!r} of a file without labels, where "
            "labelled rows are expected: give labelled data."
        )
    first = 1 if layout.has_header else 0
    if len(lines) <= first:
        raise UserError(f"{file} has no rows: give at least one line of data.")
    return [
        _parse(line, layout, task.labels, f"{file}, line {number}")
        for number, line in enumerate(lines[first:], start=first + 1)
    ]


def split_file(data_dir: Path, split: str) -> Path:
    """The file of a split."""
    return data_dir / f"{split}.tsv"


def _read_lines(file: Path) -> list[str]:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError(
            f"{file} cannot be read ({error.strerror}): check --data_dir and --task_name."
        ) from error
    lines = []
    for number, line in enumerate(content.removesuffix(b"\n").split(b"\n"), start=1):
        try:
            # A byte order mark and the carriage return of Windows are no part of the data.
            decoded = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise UserError(
                f"{file}, line {number}: found the bytes {line[error.start : error.start + 8]!r}, "
                "where UTF-8 is expected: save the file as UTF-8."
            ) from error
        lines.append(decoded.removesuffix("\r"))
    return [] if lines == [""] else lines


def _parse(line: str, layout: Layout, labels: tuple[str, ...], place: str) -> InputExample:
    columns = line.split("\t")
    if not line or len(columns) < layout.num_columns:
        found = f"{len(columns)} tab-separated columns" if line else "a blank line"
        raise UserError(
            f"{place}: found {found}, where at least {layout.num_columns} columns are expected: "
            "correct or remove the line."
        )
    label = None if layout.label is None else columns[layout.label]
    if label is not None and label not in labels:
        raise UserError(
            f"{place}: found the label {label!r} in column {(layout.label or 0) + 1}, where one "
            f"of {', '.join(labels)} is expected: correct the line."
        )
    text_b = None if layout.text_b is None else columns[layout.text_b]
    return InputExample(columns[layout.text_a], text_b, label)
