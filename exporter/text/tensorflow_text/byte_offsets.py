"""Bytes of normalised text back to characters of the text that it came from, in graph.

The stock tokenizers report a token's place in bytes of a normalised string. They treat each
character by itself, except for the order of marks. So normalising a character alone gives
the number of bytes that it became, and the sum of these numbers gives its place.

One case escapes this: where an ignorable character separates bytes that are not UTF-8,
folding case joins these bytes, and offsets behind them in that text are too small.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from bert.encoder.packed_tokens import row_of_each_value


class Characters(NamedTuple):
    """N characters of B texts; bytes that are not UTF-8 stand among them as U+FFFD.

    Example: the text "aé!" with a byte 0xff before "!", and the text "b":

        code_points  = ["a", "é", U+FFFD, "!", "b"]
        byte_lengths = [ 1,   2,   1,      1,   1 ]
        row_splits   = [0, 4, 5]
        numbers      = [0, 1, 2, 2, 3, 4]
    """

    code_points: tf.Tensor
    """int32 [N]"""

    byte_lengths: tf.Tensor
    """int64 [N], in the text"""

    row_splits: tf.Tensor
    """int32 [B + 1]"""

    numbers: tf.Tensor
    """int32 [N + 1], the number of characters before each one, replaced bytes left out"""


def decode(text: tf.Tensor) -> Characters:
    """The characters of string [B], any bytes."""
    row_bytes = tf.cast(tf.strings.length(text), tf.int64)
    row_starts = tf.cumsum(row_bytes, exclusive=True)

    def byte_starts(errors: str) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        # With splits of int32 this op ends the process.
        decoded = tf.raw_ops.UnicodeDecodeWithOffsets(
            input=text, input_encoding="UTF-8", errors=errors, Tsplits=tf.int64
        )
        row_splits = tf.cast(decoded.row_splits, tf.int32)
        starts = decoded.char_to_byte_starts
        starts += tf.gather(row_starts, row_of_each_value(row_splits))
        return decoded.char_values, starts, row_splits

    code_points, starts, row_splits = byte_starts("replace")
    _, valid_starts, _ = byte_starts("ignore")
    ends = tf.concat([starts, [tf.reduce_sum(row_bytes)]], axis=0)  # [N + 1]
    return Characters(
        code_points, ends[1:] - ends[:-1], row_splits, tf.searchsorted(valid_starts, ends)
    )


def characters_of_bytes(
    characters: Characters,
    normalized_lengths: tf.Tensor,
    token_splits: tf.Tensor,
    first_bytes: tf.Tensor,
    last_bytes: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """First character of each token in its text, and the character after it.

    Example: the texts "Éa" and "ab" are normalised to "ea" and "ab", so every character became
    1 byte. The first text's tokens at the bytes 0 and 1, and the second text's token at the
    bytes 0 to 1, `token_splits = [0, 2, 3]`, `first_bytes = [0, 1, 0]`, `last_bytes = [0, 1, 1]`,
    have the characters `[0, 1, 0]` to `[1, 2, 2]`.

    Args:
      characters: of the texts.
      normalized_lengths: int64 [N], bytes that each character became.
      token_splits: int32 [B + 1], the tokens of each text.
      first_bytes: int64 [T], of the tokens in their normalised texts.
      last_bytes: int64 [T], likewise, the token's last byte.

    Returns:
      int32 [T] for each; bytes that are not UTF-8 do not count.
    """
    byte_ends = tf.cumsum(normalized_lengths)  # [N]
    byte_starts = tf.concat([tf.zeros([1], tf.int64), byte_ends], axis=0)  # [N + 1]
    rows = row_of_each_value(token_splits)  # [T]
    offsets = tf.gather(tf.gather(byte_starts, characters.row_splits), rows)
    firsts = tf.searchsorted(byte_ends, first_bytes + offsets, side="right")
    lasts = tf.searchsorted(byte_ends, last_bytes + offsets, side="right")
    numbers = characters.numbers
    row_numbers = tf.gather(numbers, characters.row_splits)  # [B + 1]
    text_starts, text_ends = tf.gather(row_numbers, rows), tf.gather(row_numbers, rows + 1)
    starts = tf.gather(numbers, firsts)
    ends = tf.gather(numbers, tf.minimum(lasts + 1, tf.size(byte_ends)))
    return (
        tf.minimum(starts, text_ends) - text_starts,
        tf.minimum(ends, text_ends) - text_starts,
    )


def lengths_alone(code_points: tf.Tensor, normalize: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """Bytes of each code point normalised by itself: int32 [N] -> int64 [N].

    Example: with accents stripped, "a", "É", "漢" and "ﬁ" have `[1, 1, 3, 2]`.
    """
    distinct, places = tf.unique(code_points)
    strings = tf.raw_ops.UnicodeEncode(
        input_values=distinct,
        input_splits=tf.range(tf.size(distinct) + 1),
        output_encoding="UTF-8",
    )
    lengths = tf.strings.length(normalize(strings))
    # The op encodes these noncharacters as U+FFFD, which is a byte shorter; normalising does
    # not change them.
    is_long_noncharacter = (distinct > 0xFFFF) & tf.equal(
        tf.bitwise.bitwise_and(distinct, 0xFFFE), 0xFFFE
    )
    lengths += tf.cast(is_long_noncharacter, tf.int32)
    return tf.cast(tf.gather(lengths, places), tf.int64)
