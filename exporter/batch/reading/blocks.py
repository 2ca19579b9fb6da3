"""A block: rows that follow each other in a file, with what is wrong with the others."""

import dataclasses
from typing import NamedTuple

import pyarrow

from exporter.batch.scoring import Texts

Row = dict[str, object]

# Bytes of a line that are shown in a failure.
SHOWN = 1000


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
