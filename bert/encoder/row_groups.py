"""Large batches in groups of rows of similar length, so that memory does not follow the batch.

Attention pads the rows it sees to the longest of them. Sorted by length and cut into groups,
rows meet others of about their own length, and no more than one group is at work at a time.
"""

from collections.abc import Callable

import tensorflow as tf

from bert.encoder.packed_tokens import PackedTokens

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
    order = tf.argsort(tokens.lengths(), stable=True)  # [B]
    tokens = tokens.reordered(order)
    lengths = tokens.lengths()

    def encode_group(first: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        fits = group_fits(lengths[first:], tokens_per_group, attention_cells_per_group)
        end = first + tf.maximum(1, tf.reduce_sum(tf.cast(fits, tf.int32)))
        places = order[first:end, tf.newaxis]
        return end, places, encode(tokens.rows(first, end))

    return answer_in_groups(encode_group, tf.size(lengths), output_size)


def answer_in_groups(
    answer_group: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor]],
    num_rows: tf.Tensor,
    output_size: int,
) -> tf.Tensor:
    """Runs `answer_group` on one group of rows after the other.

    Args:
      answer_group: the first row of a group -> the row after its last one; int32 [R, 1], where
        its answers belong; float32 [R, output_size], its answers.
      num_rows: of all groups.
      output_size: of a row's answer.

    Returns:
      float32 [num_rows, output_size].
    """

    def step(first: tf.Tensor, outputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        end, places, output = answer_group(first)
        return end, tf.tensor_scatter_nd_update(outputs, places, output)

    # Not a TensorArray: servers before 2.13 cannot let one grow (`TensorListSetItem`).
    _, outputs = tf.while_loop(
        lambda first, _: first < num_rows,
        step,
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

    Example: `lengths = [2, 2, 3, 6]` with budgets of 8 tokens and 40 cells gives
    `[True, True, True, False]`: 3 rows of up to 3 tokens have 7 tokens and 27 cells, 4 rows of
    up to 6 have 13 and 144.

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
