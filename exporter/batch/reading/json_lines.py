"""A line of JSON Lines."""

import json

from exporter.batch.reading.blocks import BadRow, Row
from exporter.batch.reading.files import words


def json_row(text: str) -> Row | None:
    """The object of a line; None of an empty one.

    Raises:
      BadRow: it is not an object of JSON.
    """
    if not text.strip():
        return None
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRow(f"not JSON: {words(error)}") from error
    if not isinstance(row, dict):
        raise BadRow(f"JSON of type {type(row).__name__}, not an object")
    return row
