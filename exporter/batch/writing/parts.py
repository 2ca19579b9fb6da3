"""Blocks with their answers to files, one part a block.

A part is named by the rows that it covers, so that one that an engine writes twice has one name.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow
import pyarrow.parquet

from exporter.batch.reading.blocks import SHOWN, Block, Failure
from exporter.batch.scoring import Answers
from exporter.batch.writing.files import write_file
from exporter.batch.writing.json_lines import json_line, json_lines
from exporter.batch.writing.parquet import input_columns
from exporter.batch.writing.values import arrow_array

_PART, _FAILURES = "part", "failures"


@dataclasses.dataclass
class Scored:
    """A block and the answers of those of its rows that have one."""

    block: Block
    answers: Answers


@dataclasses.dataclass
class Report:
    """What a block came to, as a worker saw it."""

    rows: int = 0
    failures: int = 0
    damaged_files: int = 0
    tokens: int = 0
    session_seconds: float = 0.0
    worker: str = ""
    worker_bytes: int = 0
    reasons: dict[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Writing:
    """Where and how parts are written."""

    directory: str
    format: str
    schema: pyarrow.Schema | None
    """Of Parquet files: the input's columns"""
    prefix: str
    """Before the names of the signature's outputs"""


def write(scored: Scored, writing: Writing) -> Report:
    """Writes a part and its failures."""
    block, answers, directory = scored.block, scored.answers, writing.directory
    good = answers.rows
    failures = [*block.failures, *_refused(block, answers)]
    name = f"{block.file_number:05d}-{block.first_row:012d}-{_last_row(block):012d}"
    if writing.format == "parquet":
        table, misfits = input_columns(block, good, writing.schema)
        for index, reason in misfits.items():
            failures.append(_failure(block, good[index], reason))
        kept = [index for index in range(len(good)) if index not in misfits]
        if kept:
            for column, values in answers.outputs.items():
                chosen = _taken(values, kept) if misfits else values
                table = table.append_column(writing.prefix + column, arrow_array(chosen))
            write_file(
                f"{directory}/{_PART}-{name}.parquet",
                lambda file: pyarrow.parquet.write_table(table, file),
            )
        rows = len(kept)
    else:
        rows = len(good)
        if rows:
            write_file(
                f"{directory}/{_PART}-{name}.jsonl",
                lambda file: file.writelines(json_lines(block, answers, writing.prefix)),
            )
    if failures:
        failures.sort(key=lambda failure: failure.row)
        write_file(
            f"{directory}/{_FAILURES}-{name}.jsonl",
            lambda file: file.writelines(json_line(failure.to_json()) for failure in failures),
        )
    reasons: dict[str, int] = {}
    for failure in failures:
        kind = failure.reason.partition(":")[0]
        reasons[kind] = reasons.get(kind, 0) + 1
    return Report(
        rows=rows,
        failures=len(failures),
        damaged_files=sum("the file is damaged" in reason for reason in reasons),
        tokens=answers.tokens,
        session_seconds=answers.seconds,
        reasons=reasons,
    )


def rows_covered(names: Iterable[str]) -> int:
    """Rows of the input that files of these names tell of."""
    covered = set()
    for name in names:
        fields = name.partition(".")[0].split("-")
        if fields[0] in (_PART, _FAILURES) and len(fields) == 4:
            covered.add(tuple(map(int, fields[1:])))
    return sum(last - first + 1 for _, first, last in covered)


def _last_row(block: Block) -> int:
    return block.first_row + max(block.num_rows, 1) - 1


def _refused(block: Block, answers: Answers) -> Iterator[Failure]:
    for index, reason in answers.failures.items():
        yield _failure(block, index, reason)


def _failure(block: Block, index: int, reason: str) -> Failure:
    line = b"\t".join(block.texts[index])[:SHOWN].decode(errors="replace")
    return Failure(block.file, block.numbers[index], reason, line)


def _taken(
    values: np.ndarray | list[np.ndarray], kept: Sequence[int]
) -> np.ndarray | list[np.ndarray]:
    return [values[index] for index in kept] if isinstance(values, list) else values[kept]
