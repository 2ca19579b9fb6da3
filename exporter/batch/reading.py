"""Input files to blocks of rows, with what is wrong with a row beside it.

A file is cut at line ends into pieces of so many rows (a Parquet file by its rows), which engines
give to their workers. A piece is a block; a file that cannot be cut, compressed or CSV, is one
piece of many blocks. A block is named by its file and first row, so that a piece that an engine
runs twice makes the same blocks twice.
"""

import bz2
import csv
import dataclasses
import gzip
import json
import lzma
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, NamedTuple

import pyarrow
import pyarrow.parquet
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from bert.errors import UserError
from exporter.batch.scoring import Texts

FORMATS = ("text", "csv", "tsv", "jsonl", "parquet")
_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
}
_COMPRESSIONS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
# What a damaged file raises; other errors of a file system are for the engine, which tries again.
_DAMAGE = (gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError, pyarrow.ArrowInvalid)

_CHUNK = 1 << 20
_BLOCK_BYTES = 16 << 20
# Of a line that is told of and not kept.
_SHOWN = 1000

ID = "id"

Row = dict[str, object]


@dataclasses.dataclass(frozen=True)
class Reading:
    """How rows are read."""

    format: str
    text_columns: tuple[str, ...]
    id_column: str | None
    """None: `id`, made of file and row where a row has none"""
    columns: tuple[str, ...]
    """Names of a CSV's or TSV's columns, where its first line does not tell them"""
    reserved: frozenset[str]
    """Columns that the output has of the model"""
    max_row_bytes: int
    rows_per_block: int


class Piece(NamedTuple):
    """What a worker reads at once: bytes or, of Parquet, rows from `start` up to `stop`."""

    file_number: int
    file: str
    first_row: int
    start: int
    stop: int | None
    damage: str = ""


@dataclasses.dataclass
class Failure:
    """A row, or the rest of a file, that has no answer; `row` counts from 1."""

    file: str
    row: int
    reason: str
    line: str

    def to_json(self) -> Row:
        """As it is written."""
        return dataclasses.asdict(self)


@dataclasses.dataclass
class Block:
    """Rows that follow each other in a file: `texts` has one entry for each row of `rows`."""

    file_number: int
    file: str
    first_row: int
    num_rows: int = 0
    rows: "list[Row] | pyarrow.Table" = dataclasses.field(default_factory=list)
    numbers: list[int] = dataclasses.field(default_factory=list)
    texts: list[Texts] = dataclasses.field(default_factory=list)
    failures: list[Failure] = dataclasses.field(default_factory=list)

    def __len__(self) -> int:
        return len(self.texts)


class BadRow(Exception):
    """What is wrong with a row."""


def format_of(file: str) -> str:
    """By its name."""
    suffixes = re.findall(r"\.[a-z0-9]+", file.rpartition("/")[2].lower())
    if suffixes and suffixes[-1] in _COMPRESSIONS:
        suffixes.pop()
    return _SUFFIXES.get(suffixes[-1], "text") if suffixes else "text"


def pieces(file_number: int, file: str, reading: Reading) -> Iterator[Piece]:
    """Cuts a file. What is damaged is told by a piece of its own."""
    if reading.format == "parquet":
        yield from _parquet_pieces(file_number, file, reading)
    elif reading.format == "csv" or _compression(file):
        yield Piece(file_number, file, 1, 0, None)
    else:
        yield from _line_pieces(file_number, file, reading)


def blocks(piece: Piece, reading: Reading) -> Iterator[Block]:
    """Reads a piece; at least one block."""
    if piece.damage:
        block = Block(piece.file_number, piece.file, piece.first_row)
        block.failures.append(Failure(piece.file, piece.first_row, piece.damage, ""))
        yield block
    elif reading.format == "parquet":
        yield _parquet_block(piece, reading)
    else:
        yield from _line_blocks(piece, reading)


def first_rows(file: str, reading: Reading, count: int) -> "list[Row] | pyarrow.Table":
    """The first good rows of a file, to tell mistakes and types by.

    Raises:
      UserError: the file has rows, and none of them is good.
    """
    reading = dataclasses.replace(reading, rows_per_block=count)
    piece = next(pieces(0, file, reading))
    block = next(iter(blocks(piece, reading)))
    if block.failures and not len(block):
        raise UserError(
            f"No row at the start of {file} can be scored; row {block.failures[0].row}: "
            f"{block.failures[0].reason}."
        )
    return block.rows


