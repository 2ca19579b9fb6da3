"""Serialized tf.Examples, which classify and regress requests are made of, to texts."""

from collections.abc import Sequence

import tensorflow as tf


def texts_of_examples(serialized: tf.Tensor, names: Sequence[str]) -> list[tf.Tensor]:
    """String [B], serialized tf.Examples -> string [B] of each of their bytes features `names`.

    Raises (when the graph runs):
      InvalidArgumentError: another rank; bytes that are no tf.Example; a feature that is
        missing, of another kind, or has not exactly one value.
    """
    # Survives grappler, where a check of the rank is folded away.
    serialized = tf.ensure_shape(serialized, [None])
    # Not tf.io.parse_sequence_example, which reads the same bytes without quoting them in its
    # errors: a byte string of 43 bytes ends its process with a segmentation fault.
    features = tf.io.parse_example(
        serialized, {name: tf.io.FixedLenFeature([], tf.string) for name in names}
    )
    return [features[name] for name in names]
