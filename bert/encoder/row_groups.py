"""Large batches in groups of rows of similar length, so that memory does not follow the batch.

Attention pads the rows it sees to the longest of them. Sorted by length and cut into groups,
rows meet others of about their own length, and no more than one group is at work at a time.
"""

from collections.abc import Callable

import tensorflow as tf

from bert.encoder.packed_tokens import PackedTokens, index_in_row, row_of_each_value

# A group's feed-forward layer holds so many rows of floats, 50 MB of them at BERT-base's width.
TOKENS_PER_GROUP = 4096
# A group's attention holds so many scores a head: rows * longest * longest.
ATTENTION_CELLS_PER_GROUP = 2**18


def encode_in_groups(
    encode: Callable[[PackedTokens], tf.Tensor],
    tokens: PackedTokens,
    output_size: int,
    tokens_per_group: int | tf.Tensor = TOKENS_PER_GROUP,
    attention_cells_per_group: int | tf.Tensor = ATTENTION_CELLS_PER_GROUP,
) -> tf.Tensor:
    """Runs `encode` on one group of rows after the other; for graphs, not for eager calls.

    Args:
      encode: tokens of R rows -> float32 [R, output_size]; a row's answer does not depend on
        the others.
      tokens: of B rows.
      output_size: of a row's answer.
      tokens_per_group: a group has no more, unless it is a single row.
      attention_cells_per_group: likewise for rows * longest row ** 2.

    Returns:
      float32 [B, output_size], in the order of `tokens`.
    """
    order = tf.argsort(_lengths(tokens), stable=True)  # [B]
    tokens = _reordered(tokens, order)
    lengths = _lengths(tokens)
    num_rows = tf.size(lengths)

    def encode_group(first: tf.Tensor, outputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        fits = group_fits(lengths[first:], tokens_per_group, attention_cells_per_group)
        end = first + tf.maximum(1, tf.reduce_sum(tf.cast(fits, tf.int32)))
        places = order[first:end, tf.newaxis]
        output = encode(_rows(tokens, first, end))
        return end, tf.tensor_scatter_nd_update(outputs, places, output)

    # Not a TensorArray: servers before 2.13 cannot let one grow (`TensorListSetItem`).
    _, outputs = tf.while_loop(
        lambda first, _: first < num_rows,
        encode_group,
        [tf.constant(0), tf.zeros([num_rows, output_size])],
        # More at a time would hold the memory of as many groups.
        parallel_iterations=1,
    )
    return outputs


def group_fits(
    lengths: tf.Tensor,
    tokens_per_group: int | tf.Tensor,
    attention_cells_per_group: int | tf.Tensor,
) -> tf.Tensor:
    """Whether the first 1, 2, ... R rows fit in one group.

    Args:
      lengths: int32 [R], tokens of each row, not falling.
      tokens_per_group: the one budget.
      attention_cells_per_group: the other.

    Returns:
      bool [R], True up to some row and False from there on.
    """
    # 64 bits: the squares of all rows of a large batch are beyond 32.
    longest = tf.cast(lengths, tf.int64)
    rows = tf.range(1, tf.size(lengths, tf.int64) + 1)
    fits_tokens = tf.cumsum(longest) <= tokens_per_group
    return fits_tokens & (rows * longest * longest <= attention_cells_per_group)


def _lengths(tokens: PackedTokens) -> tf.Tensor:
    """Tokens of each row: int32 [B]."""
    return tokens.row_splits[1:] - tokens.row_splits[:-1]


def _reordered(tokens: PackedTokens, order: tf.Tensor) -> PackedTokens:
    """The same rows in another order, int32 [B]."""
    lengths = tf.gather(_lengths(tokens), order)
    row_splits = tf.concat([[0], tf.cumsum(lengths)], axis=0)
    rows = row_of_each_value(row_splits)  # [N]
    indices = tf.gather(tf.gather(tokens.row_splits, order), rows)
    indices += index_in_row(row_splits, rows)  # [N]
    return _map_values(tokens, row_splits, lambda values: tf.gather(values, indices))


def _rows(tokens: PackedTokens, first: tf.Tensor, end: tf.Tensor) -> PackedTokens:
    """The rows from `first` up to `end`."""
    row_splits = tokens.row_splits[first : end + 1]
    start, stop = row_splits[0], row_splits[-1]
    return _map_values(tokens, row_splits - start, lambda values: values[start:stop])


def _map_values(
    tokens: PackedTokens, row_splits: tf.Tensor, function: Callable[[tf.Tensor], tf.Tensor]
) -> PackedTokens:
    bias = tokens.attention_bias
    return PackedTokens(
        ids=function(tokens.ids),
        segment_ids=function(tokens.segment_ids),
        positions=function(tokens.positions),
        row_splits=row_splits,
        attention_bias=None if bias is None else function(bias),
    )
