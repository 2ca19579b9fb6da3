"""Large batches in groups of rows of similar length, so that memory does not follow the batch.

Attention pads the rows it sees to the longest of them. Sorted by length and cut into groups,
rows meet others of about their own length, and no more than one group is at work at a time.
"""

from collections.abc import Callable, Sequence

import tensorflow as tf

from bert.encoder.packed_tokens import PackedTokens

# A group's feed-forward layer holds so many rows of floats, 25 MB of them at BERT-base's width.
# With 4096 a request of 20,480 empty texts takes 201 MB, not 124, and as long.
TOKENS_PER_GROUP = 2048
# A group's attention holds so many scores a head: rows * longest * longest.
ATTENTION_CELLS_PER_GROUP = 2**18


def encode_in_groups(
    encode: Callable[[PackedTokens], tf.Tensor],
    tokens: PackedTokens,
    answer_shape: Sequence[int],
    tokens_per_group: int | tf.Tensor = TOKENS_PER_GROUP,
    attention_cells_per_group: int | tf.Tensor = ATTENTION_CELLS_PER_GROUP,
    *,
    rows_per_group: int | None = None,
    for_tokens: bool = False,
) -> tf.Tensor:
    """Runs `encode` on one group of rows after the other; for graphs, not for eager calls.

    Only answers are kept from one group to the next, so `encode` should end with the smallest.

    Args:
      encode: n tokens of R rows -> float32 [R, *answer_shape], or [n, *answer_shape] with
        `for_tokens`; a row's answer does not depend on the others.
      tokens: N tokens of B rows.
      answer_shape: of the answer for one row, or for one token; [] for a number.
      tokens_per_group: a group has no more, unless it is a single row.
      attention_cells_per_group: likewise for rows * longest row ** 2.
      rows_per_group: likewise; None for any number.
      for_tokens: whether there is an answer for each token, and not for each row.

    Returns:
      float32 [B, *answer_shape], or [N, *answer_shape], in the order of `tokens`.
    """
    order = tf.argsort(tokens.lengths(), stable=True)  # [B]
    token_places = tokens.places_in_order(order) if for_tokens else None  # [N]
    tokens = tokens.reordered(order)
    lengths = tokens.lengths()

    def encode_group(first: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        # Every row has a token. All that are left would take 40 MB of 10^6 rows, in each group.
        candidates = lengths[first : first + tf.cast(tokens_per_group, tf.int32)][:rows_per_group]
        fits = group_fits(candidates, tokens_per_group, attention_cells_per_group)
        end = first + tf.maximum(1, tf.reduce_sum(tf.cast(fits, tf.int32)))
        if token_places is None:
            places = order[first:end]
        else:
            places = token_places[tokens.row_splits[first] : tokens.row_splits[end]]
        return end, places[:, tf.newaxis], encode(tokens.rows(first, end))

    num_rows = tf.size(lengths)
    num_answers = tf.size(tokens.ids) if for_tokens else num_rows
    return answer_in_groups(encode_group, num_rows, num_answers, answer_shape)


def answer_in_groups(
    answer_group: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor]],
    num_rows: tf.Tensor,
    num_answers: tf.Tensor,
    answer_shape: Sequence[int],
) -> tf.Tensor:
    """Runs `answer_group` on one group of rows after the other.

    Args:
      answer_group: the first row of a group -> the row after its last one; int32 [M, 1], where
        its answers belong; float32 [M, *answer_shape], its answers.
      num_rows: of all groups.
      num_answers: of all groups; as many as rows, or as their tokens.
      answer_shape: of one answer.

    Returns:
      float32 [num_answers, *answer_shape].
    """

    def step(first: tf.Tensor, answers: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        end, places, group_answers = answer_group(first)
        return end, tf.tensor_scatter_nd_update(answers, places, group_answers)

    # Not a TensorArray: servers before 2.13 cannot let one grow (`TensorListSetItem`).
    _, answers = tf.while_loop(
        lambda first, _: first < num_rows,
        step,
        [tf.constant(0), tf.zeros([num_answers, *answer_shape])],
        # More at a time would hold the memory of as many groups.
        parallel_iterations=1,
    )
    return answers


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
