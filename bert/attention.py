"""Self-attention over packed tokens: the one place where rows are padded."""

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

    first_tokens: tf.Tensor
    """int32 [B], the packed index of each row's first token."""


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
    return PaddedLayout(padded_to_packed, packed_to_padded, key_bias[:, tf.newaxis, :], starts)


def attention(
    query: tf.Tensor,
    key: tf.Tensor,
    value: tf.Tensor,
    key_bias: tf.Tensor,
    dropout_rate: float,
) -> tf.Tensor:
    """Dot-product attention (Vaswani et al. 2017, section 3.2; `attention_layer`).

    The softmax is float32 whatever the precision of the rest.

    Args:
      query: float [heads, B, F, D], already divided by the square root of D.
      key: float [heads, B, T, D].
      value: float [heads, B, T, D].
      key_bias: float32 [B, 1, T].
      dropout_rate: of the attention probabilities; 0 outside training.

    Returns:
      float [heads, B, F, D].
    """
    scores = tf.cast(tf.matmul(query, key, transpose_b=True), tf.float32)  # [heads, B, F, T]
    probabilities = tf.nn.softmax(scores + key_bias)
    if dropout_rate:
        probabilities = tf.nn.dropout(probabilities, dropout_rate)
    return tf.matmul(tf.cast(probabilities, value.dtype), value)
