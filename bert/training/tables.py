"""Rows of .csv, .tsv and .jsonl files, each with its line."""

import csv
import dataclasses
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from bert.errors import UserError

_CSV, _TSV, _JSON_LINES = ".csv", ".tsv", ".jsonl"
ENDINGS = (_CSV, _TSV, _JSON_LINES)


@dataclasses.dataclass(frozen=True)
class Row:
    """The values of a row by column: its name, or its number from 0 where there are no names."""

    place: str
    """file and line, for errors"""

    values: Mapping[str, object]
    has_names: bool

    @property
    def num_columns(self) -> int:
        """How many values it has."""
        return len(self.values)

    def has(self, column: str) -> bool:
        """Whether there is such a column."""
        return column in self.values

    def text(self, column: str, flag: str) -> str:
        """The value of a column, which `flag` names; numbers and truth values as JSON has them.

        Raises:
          UserError: there is no such column, or nothing in it.
        """
        if column not in self.values:
            raise UserError(
                f"{self.place}: there is no column {column!r}, where the columns are "
                f"{', '.join(map(repr, self.values))}: name one with {flag}."
            )
        value = self.values[column]
        if isinstance(value, bool | int | float):
            return json.dumps(value)
        if not isinstance(value, str) or not value.strip():
            raise UserError(
                f"{self.place}: found {json.dumps(value)} in the column {column!r}, where text is "
                "expected: correct or remove the row."
            )
        return value

    def names(self, column: str, flag: str, separator: str) -> tuple[str, ...]:
        """The names in a column, sorted: divided by `separator`, or a list of JSON; maybe none.

        Raises:
          UserError: there is no such column, or something else in it.
        """
        value = self.values.get(column)
        if column in self.values and (value is None or value == ""):
            return ()
        if not isinstance(value, list):
            parts = [part.strip() for part in self.text(column, flag).split(separator)]
        elif all(isinstance(part, str) for part in value):
            parts = value
        else:
            raise UserError(
                f"{self.place}: found {json.dumps(value)[:40]} in the column {column!r}, where a "
                "list of names is expected: correct the row."
            )
        return tuple(sorted({part for part in parts if part}))


def find_file(data_dir: Path, split: str, endings: Sequence[str]) -> Path:
    """The file of a split that ends in one of `endings`; the first of these where none exists.

    Raises:
      UserError: there are two.
    """
    files = [data_dir / f"{split}{ending}" for ending in endings]
    found = [file for file in files if file.exists()]
    if len(found) > 1:
        raise UserError(
            f"--data_dir {data_dir} has {found[0].name} and {found[1].name}: remove one."
        )
    return (found or files)[0]


def read_rows(file: Path, has_header: bool | None, names: Iterable[str]) -> list[Row]:
    """All rows of a file, by its ending: comma-separated, tab-separated or JSON Lines.

    Quotes are those of RFC 4180 in .csv files, and mean nothing in .tsv files. Without
    `has_header` the first line is a header if it has all of `names`.

    Raises:
      UserError: the file cannot be read, is not UTF-8, has no rows, or a row of it has
        another number of columns.
    """
    text = read_text(file)
    if file.suffix == _JSON_LINES:
        rows = list(_json_rows(text, file))
    else:
        rows = list(_table_rows(text, file, has_header, names))
    if not rows:
        raise UserError(f"{file} has no rows: give at least one line of data.")
    return rows


def read_text(file: Path) -> str:
    """The text of a UTF-8 file, a byte order mark left out.

    Raises:
      UserError: it cannot be read, or is not UTF-8.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}): check --data_dir.") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{file}, line {line}: found the bytes {content[error.start : error.start + 8]!r}, "
            "where UTF-8 is expected: save the file as UTF-8."
        ) from error


def _json_rows(text: str, file: Path) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        place = f"{file}, line {number}"
        try:
            values = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UserError(
                f"{place}: found no JSON ({error}), where an object is expected: correct the line."
            ) from error
        if not isinstance(values, dict):
            raise UserError(
                f"{place}: found {line[:40]!r}, where an object such as "
                '{"text": "…", "label": "…"} is expected: correct the line.'
            )
        yield Row(place, values, has_names=True)


def _table_rows(
    text: str, file: Path, has_header: bool | None, names: Iterable[str]
) -> Iterator[Row]:
    lines = _table(text, file)
    place, first = next(lines, ("", []))
    if not first:
        return
    if has_header is None:
        has_header = set(names) <= set(first)
    columns = first if has_header else [str(index) for index in range(len(first))]
    if len(set(columns)) < len(columns):
        twice = next(column for column in columns if columns.count(column) > 1)
        raise UserError(f"{place}: two columns are called {twice!r}: rename one.")
    if not has_header:
        yield Row(place, dict(zip(columns, first, strict=True)), has_names=False)
    for place, values in lines:
        if len(values) != len(columns):
            raise UserError(
                f"{place}: found {len(values)} columns, where {len(columns)} are expected as in "
                "line 1: correct the line, and quote texts that hold the separator."
            )
        yield Row(place, dict(zip(columns, values, strict=True)), has_names=has_header)


def _table(text: str, file: Path) -> Iterator[tuple[str, list[str]]]:
    """The place and the values of each line that is not blank."""
    if file.suffix == _CSV:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    else:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE)
    while True:
        # A quoted text may go over several lines: a row is named by its first one.
        place = f"{file}, line {reader.line_num + 1}"
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UserError(
                f"{place}: the row cannot be read ({error}): correct it; a quote within a quoted "
                "text is written twice."
            ) from error
        if values:
            yield place, values
