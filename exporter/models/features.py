"""Features that clients tokenized and padded themselves, to PackedTokens."""

from typing import NamedTuple

import tensorflow as tf

from bert.config import BertConfig
from bert.encoder.packed_tokens import PackedTokens
from exporter.contract import INPUT_IDS, INPUT_MASK, SEGMENT_IDS

# modeling.py, attention_layer: what masked columns get added to their scores.
_MASKED_BIAS = -10000.0


class FeatureLimits(NamedTuple):
    """How many ids, segments and columns a model has; None where that is not known."""

    ids: int | None
    segments: int | None
    columns: int | None


def checked_features(
    limits: FeatureLimits, input_ids: tf.Tensor, input_mask: tf.Tensor, segment_ids: tf.Tensor
) -> list[tf.Tensor]:
    """The same three, int32 [B, S] each, where a model within `limits` has an answer for them.

    Raises (when the graph runs):
      InvalidArgumentError: a rank, shape or value that it has none for.
    """
    features = [
        tf.ensure_shape(feature, [None, None]) for feature in (input_ids, input_mask, segment_ids)
    ]
    shape = tf.shape(features[0])
    checks = [
        _same_shape(shape, features[1], INPUT_MASK),
        _same_shape(shape, features[2], SEGMENT_IDS),
        _columns_in_range(shape[1], limits.columns),
        _in_range(features[0], limits.ids, INPUT_IDS),
        _in_range(features[1], 2, INPUT_MASK),
        _in_range(features[2], limits.segments, SEGMENT_IDS),
    ]
    with tf.control_dependencies(checks):
        return [tf.identity(feature) for feature in features]


def pack_features(
    config: BertConfig, input_ids: tf.Tensor, input_mask: tf.Tensor, segment_ids: tf.Tensor
) -> PackedTokens:
    """Leaves out the columns that the original model's answer does not depend on.

    A column counts if its mask is 1. The first column counts always, since the pooler
    reads it; of a row without any mask all columns do, since a bias that all scores
    share hides none of them. Where tokens are counted, so does a column before one that counts.
    Positions are columns.

    Args:
      config: bounds ids, segment ids and columns.
      input_ids: int32 [B, S].
      input_mask: int32 [B, S], 0 or 1.
      segment_ids: int32 [B, S].

    Returns:
      N tokens of B rows.

    Raises (when the graph runs):
      InvalidArgumentError: a rank, shape or value that the model has no answer for.
    """
    # A model without token types takes any segment, and does not look at it.
    segments = config.type_vocab_size or None
    limits = FeatureLimits(config.vocab_size, segments, config.longest_row)
    input_ids, input_mask, segment_ids = checked_features(
        limits, input_ids, input_mask, segment_ids
    )
    shape = tf.shape(input_ids)
    is_attended = tf.equal(input_mask, 1)  # [B, S]
    has_no_mask = ~tf.reduce_any(is_attended, axis=1, keepdims=True)  # [B, 1]
    is_first = tf.equal(tf.range(shape[1]), 0)[tf.newaxis, :]  # [1, S]
    is_kept = is_attended | is_first | has_no_mask
    if config.counts_tokens:
        last = tf.reduce_max(tf.where(is_kept, tf.range(shape[1])[tf.newaxis, :], 0), axis=1)
        is_kept = tf.range(shape[1])[tf.newaxis, :] <= last[:, tf.newaxis]
    places = tf.where(tf.reshape(is_kept, [-1]))[:, 0]  # [N]
    lengths = tf.reduce_sum(tf.cast(is_kept, tf.int32), axis=1)  # [B]

    def kept(feature: tf.Tensor) -> tf.Tensor:
        return tf.gather(tf.reshape(feature, [-1]), places)

    columns = tf.broadcast_to(tf.range(shape[1])[tf.newaxis, :], shape)
    return PackedTokens(
        ids=kept(input_ids),
        segment_ids=kept(segment_ids),
        positions=kept(columns),
        row_splits=tf.concat([[0], tf.cumsum(lengths)], axis=0),
        attention_bias=tf.where(kept(is_attended), 0.0, _MASKED_BIAS),
    )


def _same_shape(shape: tf.Tensor, feature: tf.Tensor, name: str) -> tf.Operation:
    is_same = tf.reduce_all(tf.equal(shape, tf.shape(feature)))
    message = f"{name} and input_ids must have the same shape"
    return tf.debugging.Assert(is_same, [message, tf.shape(feature), shape])


def _columns_in_range(columns: tf.Tensor, limit: int | None) -> tf.Operation:
    in_range, message = columns >= 1, "features must have 1 column or more"
    if limit is not None:
        in_range &= columns <= limit
        message = f"features must have 1 to {limit} columns"
    return tf.debugging.Assert(in_range, [message, columns])


def _in_range(feature: tf.Tensor, limit: int | None, name: str) -> tf.Operation:
    in_range, message = feature >= 0, f"{name} must not be negative"
    if limit is not None:
        in_range &= feature < limit
        message = f"{name} must lie from 0 to {limit - 1}"
    return tf.debugging.Assert(tf.reduce_all(in_range), [message])
