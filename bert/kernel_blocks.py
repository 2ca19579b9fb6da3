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