def text_bytes(row: Row, column: str) -> bytes:
    """The text of a row.

    Raises:
      BadRow: there is none.
    """
    if column not in row:
        raise BadRow(f"no column '{column}'; there are {', '.join(row) or 'none'}")
    value = row[column]
    if isinstance(value, bytes):
        value = _decoded(value)
    if not isinstance(value, str):
        kind = "missing" if value is None else f"{type(value).__name__}, not text"
        raise BadRow(f"column '{column}' is {kind}")
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise BadRow(f"column '{column}' is not UTF-8") from error


def _compression(file: str) -> str:
    suffix = file[file.rfind(".") :].lower()
    return suffix if suffix in _COMPRESSIONS else ""


def _open(file: str) -> BinaryIO:
    raw = FileSystems.open(file, compression_type=CompressionTypes.UNCOMPRESSED)
    # Beam's own readers of compressed files end quietly where a file was cut off.
    compression = _compression(file)
    return _COMPRESSIONS[compression](raw) if compression else raw  # type: ignore[operator]


def _line_pieces(file_number: int, file: str, reading: Reading) -> Iterator[Piece]:
    first_row = row = 1
    start = position = 0
    with _open(file) as stream:
        for length in _line_lengths(stream):
            rows = row - first_row
            if rows == reading.rows_per_block or (rows and position - start >= _BLOCK_BYTES):
                yield Piece(file_number, file, first_row, start, position)
                first_row, start = row, position
            row += 1
            position += length
    yield Piece(file_number, file, first_row, start, position)


def _line_lengths(stream: BinaryIO) -> Iterator[int]:
    """Bytes of each line, with its end."""
    rest = 0
    while chunk := stream.read(_CHUNK):
        lines = chunk.split(b"\n")
        for line in lines[:-1]:
            yield rest + len(line) + 1
            rest = 0
        rest += len(lines[-1])
    if rest:
        yield rest


def _lines(stream: BinaryIO, size: int | None, max_bytes: int) -> Iterator[tuple[bytes, int]]:
    """The lines of the next `size` bytes without their ends, and their lengths.

    Of one that is longer than `max_bytes` only the beginning is kept, however long it is.
    """
    kept, length = bytearray(), 0
    left = size
    while chunk := stream.read(_CHUNK if left is None else min(_CHUNK, left)):
        if left is not None:
            left -= len(chunk)
        lines = chunk.split(b"\n")
        for number, line in enumerate(lines):
            if len(kept) <= max_bytes:
                kept += line
            length += len(line)
            if number < len(lines) - 1:
                yield _line(kept, length, max_bytes)
                kept, length = bytearray(), 0
        if left == 0:
            break
    if length:
        yield _line(kept, length, max_bytes)


def _line(kept: bytearray, length: int, max_bytes: int) -> tuple[bytes, int]:
    if length > max_bytes:
        return bytes(kept[:_SHOWN]), length
    return bytes(kept).removesuffix(b"\r"), length


def _line_blocks(piece: Piece, reading: Reading) -> Iterator[Block]:
    block = Block(piece.file_number, piece.file, piece.first_row)
    size = 0
    number = piece.first_row - 1
    try:
        with _open(piece.file) as stream:
            names = _header(stream, reading)
            skipped = 0
            if piece.start:
                stream.seek(piece.start)
            elif names and not reading.columns and reading.format == "tsv":
                skipped = 1
            rest = None if piece.stop is None else piece.stop - piece.start
            lines = _lines(stream, rest, reading.max_row_bytes)
            for number, length, line, row in _rows(lines, names, piece, reading):
                if skipped:
                    skipped -= 1
                    block.num_rows += 1
                    continue
                full = block.num_rows >= reading.rows_per_block or size >= _BLOCK_BYTES
                if full and piece.stop is None:
                    yield block
                    block, size = Block(piece.file_number, piece.file, number), 0
                block.num_rows = number - block.first_row + 1
                size += min(length, reading.max_row_bytes)
                _add(block, number, line, row, reading)
    except _DAMAGE as error:
        reason = f"the file is damaged, and what follows is not read: {_words(error)}"
        block.failures.append(Failure(piece.file, number + 1, reason, ""))
        block.num_rows = number + 1 - block.first_row + 1
    yield block


