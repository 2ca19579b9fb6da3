"""The columns of a row: its texts and its id."""

from collections.abc import Iterable

from exporter.batch.reading.blocks import BadRow, Reading, Row

ID = "id"


def text_bytes(row: Row, column: str) -> bytes:
    """The text of a row.

    Raises:
      BadRow: there is none.
    """
    if column not in row:
        raise BadRow(f"no column '{column}'; there are {', '.join(row) or 'none'}")
    value = row[column]
    if isinstance(value, bytes):
        value = decoded(value)
    if not isinstance(value, str):
        kind = "missing" if value is None else f"{type(value).__name__}, not text"
        raise BadRow(f"column '{column}' is {kind}")
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise BadRow(f"column '{column}' is not UTF-8") from error


def decoded(line: bytes) -> str:
    """UTF-8 to text.

    Raises:
      BadRow: it is none.
    """
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise BadRow(f"not UTF-8 at byte {error.start}") from error


def require_free_names(names: Iterable[str], reading: Reading) -> None:
    """Checks that no column has the name of an output.

    Raises:
      BadRow: one has.
    """
    for name in names:
        if name in reading.reserved:
            raise BadRow(f"column '{name}' is also an output of the model: give --output_prefix")


def with_id(row: Row, place: str, id_column: str | None) -> Row:
    """The row with an id, which is its place where no column is asked for and `id` is missing.

    Raises:
      BadRow: the column that is asked for holds none.
    """
    if id_column is None:
        return row if row.get(ID) is not None else {**row, ID: place}
    if row.get(id_column) in (None, ""):
        raise BadRow(f"no id in column '{id_column}'")
    return row


def too_long(size: int, reading: Reading) -> BadRow:
    """The fault of a row of more than `max_row_bytes` bytes."""
    return BadRow(f"{size:,} bytes, where --max_row_bytes is {reading.max_row_bytes:,}")
