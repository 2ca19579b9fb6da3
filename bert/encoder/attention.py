"""Self-attention over packed tokens: the one place where rows are padded."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from bert.encoder.kernels import first_two_exchanged
from bert.encoder.packed_tokens import PackedTokens, index_in_row, row_of_each_value

# Padding gets a score far below the -10000 that a masked column of a request gets, so that a
# row without any mask still attends to its own columns only, as in the original.
_PADDING_BIAS = -1e9


class PaddedLayout(NamedTuple):
    """Where the packed tokens stand once their rows are padded to the longest, S."""

    num_rows: tf.Tensor
    """int32 [], B."""

    longest: tf.Tensor
    """int32 [], S."""

    first_tokens: tf.Tensor
    """int32 [B], the packed index of each row's first token."""

    head_places: tf.Tensor
    """int32 [N, heads], the place of each head of each packed token in the flattened
    [heads * B * S]."""

    first_head_places: tf.Tensor
    """int32 [B, heads], the same of the first tokens alone in [heads * B]."""

    padded_to_packed: tf.Tensor | None
    """int32 [B, S], the packed token at each place; a token of the batch where padding is.

    None where the rows are even, so that padded and packed are the same.
    """

    part_places: tf.Tensor | None
    """int32 [3 * heads, B, S], the same of query, key and value of all heads, flattened
    [N * 3 * heads]; None where the rows are even."""

    key_bias: tf.Tensor | None
    """float32 [B, 1, S], added to attention scores; None where the rows are even."""

    def pad(self, tensor: tf.Tensor) -> tf.Tensor:
        """Packed to padded: [P, N, D] -> [P, B, S, D]."""
        if self.padded_to_packed is not None:
            return tf.gather(tensor, self.padded_to_packed, axis=1)
        parts, _, size = tensor.shape
        return tf.reshape(tensor, [parts, self.num_rows, self.longest, size])

    def split_and_pad(self, tensor: tf.Tensor) -> tf.Tensor:
        """Query, key and value of all heads, side by side: [N, P, D] -> [P, B, S, D].

        One copy, not a transposition and three: 3 % of 16 rows of 9 to 60 tokens in int8.
        """
        _, parts, size = tensor.shape
        if self.part_places is not None:
            return tf.gather(tf.reshape(tensor, [-1, size]), self.part_places)
        shape = [parts, self.num_rows, self.longest, size]
        return tf.reshape(first_two_exchanged(tensor), shape)


def padded_layout(tokens: PackedTokens, heads: int, rows_are_even: bool) -> PaddedLayout:
    """Computes where each token goes; once for all layers.

    For a row of 2 tokens and one of 3, `padded_to_packed` is [[0, 1, 0], [2, 3, 4]]: padding reads
    the row's first token.

    Args:
      tokens: N tokens of B rows.
      heads: of attention.
      rows_are_even: whether all rows are equally long and no token has an attention bias.
    """
    starts = tokens.row_splits[:-1]  # [B]
    lengths = tokens.lengths()  # [B]
    longest = tf.reduce_max(tf.concat([lengths, [0]], axis=0))  # S, 0 for a batch of no rows
    # Hide both sizes from tracing. With static sizes it would check rows * longest against tokens
    # and reject the graph for even rows.
    num_rows, longest = tf.unstack(tf.stack([tf.size(starts), longest]))
    firsts = _in_every_head(tf.range(num_rows), num_rows, heads)
    if rows_are_even:
        num_tokens = tf.size(tokens.ids)
        places = _in_every_head(tf.range(num_tokens), num_tokens, heads)
        return PaddedLayout(num_rows, longest, starts, places, firsts, None, None, None)
    columns = tf.range(longest)  # [S]
    is_token = columns[tf.newaxis, :] < lengths[:, tf.newaxis]  # [B, S]
    # Padding reads the row's first token, which exists; its score is masked below.
    padded_to_packed = starts[:, tf.newaxis] + tf.where(is_token, columns[tf.newaxis, :], 0)
    key_bias = tf.where(is_token, 0.0, _PADDING_BIAS)  # [B, S]
    if tokens.attention_bias is not None:
        key_bias += tf.gather(tokens.attention_bias, padded_to_packed)
    rows = row_of_each_value(tokens.row_splits)  # [N]
    packed_to_padded = rows * longest + index_in_row(tokens.row_splits, rows)  # [N]
    places = _in_every_head(packed_to_padded, num_rows * longest, heads)
    parts = tf.range(3 * heads)[:, tf.newaxis, tf.newaxis]
    return PaddedLayout(
        num_rows,
        longest,
        starts,
        places,
        firsts,
        padded_to_packed,
        padded_to_packed * (3 * heads) + parts,
        key_bias[:, tf.newaxis, :],
    )


def _in_every_head(places: tf.Tensor, count: tf.Tensor, heads: int) -> tf.Tensor:
    """Places in [count] to those in the flattened [heads * count]: int32 [M] -> [M, heads]."""
    return places[:, tf.newaxis] + tf.range(heads) * count


def attention(
    query: tf.Tensor,
    key: tf.Tensor,
    value: tf.Tensor,
    biases: Sequence[tf.Tensor],
    dropout: Callable[[tf.Tensor], tf.Tensor],
) -> tf.Tensor:
    """Dot-product attention (Vaswani et al. 2017, section 3.2; `attention_layer`).

    The softmax is float32 whatever the precision of the rest.

    Args:
      query: float [heads, B, F, D], already divided by the square root of D.
      key: float [heads, B, S, D].
      value: float [heads, B, S, D].
      biases: float32 each, of a shape that fits [heads, B, F, S]; added to the scores.
      dropout: of the attention probabilities.

    Returns:
      float [heads, B, F, D].
    """
    scores = tf.cast(tf.matmul(query, key, transpose_b=True), tf.float32)  # [heads, B, F, S]
    # A server's optimizer logs a warning for a softmax of unknown rank.
    scores = tf.ensure_shape(scores, [query.shape[0], None, None, None])
    for bias in biases:
        scores += bias
    probabilities = dropout(tf.nn.softmax(scores))
    return tf.matmul(tf.cast(probabilities, value.dtype), value)


def side_by_side(context: tf.Tensor, head_places: tf.Tensor) -> tf.Tensor:
    """The heads' parts of each token behind one another, in one copy.

    Args:
      context: float [heads, B, F, D].
      head_places: int32 [M, heads], where the tokens' parts stand in it, flattened to
        [heads * B * F].

    Returns:
      float [M, heads * D].
    """
    heads, _, _, size_per_head = context.shape
    parts = tf.reshape(context, [-1, size_per_head])
    return tf.reshape(tf.gather(parts, head_places), [-1, heads * size_per_head])
