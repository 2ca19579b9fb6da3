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

    def pack(self, tensor: tf.Tensor) -> tf.Tensor:
        """Padded to packed: [P, B, S, D] -> [P, N, D]."""
        columns = tf.reshape(tensor, [tensor.shape[0], -1, tensor.shape[3]])  # [P, B * S, D]
        return tf.cond(
            self.is_packed,
            lambda: columns,
            lambda: tf.gather(columns, self.packed_to_padded, axis=1),
        )


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
        first_tokens=starts,
        is_packed=tf.equal(tf.size(rows), tf.size(padded_to_packed)),
    )


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
