"""Entities of overlapping windows to those of the text, in graph.

As transformers' pipeline does it (`aggregate_overlapping_entities`): in the order of their starts
each is kept when one comes that begins behind its end; one that begins before that takes its place
if it is longer, or as long and surer.
"""

import tensorflow as tf

from exporter.artefact.entities import Spans, is_first, row_splits_of


def merge_windows(spans: Spans, rows: tf.Tensor) -> Spans:
    """The entities of B texts.

    Example: of the windows of a text one has entities at 0-4 and 9-12, the next at 8-12 and 15-20:
    those at 0-4, 8-12 and 15-20 are kept.

    Args:
      spans: M entities of W windows.
      rows: int32 [W], the text of each window, not falling.
    """
    row_splits = row_splits_of(rows, tf.reduce_max(tf.concat([[-1], rows], axis=0)) + 1)
    spans = spans._replace(rows=tf.gather(rows, spans.rows))
    by_start = tf.argsort(spans.starts, stable=True)
    order = tf.gather(by_start, tf.argsort(tf.gather(spans.rows, by_start), stable=True))
    spans = Spans(*(tf.gather(values, order) for values in spans))
    # The entities of one window are never merged.
    windows = row_splits[1:] - row_splits[:-1]
    is_merged = tf.gather(windows, spans.rows) > 1
    following = _following(spans, is_merged)  # [M]
    behind = _at(spans.starts, following)
    is_last = tf.equal(following, _row_ends(spans)) | ~is_merged | (behind >= spans.ends)
    kept = tf.where(_reached(is_first(spans.rows), following) & is_last)[:, 0]
    return Spans(*(tf.gather(values, kept) for values in spans))


def _following(spans: Spans, is_merged: tf.Tensor) -> tf.Tensor:
    """The first entity of the row that begins behind each, or takes its place: int32 [M].

    The end of the row where there is none.
    """
    row_ends = _row_ends(spans)
    lengths = spans.ends - spans.starts

    def is_passed(following: tf.Tensor) -> tf.Tensor:
        length, score = _at(lengths, following), _at(spans.scores, following)
        is_better = length > lengths
        is_better |= tf.equal(length, lengths) & (score > spans.scores)
        overlaps = is_merged & (_at(spans.starts, following) < spans.ends)
        return (following < row_ends) & overlaps & ~is_better

    # Once for each entity that one overlaps.
    (following,) = tf.while_loop(
        lambda following: tf.reduce_any(is_passed(following)),
        lambda following: [following + tf.cast(is_passed(following), tf.int32)],
        [tf.range(1, tf.size(lengths) + 1)],
    )
    return following


def _reached(begins: tf.Tensor, following: tf.Tensor) -> tf.Tensor:
    """Which of M entities lie on the ways from the first ones on: bool [M].

    In steps that double: after each, all are known that are twice as far.
    """
    count = tf.size(following)
    end = count[tf.newaxis]

    def step(
        distance: tf.Tensor, reached: tf.Tensor, following: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        more = tf.math.unsorted_segment_max(reached, following, count + 1)
        return 2 * distance, tf.maximum(reached, more), tf.gather(following, following)

    _, reached, _ = tf.while_loop(
        lambda distance, reached, following: distance <= count,
        step,
        [
            tf.constant(1),
            tf.concat([tf.cast(begins, tf.int32), [0]], axis=0),  # [M + 1]
            tf.concat([following, end], axis=0),
        ],
    )
    return reached[:-1] > 0


def _row_ends(spans: Spans) -> tf.Tensor:
    """The entity behind the last one of each one's row: int32 [M]."""
    return tf.searchsorted(spans.rows, spans.rows, side="right")


def _at(values: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """Values at places of which some lie behind the last."""
    return tf.gather(tf.pad(values, [[0, 1]]), places)
