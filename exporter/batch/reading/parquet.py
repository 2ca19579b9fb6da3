"""Parquet files, by ranges of rows."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

import pyarrow
import pyarrow.parquet

from exporter.batch.reading.blocks import SHOWN, BadRow, Block, Failure, Piece, Reading, Row
from exporter.batch.reading.columns import ID, require_free_names, text_bytes, too_long
from exporter.batch.reading.files import DAMAGE, open_file, words


def parquet_pieces(file_number: int, file: str, reading: Reading) -> Iterator[Piece]:
    """Ranges of rows; of a damaged file, one piece that reports the damage."""
    try:
        with open_file(file) as stream:
            rows = pyarrow.parquet.ParquetFile(stream).metadata.num_rows
    except DAMAGE as error:
        yield Piece(file_number, file, 1, 0, 0, f"the file is damaged: {words(error)}")
        return
    for start in range(0, max(rows, 1), reading.rows_per_block):
        stop = min(rows, start + reading.rows_per_block)
        yield Piece(file_number, file, start + 1, start, stop)


def parquet_block(piece: Piece, reading: Reading) -> Block:
    """The rows of a piece; none where a page is damaged."""
    block = Block(piece.file_number, piece.file, piece.first_row)
    assert piece.stop is not None
    block.num_rows = piece.stop - piece.start
    try:
        with open_file(piece.file) as stream:
            table = _parquet_rows(stream, piece.start, piece.stop)
    # Of a page that does not decode, Arrow says no more than that it is an error of a file.
    except (*DAMAGE, pyarrow.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        reason = f"the file is damaged, and these {block.num_rows} rows are not read"
        block.failures.append(Failure(piece.file, piece.first_row, f"{reason}: {words(error)}", ""))
        return block
    used = [*reading.text_columns, *([reading.id_column] if reading.id_column else [])]
    present = [name for name in used if name in table.column_names]
    good = []
    for index, row in enumerate(_python_rows(table.select(present))):
        number = piece.first_row + index
        try:
            require_free_names(table.column_names, reading)
            if reading.id_column and row.get(reading.id_column) in (None, ""):
                raise BadRow(f"no id in column '{reading.id_column}'")
            texts = tuple(text_bytes(row, column) for column in reading.text_columns)
            size = sum(map(len, texts))
            if size > reading.max_row_bytes:
                raise too_long(size, reading)
        except BadRow as error:
            shown = str(row)[:SHOWN]
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
    groups: list[int] = []
    first = row = 0
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
