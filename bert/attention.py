"""Self-attention over packed tokens: the one place where rows are padded."""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from bert.packed_tokens import PackedTokens, index_in_row, row_of_each_value

# Padding gets a score far below the -10000 that a masked column of a request gets, so that a
# row without any mask still attends to its own columns only, as in the original.
_PADDING_BIAS = -1e9


class PaddedLayout(NamedTuple):
    """Where the packed tokens stand once their rows are padded to the longest, S."""

    padded_to_packed: tf.Tensor
    """int32 [B, S], the packed token at each place; a token of the batch where padding is."""

    packed_to_padded: tf.Tensor
    """int32 [N], the place of each packed token in the flattened [B * S]."""

    key_bias: tf.Tensor
    """float32 [B, 1, S], added to attention scores."""

    has_bias: tf.Tensor
    """bool [], whether any of it is not zero."""

    first_tokens: tf.Tensor
    """int32 [B], the packed index of each row's first token."""

    is_packed: tf.Tensor
    """bool [], whether all rows are equally long, so that there is no padding."""

    def pad(self, tensors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Packed to padded, in one copy or none: [P, N, D] each -> [P, B, S, D]."""
        shape = tf.shape(self.padded_to_packed)

        def reshaped() -> list[tf.Tensor]:
            return [
                tf.reshape(tensor, [tensor.shape[0], shape[0], shape[1], tensor.shape[2]])
                for tensor in tensors
            ]

        def gathered() -> list[tf.Tensor]:
            return [tf.gather(tensor, self.padded_to_packed, axis=1) for tensor in tensors]

        return tf.cond(self.is_packed, reshaped, gathered)


def padded_layout(tokens: PackedTokens) -> PaddedLayout:
    """Computes where each token goes; once for all layers."""
    starts = tokens.row_splits[:-1]  # [B]
    lengths = tokens.row_splits[1:] - starts  # [B]
    longest = tf.reduce_max(tf.concat([lengths, [0]], axis=0))  # S, 0 for a batch of no rows
    columns = tf.range(longest)  # [S]
    is_token = columns[tf.newaxis, :] < lengths[:, tf.newaxis]  # [B, S]
    # Padding reads the row's first token, which exists; its score is masked below.
    padded_to_packed = starts[:, tf.newaxis] + tf.where(is_token, columns[tf.newaxis, :], 0)
    key_bias = tf.where(is_token, 0.0, _PADDING_BIAS)  # [B, S]
    if tokens.attention_bias is not None:
        key_bias += tf.gather(tokens.attention_bias, padded_to_packed)
    rows = row_of_each_value(tokens.row_splits)  # [N]
    packed_to_padded = rows * longest + index_in_row(tokens.row_splits, rows)  # [N]
    return PaddedLayout(
        padded_to_packed=padded_to_packed,
        packed_to_padded=packed_to_padded,
        key_bias=key_bias[:, tf.newaxis, :],
        has_bias=tf.reduce_any(tf.not_equal(key_bias, 0.0)),
        first_tokens=starts,
        is_packed=tf.equal(tf.size(rows), tf.size(padded_to_packed)),
    )


def attention(
    query: tf.Tensor,
    key: tf.Tensor,
    value: tf.Tensor,
    layout: PaddedLayout,
    dropout_rate: float,
) -> tf.Tensor:
    """Dot-product attention (Vaswani et al. 2017, section 3.2; `attention_layer`).

    The softmax is float32 whatever the precision of the rest.

    Args:
      query: float [heads, B, F, D], already divided by the square root of D.
      key: float [heads, B, S, D].
      value: float [heads, B, S, D].
      layout: of the tokens.
      dropout_rate: of the attention probabilities; 0 outside training.

    Returns:
      float [heads, B, F, D].
    """
    scores = tf.cast(tf.matmul(query, key, transpose_b=True), tf.float32)  # [heads, B, F, S]
    # A pass over all scores, which one long row can do without.
    scores = tf.cond(layout.has_bias, lambda: scores + layout.key_bias, lambda: scores)
    probabilities = tf.nn.softmax(scores)
    if dropout_rate:
        probabilities = tf.nn.dropout(probabilities, dropout_rate)
    return tf.matmul(tf.cast(probabilities, value.dtype), value)


def side_by_side(context: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """The heads' parts of each token behind one another, in one copy.

    Args:
      context: float [heads, B, F, D].
      places: int32 [M], where the tokens stand in the flattened [B * F].

    Returns:
      float [M, heads * D].
    """
    heads, _, _, size_per_head = context.shape
    shape = tf.shape(context)
    starts = tf.range(heads) * (shape[1] * shape[2])  # [heads]
    parts = tf.reshape(context, [-1, size_per_head])  # [heads * B * F, D]
    parts = tf.gather(parts, places[:, tf.newaxis] + starts)  # [M, heads, D]
    return tf.reshape(parts, [-1, heads * size_per_head])
