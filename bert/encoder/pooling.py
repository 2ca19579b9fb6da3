"""The token vectors of every row to one vector a row, in graph."""

import tensorflow as tf

from bert.encoder.packed_tokens import PackedTokens, row_of_each_value
from bert.encoder.serving import ServingEncoder
from bert.tasks import FIRST_TOKEN, MEAN, POOLER, Pooling

# torch.nn.functional.normalize, eps: vectors shorter than it keep their length.
_SHORTEST = 1e-12

# sentence_transformers, pooling.py: the least that a sum over tokens is divided by, and
# what stands for the masked tokens of a maximum.
_LEAST_TOKENS = 1e-9
_MASKED = -1e9


def pool(encoder: ServingEncoder, tokens: PackedTokens, pooling: Pooling) -> tf.Tensor:
    """Runs the encoder and pools what it says of N tokens.

    Masked tokens, which only clients that send features have, do not count in the mean and
    maximum of a row.

    Returns:
      float32 [B, H], or [B, D] of a pooling to D dimensions.
    """
    if pooling.mode == POOLER:
        pooled = encoder.pooled(tokens)
    elif pooling.mode == FIRST_TOKEN:
        pooled = tf.gather(encoder.sequence(tokens), tokens.row_splits[:-1])
    else:
        pooled = _over_tokens(encoder.sequence(tokens), tokens, pooling.mode == MEAN)
    if pooling.normalize:
        length = tf.sqrt(tf.reduce_sum(tf.square(pooled), axis=1, keepdims=True))
        pooled /= tf.maximum(length, _SHORTEST)
    # No operation where nothing is cut.
    return pooled if pooling.dimensions is None else pooled[:, : pooling.dimensions]


def _over_tokens(vectors: tf.Tensor, tokens: PackedTokens, is_mean: bool) -> tf.Tensor:
    """Mean or maximum over each row: float32 [N, H] -> [B, H]."""
    rows = row_of_each_value(tokens.row_splits)  # [N]
    if tokens.attention_bias is None:
        counts = tf.ones_like(rows, tf.bool)
    else:
        counts = tf.equal(tokens.attention_bias, 0)  # [N]
    counts = counts[:, tf.newaxis]
    if not is_mean:
        return tf.math.segment_max(tf.where(counts, vectors, _MASKED), rows)
    sums = tf.math.segment_sum(tf.where(counts, vectors, 0.0), rows)
    lengths = tf.math.segment_sum(tf.cast(counts, tf.float32), rows)  # [B, 1]
    return sums / tf.maximum(lengths, _LEAST_TOKENS)
