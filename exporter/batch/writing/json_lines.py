"""Rows as JSON Lines."""

import json
from collections.abc import Iterator

import pyarrow

from exporter.batch.reading.blocks import Block, Row
from exporter.batch.scoring import Answers
from exporter.batch.writing.values import python_values


def json_lines(block: Block, answers: Answers, prefix: str) -> Iterator[bytes]:
    """The lines of a block's rows that have an answer, with `prefix` before the outputs' names."""
    rows = block.rows
    if isinstance(rows, pyarrow.Table):
        rows = rows.to_pylist()
    columns = {prefix + name: python_values(values) for name, values in answers.outputs.items()}
    names = list(columns)
    for index, *values in zip(answers.rows, *columns.values(), strict=True):
        yield json_line({**rows[index], **dict(zip(names, values, strict=True))})


def json_line(row: Row) -> bytes:
    """A row as a line, with its end."""
    # Dates and times of a Parquet file as Python writes them.
    return (json.dumps(row, ensure_ascii=False, default=str) + "\n").encode(errors="replace")
