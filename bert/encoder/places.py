"""Where tokens stand: their rows in the position table, and what distances add to attention."""

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from bert.config import BertConfig
from bert.encoder.packed_tokens import PackedTokens
from bert.variables import RELATIVE_ATTENTION_BIAS

LookUp = Callable[[str, tf.Tensor], tf.Tensor]
"""a table's name, int32 [N] -> its rows, float32 [N, width]"""

# Distances from here on share a bucket (transformers, relative_position_bucket).
_FAR = 128


def position_rows(tokens: PackedTokens, padding_id: int | None) -> tf.Tensor:
    """The row of each token in the position table: int32 [N].

    Example: a row of the ids `[0, 7, 1, 8]` with `padding_id = 1` gives `[2, 3, 1, 4]`.
    """
    if padding_id is None:
        return tokens.positions
    counts = tf.cast(tf.not_equal(tokens.ids, padding_id), tf.int32)
    before = tf.cumsum(counts, exclusive=True)
    before_row = tf.gather(before, tf.range(tf.size(counts)) - tokens.positions)
    return padding_id + counts * (before - before_row + 1)


def distance_bias(config: BertConfig, look_up: LookUp, longest: tf.Tensor) -> tf.Tensor | None:
    """What the distance between two tokens of a row adds to their attention score.

    Args:
      config: of the encoder.
      look_up: gives rows of its tables.
      longest: int32 [], S, the columns of the longest row.

    Returns:
      float32 [heads, S, S] by query and key; None where distances add nothing.
    """
    if not config.relative_attention_buckets:
        return None
    most = config.longest_row
    buckets = _buckets(np.arange(1 - most, most), config.relative_attention_buckets)
    # Distances from 1 - S to S - 1.
    by_distance = look_up(RELATIVE_ATTENTION_BIAS, buckets[most - longest : most + longest - 1])
    columns = tf.range(longest)
    distances = columns[tf.newaxis, :] - columns[:, tf.newaxis]  # [S, S]
    return tf.gather(tf.transpose(by_distance), distances + longest - 1, axis=1)


def _buckets(distances: np.ndarray, count: int) -> tf.Tensor:
    """The bucket of each distance from query to key: int [D] -> int32 [D].

    One half of the buckets is for keys before the query, the other for those after it. Half of
    them have one distance each, in the others distances grow by a constant factor.
    """
    half = count // 2
    exact = half // 2
    away = np.abs(distances)
    doublings = np.log(np.maximum(away, exact) / exact) / math.log(_FAR / exact)
    large = np.minimum(exact + (doublings * (half - exact)).astype(np.int32), half - 1)
    found = half * (distances > 0) + np.where(away < exact, away, large)
    return tf.constant(found.astype(np.int32))
