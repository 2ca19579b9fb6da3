"""Lines of a stream; memory does not grow with the length of a line."""

from collections.abc import Iterator
from typing import BinaryIO

from exporter.batch.reading.blocks import SHOWN

_CHUNK = 1 << 20


def line_lengths(stream: BinaryIO) -> Iterator[int]:
    """Bytes of each line, with its end."""
    rest = 0
    while chunk := stream.read(_CHUNK):
        lines = chunk.split(b"\n")
        for line in lines[:-1]:
            yield rest + len(line) + 1
            rest = 0
        rest += len(lines[-1])
    if rest:
        yield rest


def bounded_lines(
    stream: BinaryIO, size: int | None, max_bytes: int
) -> Iterator[tuple[bytes, int]]:
    """The lines of the next `size` bytes without their ends, and their lengths.

    Of one that is longer than `max_bytes` only the beginning is kept, however long it is.
    """
    kept, length = bytearray(), 0
    left = size
    while chunk := stream.read(_CHUNK if left is None else min(_CHUNK, left)):
        if left is not None:
            left -= len(chunk)
        lines = chunk.split(b"\n")
        for number, line in enumerate(lines):
            if len(kept) <= max_bytes:
                kept += line
            length += len(line)
            if number < len(lines) - 1:
                yield _line(kept, length, max_bytes)
                kept, length = bytearray(), 0
        if left == 0:
            break
    if length:
        yield _line(kept, length, max_bytes)


def _line(kept: bytearray, length: int, max_bytes: int) -> tuple[bytes, int]:
    if length > max_bytes:
        return bytes(kept[:SHOWN]), length
    return bytes(kept).removesuffix(b"\r"), length
