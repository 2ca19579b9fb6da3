"""Blocks with their answers to files, one part a block, and what a job came to.

A part is named by the rows that it covers, so that one that an engine writes twice has one name.
It is written under another name first, and so appears whole.
"""

import dataclasses
import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO

import numpy as np
import pyarrow
import pyarrow.parquet
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from exporter.batch.reading import Block, Failure, Row
from exporter.batch.scoring import Answers

FORMATS = ("jsonl", "parquet")
SUMMARY_FILE = "summary.json"
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
        table, misfits = _table(block, good, writing.schema)
        for index, reason in misfits.items():
            failures.append(_failure(block, good[index], reason))
        kept = [index for index in range(len(good)) if index not in misfits]
        if kept:
            for column, values in answers.outputs.items():
                values = _taken(values, kept) if misfits else values
                table = table.append_column(writing.prefix + column, _arrow(values))
            _write(
                f"{directory}/{_PART}-{name}.parquet",
                lambda file: pyarrow.parquet.write_table(table, file),
            )
        rows = len(kept)
    else:
        rows = len(good)
        if rows:
            _write(
                f"{directory}/{_PART}-{name}.jsonl",
                lambda file: file.writelines(_json_lines(block, answers, writing.prefix)),
            )
    if failures:
        failures.sort(key=lambda failure: failure.row)
        _write(
            f"{directory}/{_FAILURES}-{name}.jsonl",
            lambda file: file.writelines(_line(failure.to_json()) for failure in failures),
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


def write_summary(directory: str, summary: Row) -> None:
    """The file that is written last."""
    text = json.dumps(summary, indent=2, ensure_ascii=False) + "\n"
    _write(f"{directory}/{SUMMARY_FILE}", lambda file: file.write(text.encode()))


def read_summary(directory: str) -> Row:
    """What `write_summary` wrote."""
    path = f"{directory}/{SUMMARY_FILE}"
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        return json.loads(file.read())


def schema_of(rows: "list[Row] | pyarrow.Table") -> pyarrow.Schema:
    """The columns of Parquet files for rows like these."""
    if isinstance(rows, pyarrow.Table):
        return rows.schema
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = pyarrow.table({name: pyarrow.array([row.get(name) for row in rows]) for name in names})
    # A column that is empty so far may hold text later.
    return pyarrow.schema(
        (name, "string" if pyarrow.types.is_null(table[name].type) else table[name].type)
        for name in names
    )


def _write(path: str, write_to: Callable[[IO[bytes]], object]) -> None:
    """The file appears whole, or not at all, and in place of one that is there."""
    scratch = f"{path.rpartition('/')[0]}/.{uuid.uuid4().hex}"
    try:
        with FileSystems.create(scratch, compression_type=CompressionTypes.UNCOMPRESSED) as file:
            write_to(file)
        FileSystems.rename([scratch], [path])
    except BaseException:
        if FileSystems.exists(scratch):
            FileSystems.delete([scratch])
        raise


def _last_row(block: Block) -> int:
    return block.first_row + max(block.num_rows, 1) - 1


def _refused(block: Block, answers: Answers) -> Iterator[Failure]:
    for index, reason in answers.failures.items():
        yield _failure(block, index, reason)


def _failure(block: Block, index: int, reason: str) -> Failure:
    line = b"\t".join(block.texts[index])[:1000].decode(errors="replace")
    return Failure(block.file, block.numbers[index], reason, line)


def _json_lines(block: Block, answers: Answers, prefix: str) -> Iterator[bytes]:
    rows = block.rows
    if isinstance(rows, pyarrow.Table):
        rows = rows.to_pylist()
    columns = {prefix + name: python_values(values) for name, values in answers.outputs.items()}
    names = list(columns)
    for index, *values in zip(answers.rows, *columns.values(), strict=True):
        yield _line({**rows[index], **dict(zip(names, values, strict=True))})


def _line(row: Row) -> bytes:
    # Dates and times of a Parquet file as Python writes them.
    return (json.dumps(row, ensure_ascii=False, default=str) + "\n").encode(errors="replace")


def python_values(values: np.ndarray | list[np.ndarray]) -> list[object]:
    """Answers as JSON has them: numbers, strings and lists."""
    if isinstance(values, list):
        return [_text(value.tolist()) for value in values]
    return (
        [_text(value) for value in values.tolist()] if values.dtype == object else values.tolist()
    )


def _text(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return [_text(item) for item in value] if isinstance(value, list) else value


def _taken(values: np.ndarray | list[np.ndarray], kept: Sequence[int]) -> object:
    return [values[index] for index in kept] if isinstance(values, list) else values[kept]


def _arrow(values: np.ndarray | list[np.ndarray]) -> pyarrow.Array:
    """Rows of one shape as fixed-size lists, others as lists."""
    if isinstance(values, list):
        offsets = np.concatenate([[0], np.cumsum([len(value) for value in values])])
        flat = np.concatenate(values)
        return pyarrow.ListArray.from_arrays(offsets.astype(np.int32), _arrow(flat))
    flat = values.reshape(-1)
    array = (
        pyarrow.array(_text(flat.tolist()), "string")
        if flat.dtype == object
        else (pyarrow.array(flat))
    )
    for size in reversed(values.shape[1:]):
        array = pyarrow.FixedSizeListArray.from_arrays(array, size)
    return array


def _table(
    block: Block, good: Sequence[int], schema: pyarrow.Schema | None
) -> tuple[pyarrow.Table, dict[int, str]]:
    """The input's columns of the rows in `good`; those that do not fit the schema, by place."""
    assert schema is not None
    rows = block.rows
    if isinstance(rows, pyarrow.Table):
        table = rows.take(pyarrow.array(good, pyarrow.int64())) if len(good) < len(rows) else rows
        try:
            return table.select(schema.names).cast(schema), {}
        except (pyarrow.ArrowInvalid, KeyError) as error:
            reason = f"its columns are not those of the first file: {' '.join(str(error).split())}"
            return schema.empty_table(), dict.fromkeys(range(len(good)), reason)
    chosen = [rows[index] for index in good]
    misfits = {}
    known = set(schema.names)
    if any(row.keys() - known for row in chosen) or not _fits(chosen, schema):
        for index, row in enumerate(chosen):
            unknown = sorted(row.keys() - known)
            if unknown:
                misfits[index] = f"no column of the Parquet files: '{unknown[0]}'"
            elif not _fits([row], schema):
                misfits[index] = "its columns are not of the types of the first rows"
    chosen = [row for index, row in enumerate(chosen) if index not in misfits]
    return pyarrow.Table.from_pylist(chosen, schema), misfits


def _fits(rows: list[Row], schema: pyarrow.Schema) -> bool:
    try:
        pyarrow.Table.from_pylist(rows, schema)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, OverflowError):
        return False
    return True
