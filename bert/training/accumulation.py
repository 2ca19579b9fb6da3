"""Gradients of one step from several passes, each over a part of its examples."""

import itertools
from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from bert.training.batches import Batch

Gradients = dict[str, tf.Tensor | tf.IndexedSlices]
"""of the trained variables, by name"""


def split(batch: Batch, num_parts: int) -> list[Batch]:
    """Divides the B rows of a batch into at most `num_parts` parts, as even as may be."""
    num_rows = len(batch.row_splits) - 1
    bounds = np.linspace(0, num_rows, min(num_parts, num_rows) + 1).round().astype(int)
    return [_rows(batch, *pair) for pair in itertools.pairwise(bounds)]


def accumulated(
    passes: Iterable[tuple[tf.Tensor, tf.Tensor, Gradients]],
) -> tuple[tf.Tensor, Gradients]:
    """The mean loss of several passes, and its gradients.

    Slices are put one after the other, not added up: as in one pass over all rows, their norm is
    that of the single slices.

    Args:
      passes: of each, the sum of its losses, their number, and the gradients of that sum.
    """
    total, count, gradients = tf.constant(0.0), tf.constant(0), Gradients()
    for loss, number, of_pass in passes:
        total, count = total + loss, count + number
        for name, gradient in of_pass.items():
            gradients[name] = _sum(gradients[name], gradient) if name in gradients else gradient
    share = 1 / tf.cast(count, tf.float32)
    return total * share, {name: _scaled(each, share) for name, each in gradients.items()}


def _rows(batch: Batch, first: int, last: int) -> Batch:
    start, end = batch.row_splits[first], batch.row_splits[last]
    return Batch(
        ids=batch.ids[start:end],
        segment_ids=batch.segment_ids[start:end],
        positions=batch.positions[start:end],
        row_splits=batch.row_splits[first : last + 1] - start,
        label_ids=batch.label_ids[first:last],
    )


def _sum(
    one: tf.Tensor | tf.IndexedSlices, other: tf.Tensor | tf.IndexedSlices
) -> tf.Tensor | tf.IndexedSlices:
    if isinstance(one, tf.IndexedSlices) and isinstance(other, tf.IndexedSlices):
        return tf.IndexedSlices(
            tf.concat([one.values, other.values], axis=0),
            tf.concat([one.indices, other.indices], axis=0),
            one.dense_shape,
        )
    return tf.convert_to_tensor(one) + tf.convert_to_tensor(other)


def _scaled(
    gradient: tf.Tensor | tf.IndexedSlices, factor: tf.Tensor
) -> tf.Tensor | tf.IndexedSlices:
    if isinstance(gradient, tf.IndexedSlices):
        values = gradient.values * factor
        return tf.IndexedSlices(values, gradient.indices, gradient.dense_shape)
    return gradient * factor
