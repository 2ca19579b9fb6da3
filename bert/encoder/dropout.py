"""Dropout whose choices only a seed and the number of a step decide."""

import tensorflow as tf


def start_step(seed: int, step: int) -> None:
    """Sets TensorFlow's global generator, so that a step repeated drops out the same again."""
    # Philox: a step has 2^64 numbers of its own.
    tf.random.get_global_generator().reset_from_key_counter(seed, [0, step])


def dropout(values: tf.Tensor, rate: float) -> tf.Tensor:
    """`tf.nn.dropout` by the global generator: float of any shape -> the same."""
    if not rate:
        return values
    generator = tf.random.get_global_generator()
    return tf.nn.experimental.general_dropout(
        values, rate, lambda shape, dtype: generator.uniform(shape, dtype=dtype)
    )
