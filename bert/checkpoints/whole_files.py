"""Small files that are there as a whole or not at all."""

from pathlib import Path


def write_whole(file: Path, content: bytes | str) -> None:
    """Writes a file, text as UTF-8, so that a process killed on the way leaves the earlier one.

    Raises:
      OSError: it cannot be written.
    """
    beside = file.with_name(f"{file.name}.tmp")
    beside.write_bytes(content.encode() if isinstance(content, str) else content)
    beside.replace(file)
