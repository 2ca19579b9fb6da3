"""Matrices as integers with a scale a row or a column, and the sizes of columns evened out.

Inputs of a product differ in size from column to column, and a row, or all of them, have one scale.
So columns can be divided by numbers that calibration finds, and their rows of the kernel multiplied
by them (Xiao et al. 2022, SmoothQuant): MiniLM on SST-2, mean change of a probability 0.0064
without, 0.0036 with.
"""

import numpy as np

from bert.encoder.quantized_product import LARGEST, IntegerProduct

# Rows of nothing but smaller values are zeros; its reciprocal is finite.
SMALLEST_SIZE = 1e-30

# Of the largest column; what smaller ones are taken for.
_SMALLEST_SHARE = 1e-5


def divisors_of(kernel: np.ndarray, sizes: np.ndarray, moved: float) -> np.ndarray:
    """What each column of the inputs is divided by: float32 [I], of a geometric mean of 1.

    `moved` is the share of a column's size that moves from the inputs into the kernel.
    """
    of_inputs, of_kernel = map(_above_nothing, (sizes, np.abs(kernel).max(axis=1)))
    divisors = of_inputs**moved / of_kernel ** (1 - moved)
    return (divisors / np.exp(np.log(divisors).mean())).astype(np.float32)


def _above_nothing(sizes: np.ndarray) -> np.ndarray:
    wide = sizes.astype(np.float64)
    return np.maximum(wide, max(wide.max() * _SMALLEST_SHARE, SMALLEST_SIZE))


def kept_kernel(kernel: np.ndarray, multiply: IntegerProduct) -> dict[str, np.ndarray]:
    """[I, O] -> integers [I, O], the range of each column [O], and what the product asks for."""
    integers, scales = rounded_rows(kernel.T)
    # The op takes integers for shares of 127.
    ranges = scales[:, 0] * np.float32(LARGEST)
    return {
        "kernel": np.ascontiguousarray(integers.T),
        "largest": ranges,
        "least": -ranges,
        **multiply.of_sums(integers.sum(axis=1, dtype=np.int32)),
    }


def rounded_rows(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Float [R, C] -> int8 [R, C] and a scale a row, float32 [R, 1].

    [[0.5, -1.0]] is [[64, -127]] and [[1 / 127]].
    """
    scales = np.abs(rows).max(axis=1, keepdims=True) / np.float32(LARGEST)
    scales[scales == 0] = 1
    return np.rint(rows / scales).astype(np.int8), scales.astype(np.float32)
