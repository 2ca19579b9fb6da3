"""Tokens of texts in graph, before truncation and packing, and the tokenizers that give them."""

from typing import NamedTuple, Protocol, TypeVar

import tensorflow as tf

from bert.encoder.packed_tokens import index_in_row, row_of_each_value


class TokenIds(NamedTuple):
    """T pieces of B rows, without [CLS] and [SEP]."""

    ids: tf.Tensor
    """int32 [T]"""

    row_splits: tf.Tensor
    """int32 [B + 1]"""

    def lengths(self) -> tf.Tensor:
        """The number of pieces of each row, int32 [B]."""
        return self.row_splits[1:] - self.row_splits[:-1]


class Tokens(NamedTuple):
    """The same, and the place of each piece in its row's text.

    Example: "unaffable film" and "" with the pieces "un", "##aff", "##able" and "film":

        ids        = [7, 8, 9, 4]
        row_splits = [0, 4, 4]
        starts     = [0, 2, 5, 10]
        ends       = [2, 5, 9, 14]
    """

    ids: tf.Tensor
    """int32 [T]"""

    row_splits: tf.Tensor
    """int32 [B + 1]"""

    starts: tf.Tensor
    """int32 [T], first character of the piece"""

    ends: tf.Tensor
    """int32 [T], character after the piece"""

    def without_offsets(self) -> TokenIds:
        """The pieces alone."""
        return TokenIds(self.ids, self.row_splits)

    def offsets(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Starts and ends."""
        return self.starts, self.ends


_Tokens = TypeVar("_Tokens", TokenIds, Tokens)


def head_and_tail(tokens: _Tokens, head: int, tail: int) -> _Tokens:
    """The first and the last pieces of rows that have more than `head` + `tail`, at least 1.

    Example: `row_splits = [0, 6, 8]`, `head = 1` and `tail = 2` leave the pieces 0, 4, 5 of the
    first row and both of the second.
    """
    lengths = tokens.row_splits[1:] - tokens.row_splits[:-1]
    kept = tf.minimum(lengths, head + tail)
    row_splits = tf.concat([[0], tf.cumsum(kept)], axis=0)
    rows = row_of_each_value(row_splits)  # [T]
    place = index_in_row(row_splits, rows)
    place += tf.where(place < head, 0, tf.gather(lengths - kept, rows))
    places = tf.gather(tokens.row_splits, rows) + place
    values = {
        name: tf.gather(getattr(tokens, name), places)
        for name in tokens._fields
        if name != "row_splits"
    }
    return tokens._replace(row_splits=row_splits, **values)


class Tokenizer(Protocol):
    """Texts to pieces, in graph."""

    def tokenize(self, text: tf.Tensor) -> TokenIds:
        """Tokenizes string [B], any bytes, in a graph without the ops for offsets.

        The optimizer removes ops whose results nobody reads, but only after it has worked on them.
        """

    def tokenize_with_offsets(self, text: tf.Tensor) -> Tokens:
        """The same, with the place of each piece in its text."""


def merge_rows(first: TokenIds, second: TokenIds, rows: tf.Tensor) -> TokenIds:
    """The rows of two batches as one, in another order.

    Example: `first` of the rows `[1]`, `[]`, `[2, 3]`, `second` of the row `[10, 11]` and
    `rows = [3, 0, 2, 1]` give the rows `[]`, `[10, 11]`, `[2, 3]`, `[1]`: the first row of all
    becomes the last one.

    Args:
      first: of B1 rows.
      second: of B2 rows.
      rows: int32 [B1 + B2], the new number of each row; every number once.

    Returns:
      Ids of B1 + B2 rows.
    """
    places = tf.math.invert_permutation(rows)
    offset = tf.size(first.ids)
    starts = tf.concat([first.row_splits[:-1], second.row_splits[:-1] + offset], axis=0)
    ends = tf.concat([first.row_splits[1:], second.row_splits[1:] + offset], axis=0)
    lengths = tf.gather(ends - starts, places)
    row_splits = tf.concat([[0], tf.cumsum(lengths)], axis=0)
    row_of = row_of_each_value(row_splits)  # [T]
    indices = tf.gather(tf.gather(starts, places), row_of) + index_in_row(row_splits, row_of)
    return TokenIds(tf.gather(tf.concat([first.ids, second.ids], axis=0), indices), row_splits)
