"""PackedTokens: the tokens of a batch, one row after the other, without padding."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf


class PackedTokens(NamedTuple):
    """N tokens of B rows; the tokens of row b lie at `row_splits[b]:row_splits[b + 1]`.

    Every row holds at least one token, and the pooler reads the first one.

    Example: the rows `[CLS] good [SEP]`, `[CLS] [SEP]` and `[CLS] not bad [SEP]`, with 1 and 2
    as the ids of [CLS] and [SEP]:

        ids         = [1, 7, 2,  1, 2,  1, 8, 9, 2]
        segment_ids = [0, 0, 0,  0, 0,  0, 0, 0, 0]
        positions   = [0, 1, 2,  0, 1,  0, 1, 2, 3]
        row_splits  = [0, 3, 5, 9]
    """

    ids: tf.Tensor
    """int32 [N], rows of the word embedding table"""

    segment_ids: tf.Tensor
    """int32 [N], rows of the token type table"""

    positions: tf.Tensor
    """int32 [N], columns of the request's row; those of texts are 0, 1, 2, ..."""

    row_splits: tf.Tensor
    """int32 [B + 1], from 0 to N"""

    attention_bias: tf.Tensor | None = None
    """float32 [N], added to every attention score towards the token; None adds nothing"""

    @classmethod
    def spec(cls) -> "PackedTokens":
        """The signature of a function that takes the tokens of any batch, with a bias."""
        flat = tf.TensorSpec([None], tf.int32)
        return cls(flat, flat, flat, flat, tf.TensorSpec([None], tf.float32))

    def lengths(self) -> tf.Tensor:
        """The number of tokens of each row, int32 [B]; `[3, 2, 4]` in the example."""
        return self.row_splits[1:] - self.row_splits[:-1]

    def rows(self, first: tf.Tensor, end: tf.Tensor) -> "PackedTokens":
        """The rows from `first` up to `end`, without it.

        `rows(1, 3)` of the example has ids `[1, 2, 1, 8, 9, 2]` and row splits `[0, 2, 6]`.
        """
        row_splits = self.row_splits[first : end + 1]
        start, stop = row_splits[0], row_splits[-1]
        return self._map_values(row_splits - start, lambda values: values[start:stop])

    def reordered(self, order: tf.Tensor) -> "PackedTokens":
        """The rows that `order`, int32 [R], names, in its order.

        `reordered([1, 0, 2])` of the example, its rows by length, has ids
        `[1, 2, 1, 7, 2, 1, 8, 9, 2]` and row splits `[0, 2, 5, 9]`.
        """
        places = self.places_in_order(order)
        row_splits = self._row_splits_in_order(order)
        return self._map_values(row_splits, lambda values: tf.gather(values, places))

    def places_in_order(self, order: tf.Tensor) -> tf.Tensor:
        """Where each token of `reordered(order)` stands here: int32 [M], its M tokens.

        `places_in_order([1, 0, 2])` of the example is `[3, 4, 0, 1, 2, 5, 6, 7, 8]`.
        """
        row_splits = self._row_splits_in_order(order)
        rows = row_of_each_value(row_splits)  # [M]
        starts = tf.gather(tf.gather(self.row_splits, order), rows)
        return starts + index_in_row(row_splits, rows)

    def _row_splits_in_order(self, order: tf.Tensor) -> tf.Tensor:
        return tf.concat([[0], tf.cumsum(tf.gather(self.lengths(), order))], axis=0)

    def _map_values(
        self, row_splits: tf.Tensor, function: Callable[[tf.Tensor], tf.Tensor]
    ) -> "PackedTokens":
        bias = self.attention_bias
        return PackedTokens(
            ids=function(self.ids),
            segment_ids=function(self.segment_ids),
            positions=function(self.positions),
            row_splits=row_splits,
            attention_bias=None if bias is None else function(bias),
        )


def row_of_each_value(row_splits: tf.Tensor) -> tf.Tensor:
    """The row number of each of the N values that `row_splits` divides into rows.

    Memory is linear in N, unlike that of `tf.repeat`, which pads every row to the longest.

    Example: `row_splits = [0, 2, 2, 5]`, of rows of 2, 0 and 3 values, gives `[0, 0, 2, 2, 2]`.

    Args:
      row_splits: int32 [B + 1], from 0 to N; rows may be empty.

    Returns:
      int32 [N].
    """
    count = row_splits[-1]
    return tf.searchsorted(row_splits[1:], tf.range(count), side="right")


def index_in_row(row_splits: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
    """The place of each value within its row, from 0.

    Example: `row_splits = [0, 2, 2, 5]` and its `rows = [0, 0, 2, 2, 2]` give
    `[0, 1, 0, 1, 2]`.

    Args:
      row_splits: int32 [B + 1].
      rows: int32 [N], the result of `row_of_each_value(row_splits)`.

    Returns:
      int32 [N].
    """
    return tf.range(row_splits[-1]) - tf.gather(row_splits, rows)
