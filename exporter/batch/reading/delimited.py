"""CSV and TSV: columns named by a header or by a flag."""

import csv
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from exporter.batch.reading.blocks import BadRow, Reading, Row
from exporter.batch.reading.columns import too_long
from exporter.batch.reading.files import words
from exporter.batch.reading.lines import bounded_lines


def header(stream: BinaryIO, reading: Reading) -> tuple[str, ...]:
    """Column names of a CSV or TSV; of a TSV its first line stays to be read."""
    if reading.columns or reading.format not in ("csv", "tsv"):
        return reading.columns
    if reading.format == "csv":
        return ()
    (line, _), *_ = [*_first(bounded_lines(stream, None, reading.max_row_bytes)), (b"", 0)]
    stream.seek(0)
    return tuple(line.decode(errors="replace").removeprefix("\ufeff").split("\t"))


def _first(lines: Iterator[tuple[bytes, int]]) -> Sequence[tuple[bytes, int]]:
    for line in lines:
        return [line]
    return []


def csv_rows(
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
            content = BadRow(f"not CSV: {words(error)}")
        else:
            if not names:
                names = tuple(field.removeprefix("\ufeff") for field in fields)
                number += len(taken)
                continue
            content = None
            if fields:
                try:
                    content = named(names, fields)
                except BadRow as error:
                    content = error
        length = sum(length for _, length in taken)
        if length > reading.max_row_bytes:
            content = too_long(length, reading)
        yield number, length, b"\n".join(line for line, _ in taken), content
        number += len(taken)


def named(names: tuple[str, ...], fields: Sequence[str]) -> Row:
    """Fields under the names of their columns.

    Raises:
      BadRow: there are not as many as names.
    """
    if len(fields) != len(names):
        raise BadRow(f"{len(fields)} columns, where {len(names)} are expected")
    return dict(zip(names, fields, strict=True))
