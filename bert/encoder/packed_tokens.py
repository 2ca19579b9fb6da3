"""PackedTokens: the tokens of a batch, one row after the other, without padding."""

from typing import NamedTuple

import tensorflow as tf


class PackedTokens(NamedTuple):
    """N tokens of B rows; the tokens of row b lie at `row_splits[b]:row_splits[b + 1]`.

    Every row holds at least one token, and its first one is the one the pooler reads.
    """

    ids: tf.Tensor
    """int32 [N], rows of the word embedding table."""

    segment_ids: tf.Tensor
    """int32 [N], rows of the token type table."""

    positions: tf.Tensor
    """int32 [N], rows of the position table."""

    row_splits: tf.Tensor
    """int32 [B + 1], from 0 to N."""

    attention_bias: tf.Tensor | None = None
    """float32 [N], added to every attention score towards the token; None adds nothing."""


def row_of_each_value(row_splits: tf.Tensor) -> tf.Tensor:
    """The row number of each of the N values that `row_splits` cuts up.

    Args:
      row_splits: int32 [B + 1], from 0 to N; rows may be empty.

    Returns:
      int32 [N]. Memory is linear in N, which `tf.repeat`'s is not: it pads every row to
      the longest.
    """
    count = row_splits[-1]
    return tf.searchsorted(row_splits[1:], tf.range(count), side="right")


def index_in_row(row_splits: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
    """The place of each value within its row, from 0.

    Args:
      row_splits: int32 [B + 1].
      rows: int32 [N], what `row_of_each_value` gives for it.

    Returns:
      int32 [N].
    """
    return tf.range(row_splits[-1]) - tf.gather(row_splits, rows)
