"""The token vectors of every row to one vector a row, in graph."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from bert import variables
from bert.encoder.kernels import ACTIVATIONS
from bert.encoder.packed_tokens import PackedTokens, row_of_each_value
from bert.encoder.serving import ServingEncoder
from bert.tasks import (
    FIRST_TOKEN,
    LAST_LAYER,
    LAST_TOKEN,
    MAX,
    MEAN,
    MEAN_SQRT,
    WEIGHTED_MEAN,
    Pooling,
    Projection,
)

# torch.nn.functional.normalize, eps: vectors shorter than it keep their length.
_SHORTEST = 1e-12

# sentence_transformers, pooling.py: the least that a sum over tokens is divided by, and
# what stands for the masked tokens of a maximum.
_LEAST_TOKENS = 1e-9
_MASKED = -1e9


class ProjectionLayer(tf.Module):
    """A dense layer behind the pooling."""

    def __init__(
        self, weights: Mapping[str, np.ndarray], index: int, projection: Projection
    ) -> None:
        """Takes its kernel [I, O] and bias [O] out of `weights`."""
        scope = variables.projection(index)
        super().__init__(name=scope)
        self._activation = ACTIVATIONS[projection.activation]
        self._kernel, self._bias = (
            tf.Variable(weights[f"{scope}/{name}"], name=name, trainable=False)
            for name in ("kernel", "bias")
        )

    def __call__(self, vectors: tf.Tensor) -> tf.Tensor:
        """Float32 [B, I] -> float32 [B, O]."""
        return self._activation(tf.nn.bias_add(tf.matmul(vectors, self._kernel), self._bias))


def token_vectors(encoder: ServingEncoder, tokens: PackedTokens, pooling: Pooling) -> tf.Tensor:
    """The vectors of the layers that a pooling is of: float32 [N, H for each]."""
    if pooling.layers == LAST_LAYER:
        return encoder.sequence(tokens)
    return encoder.layers(tokens, pooling.layers)


def pool(
    encoder: ServingEncoder,
    tokens: PackedTokens,
    pooling: Pooling,
    projections: Sequence[ProjectionLayer] = (),
) -> tf.Tensor:
    """Runs the encoder and pools what it says of N tokens.

    Masked tokens, which only clients that send features have, do not count in the pooling of a
    row, unless it is of the first token.

    Returns:
      float32 [B, D] of `pooling.size`.
    """
    if pooling.needs_pooler:
        pooled = encoder.pooled(tokens)
    else:
        vectors = _Vectors.of(token_vectors(encoder, tokens, pooling), tokens)
        parts = [_POOLINGS[mode](vectors) for mode in pooling.modes]
        pooled = parts[0] if len(parts) == 1 else tf.concat(parts, axis=1)
    for projection in projections:
        pooled = projection(pooled)
    if pooling.normalize:
        length = tf.sqrt(tf.reduce_sum(tf.square(pooled), axis=1, keepdims=True))
        pooled /= tf.maximum(length, _SHORTEST)
    # No operation where nothing is cut.
    return pooled if pooling.dimensions is None else pooled[:, : pooling.dimensions]


class _Vectors(NamedTuple):
    """N vectors of B rows."""

    values: tf.Tensor
    """float32 [N, H]"""

    counts: tf.Tensor
    """float32 [N, 1], 1 where a token is not masked, else 0"""

    rows: tf.Tensor
    """int32 [N]"""

    tokens: PackedTokens

    @classmethod
    def of(cls, values: tf.Tensor, tokens: PackedTokens) -> "_Vectors":
        rows = row_of_each_value(tokens.row_splits)
        if tokens.attention_bias is None:
            counts = tf.ones_like(rows, tf.float32)
        else:
            counts = tf.cast(tf.equal(tokens.attention_bias, 0), tf.float32)
        return cls(values, counts[:, tf.newaxis], rows, tokens)

    def sums(self, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Weighted sums of vectors [B, H], and those of the weights [B, 1], never zero."""
        sums = tf.math.segment_sum(tf.where(weights > 0, self.values * weights, 0.0), self.rows)
        return sums, tf.maximum(tf.math.segment_sum(weights, self.rows), _LEAST_TOKENS)


def _first(vectors: _Vectors) -> tf.Tensor:
    return tf.gather(vectors.values, vectors.tokens.row_splits[:-1])


def _last(vectors: _Vectors) -> tf.Tensor:
    """The last token that counts; the last of all where none does."""
    places = tf.range(tf.size(vectors.rows))
    counted = tf.where(vectors.counts[:, 0] > 0, places, -1)
    last = tf.math.segment_max(counted, vectors.rows)
    return tf.gather(vectors.values, tf.where(last < 0, vectors.tokens.row_splits[1:] - 1, last))


def _mean(vectors: _Vectors) -> tf.Tensor:
    sums, weights = vectors.sums(vectors.counts)
    return sums / weights


def _mean_sqrt(vectors: _Vectors) -> tf.Tensor:
    sums, weights = vectors.sums(vectors.counts)
    return sums / tf.sqrt(weights)


def _weighted_mean(vectors: _Vectors) -> tf.Tensor:
    places = tf.cast(vectors.tokens.positions + 1, tf.float32)
    sums, weights = vectors.sums(vectors.counts * places[:, tf.newaxis])
    return sums / weights


def _maximum(vectors: _Vectors) -> tf.Tensor:
    return tf.math.segment_max(tf.where(vectors.counts > 0, vectors.values, _MASKED), vectors.rows)


_POOLINGS: Mapping[str, Callable[[_Vectors], tf.Tensor]] = {
    FIRST_TOKEN: _first,
    LAST_TOKEN: _last,
    MEAN: _mean,
    MEAN_SQRT: _mean_sqrt,
    WEIGHTED_MEAN: _weighted_mean,
    MAX: _maximum,
}
