"""The text classification tasks that run_classifier knows, read from TSV files."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from bert.errors import UserError
from bert.training.dataset import DEV, TEST, InputExample
from bert.training.metrics import F1, MATTHEWS


@dataclasses.dataclass(frozen=True)
class Layout:
    """Which column holds what, counted from 0, and whether the first line is a header.

    A label at −1 stands in the last column, of however many.
    """

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
    files: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """the names of files, without .tsv, that are not those of their splits"""

    metrics: tuple[str, ...] = ()
    """what is measured besides accuracy and loss, as the benchmark has it"""

    @property
    def is_pair(self) -> bool:
        """Whether an example has two texts."""
        return self.labelled.text_b is not None


_NLI_LABELS = ("entailment", "not_entailment")


def _mnli(files: str) -> Task:
    """run_classifier.py, MnliProcessor, with the files of one of its two development sets."""
    return Task(
        labels=("contradiction", "entailment", "neutral"),
        labelled=Layout(text_a=8, text_b=9, label=-1, has_header=True),
        unlabelled=Layout(text_a=8, text_b=9, has_header=True),
        files={DEV: f"dev_{files}", TEST: f"test_{files}"},
    )


def _numbered_pairs(labels: tuple[str, ...]) -> Task:
    """A header, then number, two texts and label."""
    return Task(
        labels=labels,
        labelled=Layout(text_a=1, text_b=2, label=3, has_header=True),
        unlabelled=Layout(text_a=1, text_b=2, has_header=True),
    )


# The files of gluebenchmark.com's downloads.
TASKS: Mapping[str, Task] = {
    # run_classifier.py, ColaProcessor
    "cola": Task(
        labels=("0", "1"),
        labelled=Layout(text_a=3, label=1),
        unlabelled=Layout(text_a=1, has_header=True),
        metrics=(MATTHEWS,),
    ),
    "mnli": _mnli("matched"),
    "mnli-mm": _mnli("mismatched"),
    # run_classifier.py, MrpcProcessor; msr_paraphrase_train.txt has the same columns.
    "mrpc": Task(
        labels=("0", "1"),
        labelled=Layout(text_a=3, text_b=4, label=0, has_header=True),
        unlabelled=Layout(text_a=3, text_b=4, has_header=True),
        metrics=(F1,),
    ),
    "qnli": _numbered_pairs(_NLI_LABELS),
    "qqp": Task(
        labels=("0", "1"),
        labelled=Layout(text_a=3, text_b=4, label=5, has_header=True),
        unlabelled=Layout(text_a=1, text_b=2, has_header=True),
        metrics=(F1,),
    ),
    "rte": _numbered_pairs(_NLI_LABELS),
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
    "wnli": _numbered_pairs(("0", "1")),
}


def find_task(name: str) -> Task:
    """The task of that name, in any casing.

    Raises:
      UserError: there is none.
    """
    task = TASKS.get(name.lower())
    if task is None:
        raise UserError(
            f"--task_name is {name!r}, where one of custom, {', '.join(sorted(TASKS))} is "
            "expected: name the one whose files your data look like, or custom for your own."
        )
    return task


@dataclasses.dataclass(frozen=True)
class GlueDataset:
    r"""`<split>.tsv` of a task; lines end with `\n`, columns with `\t`, quotes mean nothing."""

    task: Task
    data_dir: Path

    @property
    def is_pair(self) -> bool:
        """Whether an example has two texts."""
        return self.task.is_pair

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the task, in class order."""
        return self.task.labels

    def file(self, split: str) -> Path:
        """The file of a split."""
        return self.data_dir / f"{self.task.files.get(split, split)}.tsv"

    @property
    def metrics(self) -> tuple[str, ...]:
        """What is measured besides accuracy and loss."""
        return self.task.metrics

    def has(self, split: str) -> bool:
        """Whether the file is there."""
        return self.file(split).exists()

    def examples(self, split: str) -> list[InputExample]:
        """The examples of TRAIN, DEV or TEST.

        Raises:
          UserError: the file cannot be read, is not UTF-8 or empty, a row has too few
            columns or an unknown label.
        """
        file, task = self.file(split), self.task
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
