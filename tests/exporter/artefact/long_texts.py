"""Texts of chosen lengths, and the rows that a model of 32 tokens sees of them."""

from collections.abc import Callable

import numpy as np

from tests.tiny_model import WORDS

LENGTH = 32
ROOM = LENGTH - 2

Tokenize = Callable[[bytes], list[int]]


def text_of(count: int) -> bytes:
    """So many pieces; some words have two."""
    words, seed = [], np.random.default_rng(count)
    while count:
        word = "funny" if count > 1 and seed.random() < 0.2 else str(seed.choice(WORDS[:8]))
        words.append(word)
        count -= 2 if word == "funny" else 1
    return " ".join(words).encode()


# Nothing, what fits, one piece more, the first that makes three windows, and ten times as much.
COUNTS = (0, 1, ROOM - 1, ROOM, ROOM + 1, 2 * ROOM, 10 * ROOM)
TEXTS = [text_of(count) for count in COUNTS] + ["Été 漢! [SEP] ".encode() * 9, b" \t", b"\xff"]


def windows_of(pieces: list[int], shared: int) -> list[list[int]]:
    parts, start = [pieces[:ROOM]], 0
    while start + ROOM < len(pieces):
        start += ROOM - shared
        parts.append(pieces[start : start + ROOM])
    return parts


def features_of(rows: list[list[int]], cls: int, sep: int) -> tuple[np.ndarray, ...]:
    """Ids, mask and segment ids of rows of pieces, padded."""
    ids = np.zeros((len(rows), LENGTH), np.int32)
    mask = np.zeros_like(ids)
    for number, row in enumerate(rows):
        ids[number, : len(row) + 2] = [cls, *row, sep]
        mask[number, : len(row) + 2] = 1
    return ids, mask, np.zeros_like(ids)