def _header(stream: BinaryIO, reading: Reading) -> tuple[str, ...]:
    """Column names of a CSV or TSV; of a TSV its first line stays to be read."""
    if reading.columns or reading.format not in ("csv", "tsv"):
        return reading.columns
    if reading.format == "csv":
        return ()
    (line, _), *_ = [*_first(_lines(stream, None, reading.max_row_bytes)), (b"", 0)]
    stream.seek(0)
    return tuple(line.decode(errors="replace").removeprefix("\ufeff").split("\t"))


def _first(lines: Iterator[tuple[bytes, int]]) -> Sequence[tuple[bytes, int]]:
    for line in lines:
        return [line]
    return []


def _rows(
    lines: Iterator[tuple[bytes, int]], names: tuple[str, ...], piece: Piece, reading: Reading
) -> Iterator[tuple[int, int, bytes, "Row | BadRow | None"]]:
    """Number, length, line and content of every row; None for a line that is none."""
    if reading.format == "csv":
        yield from _csv_rows(lines, names, reading)
        return
    for number, (line, length) in enumerate(lines, start=piece.first_row):
        content: Row | BadRow | None
        try:
            if length > reading.max_row_bytes:
                raise BadRow(
                    f"{length:,} bytes, where --max_row_bytes is {reading.max_row_bytes:,}"
                )
            content = _parsed(line, number, names, reading)
        except BadRow as error:
            content = error
        yield number, length, line, content


def _parsed(line: bytes, number: int, names: tuple[str, ...], reading: Reading) -> Row | None:
    text = _decoded(line)
    if number == 1:
        text = text.removeprefix("\ufeff")
    if reading.format == "text":
        return {reading.text_columns[0]: text}
    if reading.format == "tsv":
        return _named(names, text.split("\t"))
    if not text.strip():
        return None
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRow(f"not JSON: {_words(error)}") from error
    if not isinstance(row, dict):
        raise BadRow(f"JSON of type {type(row).__name__}, not an object")
    return row


def _csv_rows(
    lines: Iterator[tuple[bytes, int]], names: tuple[str, ...], reading: Reading
) -> Iterator[tuple[int, int, bytes, "Row | BadRow | None"]]:
    """RFC 4180: a quoted field may hold line ends. Rows are numbered by their first line."""
    taken: list[tuple[bytes, int]] = []

    def text_lines() -> Iterator[str]:
        for line, length in lines:
            taken.append((line, length))
            yield line.decode(errors="surrogateescape") + "\n"

    csv.field_size_limit(max(reading.max_row_bytes, 1 << 17))
    reader = csv.reader(text_lines(), strict=True)
    number = 1
    while True:
        taken.clear()
        content: Row | BadRow | None
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            content = BadRow(f"not CSV: {_words(error)}")
        else:
            if not names:
                names = tuple(field.removeprefix("\ufeff") for field in fields)
                number += len(taken)
                continue
            content = None
            if fields:
                try:
                    content = _named(names, fields)
                except BadRow as error:
                    content = error
        length = sum(length for _, length in taken)
        if length > reading.max_row_bytes:
            content = BadRow(
                f"{length:,} bytes, where --max_row_bytes is {reading.max_row_bytes:,}"
            )
        yield number, length, b"\n".join(line for line, _ in taken), content
        number += len(taken)


def _named(names: tuple[str, ...], fields: Sequence[str]) -> Row:
    if len(fields) != len(names):
        raise BadRow(f"{len(fields)} columns, where {len(names)} are expected")
    return dict(zip(names, fields, strict=True))


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise BadRow(f"not UTF-8 at byte {error.start}") from error


def _add(
    block: Block, number: int, line: bytes, content: "Row | BadRow | None", reading: Reading
) -> None:
    if content is None:
        return
    try:
        if isinstance(content, BadRow):
            raise content
        _check_names(content, reading)
        texts = tuple(text_bytes(content, column) for column in reading.text_columns)
        row = _with_id(content, f"{block.file}:{number}", reading.id_column)
    except BadRow as error:
        shown = line[:_SHOWN].decode(errors="replace")
        block.failures.append(Failure(block.file, number, str(error), shown))
        return
    block.rows.append(row)
    block.numbers.append(number)
    block.texts.append(texts)


