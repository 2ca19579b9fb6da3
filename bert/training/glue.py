"""The text classification and regression tasks that run_classifier knows, read from TSV files."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from bert.errors import UserError
from bert.tasks import Task
from bert.training.dataset import TEST, InputExample, read_number
from bert.training.glue_tasks import GlueTask, Layout


@dataclasses.dataclass(frozen=True)
class GlueDataset:
    r"""`<split>.tsv` of a task; lines end with `\n`, columns with `\t`, quotes mean nothing."""

    glue_task: GlueTask
    data_dir: Path
    language: str = "zh"
    """of the rows that are read, where files have several"""

    @property
    def task(self) -> Task:
        """What is learnt of the examples."""
        return self.glue_task.task

    @property
    def is_pair(self) -> bool:
        """Whether an example has two texts."""
        return self.glue_task.is_pair

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the task, in class order; none where they are numbers."""
        return self.glue_task.labels

    def file(self, split: str) -> Path:
        """The file of a split."""
        name = self.glue_task.files.get(split, split).format(self.language)
        return self.data_dir / f"{name}.tsv"

    @property
    def metrics(self) -> tuple[str, ...]:
        """What is measured besides the metrics of the task."""
        return self.glue_task.metrics

    def has(self, split: str) -> bool:
        """Whether the file is there."""
        return self.file(split).exists()

    def examples(self, split: str) -> list[InputExample]:
        """The examples of TRAIN, DEV or TEST.

        Raises:
          UserError: the file cannot be read, is not UTF-8 or empty, a row has too few
            columns, no text or an unknown label, or there is no row of the language.
        """
        file, task = self.file(split), self.glue_task
        lines = _read_lines(file)
        layout = task.headers.get(lines[0] if lines else "", task.layout(split))
        if split != TEST and layout.label is None:
            raise UserError(
                f"{file}, line 1: found the header {lines[0]!r} of a file without labels, where "
                "labelled rows are expected: give labelled data."
            )
        first = 1 if layout.has_header else 0
        if len(lines) <= first:
            raise UserError(f"{file} has no rows: give at least one line of data.")
        places = [f"{file}, line {number}" for number in range(first + 1, len(lines) + 1)]
        rows = [
            (_columns(line, layout, place), place)
            for line, place in zip(lines[first:], places, strict=True)
        ]
        if layout.language is not None:
            found = sorted({columns[layout.language] for columns, _ in rows})
            rows = [row for row in rows if row[0][layout.language] == self.language]
            if not rows:
                raise UserError(
                    f"{file} has no row of the language {self.language!r}, where its languages "
                    f"are {', '.join(found)}: name one with --xnli_language."
                )
        return [_example(columns, layout, task, place) for columns, place in rows]


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


def _columns(line: str, layout: Layout, place: str) -> list[str]:
    columns = line.split("\t")
    if not line or len(columns) < layout.num_columns:
        found = f"{len(columns)} tab-separated columns" if line else "a blank line"
        raise UserError(
            f"{place}: found {found}, where at least {layout.num_columns} columns are expected: "
            "correct or remove the line."
        )
    return columns


def _example(columns: Sequence[str], layout: Layout, task: GlueTask, place: str) -> InputExample:
    text_a = columns[layout.text_a]
    text_b = None if layout.text_b is None else columns[layout.text_b]
    # Quora's pairs have empty questions among them.
    if not text_a.strip() and not (text_b or "").strip():
        raise UserError(
            f"{place}: found no text in column {layout.text_a + 1}, where the text is expected: "
            "correct or remove the line."
        )
    if layout.label is None:
        return InputExample(text_a, text_b)
    name = columns[layout.label]
    number = layout.label % len(columns) + 1
    if not task.task.has_labels:
        return InputExample(text_a, text_b, read_number(name, f"{place}, column {number}"))
    label = task.renamed.get(name, name)
    if label not in task.labels:
        raise UserError(
            f"{place}: found the label {label!r} in column {number}, where one "
            f"of {', '.join(task.labels)} is expected: correct the line."
        )
    return InputExample(text_a, text_b, label)
