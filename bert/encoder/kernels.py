"""Kernels cut into blocks of columns, and what becomes of the blocks of a product."""

import numpy as np
import tensorflow as tf

# Of the widths 32 to 384, the fastest with 4 to 60 rows.
_WIDEST_BLOCK = 64


def _block_width(outputs: int) -> int:
    """The widest that divides `outputs` and is not above 64."""
    return max(width for width in range(1, _WIDEST_BLOCK + 1) if outputs % width == 0)


def in_blocks(kernel: np.ndarray, width: int | None = None) -> np.ndarray:
    """[I, O] -> [O / width, I, width], by itself as wide as is fast for few rows."""
    width = width or _block_width(kernel.shape[1])
    return kernel.reshape(kernel.shape[0], -1, width).transpose(1, 0, 2)


def rows_first(blocks: tf.Tensor) -> tf.Tensor:
    """[blocks, N, width] -> [N, blocks * width]."""
    blocks_count, _, width = blocks.shape
    return tf.reshape(first_two_exchanged(blocks), [-1, blocks_count * width])


def first_two_exchanged(tensor: tf.Tensor) -> tf.Tensor:
    """Float [X, Y, Z] -> [Y, X, Z]."""
    # As integers: TensorFlow's transposition of floats by oneDNN costs 60 us even if there are
    # eight rows, its own of any other type 8.
    integers = {tf.float32: tf.int32, tf.bfloat16: tf.int16}[tensor.dtype]
    moved = tf.transpose(tf.bitcast(tensor, integers), [1, 0, 2])
    return tf.bitcast(moved, tensor.dtype)


def layer_norm_of_few(
    inputs: tf.Tensor, gamma: tf.Variable, beta: tf.Variable, epsilon: float
) -> tf.Tensor:
    """Layer normalisation in nine small kernels: float32 [N, H] -> the same."""
    centred = inputs - tf.reduce_mean(inputs, axis=-1, keepdims=True)
    variance = tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True)
    return centred * tf.math.rsqrt(variance + epsilon) * gamma + beta


def layer_norm_of_many(
    inputs: tf.Tensor, gamma: tf.Variable, beta: tf.Variable, epsilon: float
) -> tf.Tensor:
    """The same as a batch normalisation in which every row is a channel of its own.

    It is the one form, with a gamma and beta that are variables, of which TensorFlow makes a
    single kernel. That kernel prepares itself anew at every call, for 0.1 ms.
    """
    rows, width = tf.shape(inputs)[0], inputs.shape[1]
    # It has to know that the result has the shape of `inputs`; the optimizer of a function sees
    # no shapes of variables, nor what follows from them.
    inputs = tf.ensure_shape(inputs, [None, width])
    gamma, beta = tf.ensure_shape(gamma, [width]), tf.ensure_shape(beta, [width])
    none = tf.constant([], tf.float32)
    normalised = tf.raw_ops.FusedBatchNormV3(
        x=tf.reshape(inputs, [1, rows, width, 1]),
        scale=tf.fill([rows], 1.0),
        offset=tf.fill([rows], 0.0),
        mean=none,
        variance=none,
        epsilon=epsilon,
        data_format="NCHW",
        is_training=True,
    ).y
    return tf.reshape(normalised, tf.shape(inputs)) * gamma + beta
