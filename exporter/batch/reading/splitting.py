"""Input files to pieces, and pieces to blocks of rows.

A file is cut at line ends into pieces of so many rows (a Parquet file by its rows), which engines
give to their workers. A piece is a block; a file that cannot be cut, compressed or CSV, is one
piece of many blocks. A block is named by its file and first row, so that a piece that an engine
runs twice makes the same blocks twice.
"""

import dataclasses
from collections.abc import Iterator

import pyarrow

from bert.errors import UserError
from exporter.batch.reading.blocks import Block, Failure, Piece, Reading, Row
from exporter.batch.reading.files import compression
from exporter.batch.reading.line_formats import line_blocks, line_pieces
from exporter.batch.reading.parquet import parquet_block, parquet_pieces


def pieces(file_number: int, file: str, reading: Reading) -> Iterator[Piece]:
    """Cuts a file; one that is damaged comes to a piece that reports the damage."""
    if reading.format == "parquet":
        yield from parquet_pieces(file_number, file, reading)
    elif reading.format == "csv" or compression(file):
        yield Piece(file_number, file, 1, 0, None)
    else:
        yield from line_pieces(file_number, file, reading)


def blocks(piece: Piece, reading: Reading) -> Iterator[Block]:
    """Reads a piece; at least one block."""
    if piece.damage:
        block = Block(piece.file_number, piece.file, piece.first_row)
        block.failures.append(Failure(piece.file, piece.first_row, piece.damage, ""))
        yield block
    elif reading.format == "parquet":
        yield parquet_block(piece, reading)
    else:
        yield from line_blocks(piece, reading)


def first_rows(file: str, reading: Reading, count: int) -> "list[Row] | pyarrow.Table":
    """The first good rows of a file, which show mistakes and types.

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
