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
    """float32 [B, 1, 1, S], added to attention scores."""

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
    return PaddedLayout(
        padded_to_packed, packed_to_padded, key_bias[:, tf.newaxis, tf.newaxis, :], starts
    )


def attention(
    query: tf.Tensor,
    key: tf.Tensor,
    value: tf.Tensor,
    key_bias: tf.Tensor,
    num_heads: int,
    dropout_rate: float,
) -> tf.Tensor:
    """Scaled dot-product attention (Vaswani et al. 2017, section 3.2; `attention_layer`).

    The softmax is float32 whatever the precision of the rest.

    Args:
      query: float [B, F, H].
      key: float [B, T, H].
      value: float [B, T, H].
      key_bias: float32 [B, 1, 1, T].
      num_heads: divides H.
      dropout_rate: of the attention probabilities; 0 outside training.

    Returns:
      float [B, F, H].
    """
    query, key, value = (_split_heads(tensor, num_heads) for tensor in (query, key, value))
    size_per_head = query.shape[-1]
    scores = tf.cast(tf.matmul(query, key, transpose_b=True), tf.float32)  # [B, heads, F, T]
    scores = scores * (size_per_head**-0.5) + key_bias
    probabilities = tf.nn.softmax(scores)
    if dropout_rate:
        probabilities = tf.nn.dropout(probabilities, dropout_rate)
    context = tf.matmul(tf.cast(probabilities, value.dtype), value)  # [B, heads, F, H / heads]
    context = tf.transpose(context, [0, 2, 1, 3])  # [B, F, heads, H / heads]
    shape = tf.shape(context)
    return tf.reshape(context, [shape[0], shape[1], num_heads * size_per_head])


def _split_heads(tensor: tf.Tensor, num_heads: int) -> tf.Tensor:
    """[B, S, H] -> [B, heads, S, H / heads]."""
    shape = tf.shape(tensor)
    size_per_head = tensor.shape[-1] // num_heads
    split = tf.reshape(tensor, [shape[0], shape[1], num_heads, size_per_head])
    return tf.transpose(split, [0, 2, 1, 3])
