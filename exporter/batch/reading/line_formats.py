"""Formats of lines: text, CSV, TSV and JSON Lines."""

from collections.abc import Iterator

from exporter.batch.reading.blocks import SHOWN, BadRow, Block, Failure, Piece, Reading, Row
from exporter.batch.reading.columns import (
    decoded,
    require_free_names,
    text_bytes,
    too_long,
    with_id,
)
from exporter.batch.reading.delimited import csv_rows, header, named
from exporter.batch.reading.files import DAMAGE, open_file, words
from exporter.batch.reading.json_lines import json_row
from exporter.batch.reading.lines import bounded_lines, line_lengths

_BLOCK_BYTES = 16 << 20


def line_pieces(file_number: int, file: str, reading: Reading) -> Iterator[Piece]:
    """Cuts at line ends: rows of a block, and no more bytes than one holds."""
    first_row = row = 1
    start = position = 0
    with open_file(file) as stream:
        for length in line_lengths(stream):
            rows = row - first_row
            if rows == reading.rows_per_block or (rows and position - start >= _BLOCK_BYTES):
                yield Piece(file_number, file, first_row, start, position)
                first_row, start = row, position
            row += 1
            position += length
    yield Piece(file_number, file, first_row, start, position)


def line_blocks(piece: Piece, reading: Reading) -> Iterator[Block]:
    """At least one block; of a damaged file, the rows before the damage."""
    block = Block(piece.file_number, piece.file, piece.first_row)
    size = 0
    number = piece.first_row - 1
    try:
        with open_file(piece.file) as stream:
            names = header(stream, reading)
            skipped = 0
            if piece.start:
                stream.seek(piece.start)
            elif names and not reading.columns and reading.format == "tsv":
                skipped = 1
            rest = None if piece.stop is None else piece.stop - piece.start
            lines = bounded_lines(stream, rest, reading.max_row_bytes)
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
    except DAMAGE as error:
        reason = f"the file is damaged, and what follows is not read: {words(error)}"
        block.failures.append(Failure(piece.file, number + 1, reason, ""))
        block.num_rows = number + 1 - block.first_row + 1
    yield block


def _rows(
    lines: Iterator[tuple[bytes, int]], names: tuple[str, ...], piece: Piece, reading: Reading
) -> Iterator[tuple[int, int, bytes, "Row | BadRow | None"]]:
    """Number, length, line and content of every row; None for a line that is none."""
    if reading.format == "csv":
        yield from csv_rows(lines, names, reading)
        return
    for number, (line, length) in enumerate(lines, start=piece.first_row):
        content: Row | BadRow | None
        try:
            if length > reading.max_row_bytes:
                raise too_long(length, reading)
            content = _parsed(line, number, names, reading)
        except BadRow as error:
            content = error
        yield number, length, line, content


def _parsed(line: bytes, number: int, names: tuple[str, ...], reading: Reading) -> Row | None:
    text = decoded(line)
    if number == 1:
        text = text.removeprefix("\ufeff")
    if reading.format == "text":
        return {reading.text_columns[0]: text}
    if reading.format == "tsv":
        return named(names, text.split("\t"))
    return json_row(text)


def _add(
    block: Block, number: int, line: bytes, content: "Row | BadRow | None", reading: Reading
) -> None:
    if content is None:
        return
    try:
        if isinstance(content, BadRow):
            raise content
        require_free_names(content, reading)
        texts = tuple(text_bytes(content, column) for column in reading.text_columns)
        row = with_id(content, f"{block.file}:{number}", reading.id_column)
    except BadRow as error:
        shown = line[:SHOWN].decode(errors="replace")
        block.failures.append(Failure(block.file, number, str(error), shown))
        return
    block.rows.append(row)
    block.numbers.append(number)
    block.texts.append(texts)
