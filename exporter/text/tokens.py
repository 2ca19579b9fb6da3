"""What every in-graph tokenizer is and gives, before truncation and packing."""

from typing import NamedTuple, Protocol

import tensorflow as tf

from bert.encoder.packed_tokens import index_in_row, row_of_each_value


class TokenIds(NamedTuple):
    """T pieces of B rows, without [CLS] and [SEP]."""

    ids: tf.Tensor
    """int32 [T]"""

    row_splits: tf.Tensor
    """int32 [B + 1]"""


class Tokens(NamedTuple):
    """The same, and where in its row's text each piece stands."""

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


class Tokenizer(Protocol):
    """Texts to pieces, in graph."""

    def __call__(self, text: tf.Tensor) -> Tokens:
        """Tokenizes string [B], any bytes."""

    def ids(self, text: tf.Tensor) -> TokenIds:
        """The same without offsets, in a graph that has nothing for them.

        The optimizer takes out what nobody reads, but only after it has worked on it.
        """


def merge_rows(first: TokenIds, second: TokenIds, rows: tf.Tensor) -> TokenIds:
    """The rows of two batches as one, in another order.

    Args:
      first: of B1 rows.
      second: of B2 rows.
      rows: int32 [B1 + B2], the row that each becomes; every row once.

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
