"""Files that appear whole or not at all, and the summary."""

import json
import uuid
from collections.abc import Callable
from typing import IO

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from exporter.batch.reading.blocks import Row

SUMMARY_FILE = "summary.json"


def write_file(path: str, write_to: Callable[[IO[bytes]], object]) -> None:
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


def write_summary(directory: str, summary: Row) -> None:
    """The file that is written last."""
    text = json.dumps(summary, indent=2, ensure_ascii=False) + "\n"
    write_file(f"{directory}/{SUMMARY_FILE}", lambda file: file.write(text.encode()))


def read_summary(directory: str) -> Row:
    """What `write_summary` wrote."""
    path = f"{directory}/{SUMMARY_FILE}"
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        return json.loads(file.read())
