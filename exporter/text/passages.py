"""Passages of texts, in graph: their characters, and which of them say the same."""

import functools

import numpy as np
import tensorflow as tf

from bert.encoder.packed_tokens import index_in_row, row_of_each_value
from exporter.text.engine.code_point_table import (
    CODE_POINTS,
    FINAL_SIGMA,
    SMALL_SIGMA,
    into_pages,
)
from exporter.text.engine.code_points import decode, look_up
from exporter.text.engine.stand_ins import NONCHARACTERS

# An odd number, which has an inverse in arithmetic of 64 bits.
_BASE = 0x5851F42D4C957F2D


def passages(texts: tf.Tensor, rows: tf.Tensor, starts: tf.Tensor, ends: tf.Tensor) -> tf.Tensor:
    """The characters of M passages: string [M]; bytes that are not UTF-8 are dropped.

    Memory is linear in the passages: gathering a text for each of them would copy it as often.

    Args:
      texts: string [B].
      rows: int32 [M], the text of each passage.
      starts: int32 [M], first character.
      ends: int32 [M], character after the last one.
    """
    characters, splits = decode(texts)
    passage_splits = tf.concat([[0], tf.cumsum(ends - starts)], axis=0)
    passage_of = row_of_each_value(passage_splits)
    firsts = tf.gather(splits, rows) + starts
    places = tf.gather(firsts, passage_of) + index_in_row(passage_splits, passage_of)
    values = tf.gather(characters, places)
    strings = tf.raw_ops.UnicodeEncode(
        input_values=values,
        input_splits=tf.range(tf.size(values) + 1),
        output_encoding="UTF-8",
    )
    # The op makes U+FFFD of these.
    noncharacters = np.array(NONCHARACTERS, np.int32)
    found = tf.minimum(tf.searchsorted(noncharacters, values), len(noncharacters) - 1)
    strings = tf.where(
        tf.equal(tf.gather(noncharacters, found), values),
        tf.gather([chr(value) for value in NONCHARACTERS], found),
        strings,
    )
    return tf.strings.unsorted_segment_join(strings, passage_of, tf.size(rows))


def same_passages(
    texts: tf.Tensor, rows: tf.Tensor, starts: tf.Tensor, ends: tf.Tensor, *, ignore_case: bool
) -> tf.Tensor:
    """A number for what each of M passages says, equal within a row where that is the same.

    Numbers count from 0 in the order in which they first occur. Passages are compared by a hash of
    64 bits and their length, so that memory is linear in the texts however long passages are.

    Args:
      texts: string [B].
      rows: int32 [M].
      starts: int32 [M].
      ends: int32 [M].
      ignore_case: whether `str.lower` makes equal what differs; the three forms of sigma are
        equal too, wherever in a word they stand.

    Returns:
      int32 [M].
    """
    characters, splits = decode(texts)
    if ignore_case:
        characters += look_up(*_lower_case(), characters)
    powers, inverses = (
        tf.math.cumprod(tf.fill([tf.size(characters) + 1], base), exclusive=True)
        for base in (_signed(_BASE), _signed(pow(_BASE, -1, 2**64)))
    )
    values = (tf.cast(characters, tf.int64) + 1) * powers[:-1]
    sums = tf.concat([[tf.constant(0, tf.int64)], tf.cumsum(values)], axis=0)
    first = tf.gather(splits, rows) + starts
    last = tf.gather(splits, rows) + ends
    hashes = (tf.gather(sums, last) - tf.gather(sums, first)) * tf.gather(inverses, first)
    parts = [tf.strings.as_string(part) for part in (rows, ends - starts, hashes)]
    return tf.unique(tf.strings.join(parts, ":")).idx


def _signed(value: int) -> tf.Tensor:
    """The same 64 bits as int64."""
    return tf.constant(np.array(value, np.uint64).view(np.int64))


@functools.cache
def _lower_case() -> tuple[np.ndarray, np.ndarray]:
    """The table that leads from each code point to its small letter, by the difference."""
    entries = np.zeros(CODE_POINTS, np.int32)
    for code_point in range(CODE_POINTS):
        lower = chr(code_point).lower()
        # One letter, U+0130, becomes two: it stays as it is, equal to itself alone.
        if len(lower) == 1:
            entries[code_point] = ord(lower) - code_point
    entries[FINAL_SIGMA] = SMALL_SIGMA - FINAL_SIGMA
    return into_pages(entries)
