"""The texts of the parity table, in batches, so that no corpus lies in memory whole."""

import functools
import itertools
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.exporter.text.texts import characters, corrupted_bytes, data_lines, fuzzed_strings

_BATCH = 4096
_MESSAGE_CATALOGUES = Path("/usr/share/locale")

# How many inputs of each corpus, in the sample and in the full sweep.
_SAMPLE = {"characters": 400, "fuzzed strings": 4_000, "corrupted bytes": 2_000}
_FULL = {"fuzzed strings": 200_000, "corrupted bytes": 100_000}


def corpora(full: bool) -> Iterator[tuple[str, Iterator[list[bytes]]]]:
    """Name and batches of every corpus."""
    for name, probe in (("c", "{}"), ("a c b", "a {} b"), ("acb", "a{}b")):
        code_points = _every_character() if full else iter(characters(_SAMPLE["characters"]))
        texts = (probe.format(character).encode() for character in code_points)
        yield f"code points as `{name}`", _batches(texts)
    for number, (name, make) in enumerate(
        (("fuzzed strings", fuzzed_strings), ("corrupted bytes", corrupted_bytes))
    ):
        count = (_FULL if full else _SAMPLE)[name]
        yield name, _seeded_batches(make, count, seed=1000 * (number + 1))
    yield "real lines", _batches(iter(real_lines(150_000 if full else 4_000)))


def real_lines(limit: int) -> list[bytes]:
    """Lines of the data sets at hand, and `limit` of this machine's translated messages."""
    return list(dict.fromkeys([*data_lines(), *multilingual_lines(limit)]))


@functools.cache
def multilingual_lines(limit: int) -> tuple[bytes, ...]:
    """Translations that this machine's programs carry, spread over all languages."""
    lines: dict[bytes, None] = {}
    for file in sorted(_MESSAGE_CATALOGUES.glob("*/LC_MESSAGES/*.mo")):
        for message in _messages(file.read_bytes()):
            lines |= dict.fromkeys(message.split(b"\n"))
    step = max(1, len(lines) // limit)
    return tuple(itertools.islice(lines, 0, None, step))


def _messages(catalogue: bytes) -> Iterator[bytes]:
    """The translations of a .mo file, as bytes (GNU gettext manual, section 10.3)."""
    order = "<" if catalogue[:4] == b"\xde\x12\x04\x95" else ">"
    count, _, table = struct.unpack_from(f"{order}3I", catalogue, 8)
    for place in range(table, table + 8 * count, 8):
        length, start = struct.unpack_from(f"{order}2I", catalogue, place)
        yield from catalogue[start : start + length].split(b"\0")


def _every_character() -> Iterator[str]:
    everything = (chr(code_point) for code_point in range(sys.maxunicode + 1))
    return (character for character in everything if not "\ud800" <= character <= "\udfff")


def _seeded_batches(make, count: int, seed: int) -> Iterator[list[bytes]]:  # type: ignore[no-untyped-def]
    for number, start in enumerate(range(0, count, _BATCH)):
        yield make(min(_BATCH, count - start), seed + number)


def _batches(texts: Iterator[bytes]) -> Iterator[list[bytes]]:
    while batch := list(itertools.islice(texts, _BATCH)):
        yield batch