def _check_names(names: Iterable[str], reading: Reading) -> None:
    for name in names:
        if name in reading.reserved:
            raise BadRow(f"column '{name}' is also an output of the model: give --output_prefix")


def _with_id(row: Row, place: str, id_column: str | None) -> Row:
    if id_column is None:
        return row if row.get(ID) is not None else {**row, ID: place}
    if row.get(id_column) in (None, ""):
        raise BadRow(f"no id in column '{id_column}'")
    return row


def _parquet_pieces(file_number: int, file: str, reading: Reading) -> Iterator[Piece]:
    try:
        with _open(file) as stream:
            rows = pyarrow.parquet.ParquetFile(stream).metadata.num_rows
    except _DAMAGE as error:
        yield Piece(file_number, file, 1, 0, 0, f"the file is damaged: {_words(error)}")
        return
    for start in range(0, max(rows, 1), reading.rows_per_block):
        stop = min(rows, start + reading.rows_per_block)
        yield Piece(file_number, file, start + 1, start, stop)


def _parquet_block(piece: Piece, reading: Reading) -> Block:
    block = Block(piece.file_number, piece.file, piece.first_row)
    assert piece.stop is not None
    block.num_rows = piece.stop - piece.start
    try:
        with _open(piece.file) as stream:
            table = _parquet_rows(stream, piece.start, piece.stop)
    # Of a page that does not decode, Arrow says no more than that it is an error of a file.
    except (*_DAMAGE, pyarrow.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        reason = f"the file is damaged, and these {block.num_rows} rows are not read"
        block.failures.append(
            Failure(piece.file, piece.first_row, f"{reason}: {_words(error)}", "")
        )
        return block
    used = [*reading.text_columns, *([reading.id_column] if reading.id_column else [])]
    present = [name for name in used if name in table.column_names]
    good = []
    for index, row in enumerate(_python_rows(table.select(present))):
        number = piece.first_row + index
        try:
            _check_names(table.column_names, reading)
            if reading.id_column and row.get(reading.id_column) in (None, ""):
                raise BadRow(f"no id in column '{reading.id_column}'")
            texts = tuple(text_bytes(row, column) for column in reading.text_columns)
            size = sum(map(len, texts))
            if size > reading.max_row_bytes:
                raise BadRow(f"{size:,} bytes, where --max_row_bytes is {reading.max_row_bytes:,}")
        except BadRow as error:
            shown = str(row)[:_SHOWN]
            block.failures.append(Failure(block.file, number, str(error), shown))
            continue
        good.append(index)
        block.numbers.append(number)
        block.texts.append(texts)
    if len(good) < len(table):
        table = table.take(pyarrow.array(good, type=pyarrow.int64()))
    if reading.id_column is None and ID not in table.column_names:
        ids = pyarrow.array([f"{block.file}:{number}" for number in block.numbers], "string")
        table = table.append_column(ID, ids)
    block.rows = table
    return block


def _parquet_rows(stream: BinaryIO, start: int, stop: int) -> pyarrow.Table:
    """Rows of a Parquet file, whose row groups may begin and end elsewhere."""
    file = pyarrow.parquet.ParquetFile(stream)
    groups, first, row = [], 0, 0
    for group in range(file.metadata.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        if row < stop and row + rows > start:
            if not groups:
                first = row
            groups.append(group)
        row += rows
    return file.read_row_groups(groups).slice(start - first, stop - start)


def _python_rows(table: pyarrow.Table) -> Iterable[Row]:
    """Rows with strings as bytes, since a Parquet file may hold what is not UTF-8."""
    columns = []
    for column in table.columns:
        if pyarrow.types.is_string(column.type):
            column = column.cast("binary")
        elif pyarrow.types.is_large_string(column.type):
            column = column.cast("large_binary")
        columns.append(column.to_pylist())
    if not columns:
        return ({} for _ in range(len(table)))
    return (
        dict(zip(table.column_names, values, strict=True)) for values in zip(*columns, strict=True)
    )


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
