"""Layouts with integers of 8 bits: a quarter of the memory, and products of integers.

A product quantises its inputs in the graph, and has its kernel as integers with a scale a column.
Everything between products is float32. N is the number of tokens, H the width of the encoder, D
that of a head.

Inputs differ in size from column to column, and a row, or all of them, have one scale. So each
column is divided by a number that calibration finds, and its row of the kernel multiplied by it
(Xiao et al. 2022, SmoothQuant): MiniLM on SST-2, mean change of a probability 0.0064 without,
0.0036 with.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from bert.config import LINEAR
from bert.encoder.calibration import InputRange
from bert.encoder.graphs import Case
from bert.encoder.kernels import SCALED_ACTIVATIONS, Factors, first_two_exchanged
from bert.encoder.projections import Projections
from bert.encoder.quantized_product import LARGEST, as_integers, quantized_product

# Rows of nothing but smaller inputs are zeros; its reciprocal is finite.
_SMALLEST_SIZE = 1e-30

# The share of a column's size that moves from the inputs into the kernel. Where one scale has to
# do for all rows, columns have to be more alike.
_MOVED_OF_ROWS = 0.5
_MOVED_OF_ALL = 0.8
_SMALLEST = 1e-5

# Texts have larger inputs than the sentences of calibration. With 1.1 probabilities change 6 % less
# with MiniLM, but random models fail; with 0.9, without centres, they change twice as much.
_HEADROOM = 1.25


@dataclasses.dataclass(frozen=True)
class DynamicInt8:
    """[I, O] of integers; inputs have a scale a row, which the graph finds.

    Widening 1,024 tokens of BERT-base takes 7 ms, not 29 in float32 (Zen 4).
    """

    def keep(self, kernel: np.ndarray, bias: np.ndarray, seen: InputRange) -> dict[str, np.ndarray]:
        """[I, O], [O] and the range of the inputs -> integers, the range of each column [O], the
        bias, and what inputs are multiplied with [I]."""
        divisors = _divisors(kernel, seen.size(), _MOVED_OF_ROWS)
        kept = _kept_kernel(kernel * divisors[:, np.newaxis])
        return kept | {"bias": bias, "factors": 1 / divisors}

    def factors(self, activation: str) -> Factors:
        """Those of the curve that `product` computes."""
        return SCALED_ACTIVATIONS[activation].factors

    def product(
        self,
        inputs: tf.Tensor,
        kept: Mapping[str, tf.Tensor],
        case: Case,
        activation: str = LINEAR,
    ) -> tf.Tensor:
        """[N, I] -> float32 [N, O]."""
        shares, sizes = _shares(inputs * kept["factors"], case)
        # Before `sizes` are multiplied in, a bias would be out of scale.
        products = quantized_product(as_integers(shares), kept, keeps_packed=case.is_unrolled)
        return SCALED_ACTIVATIONS[activation].curve(products * sizes + kept["bias"])


@dataclasses.dataclass(frozen=True)
class StaticInt8:
    """[I, O] of integers; all inputs have one scale and a centre, which calibration found.

    For inputs that layer normalisation made, whose size hardly depends on the text. The kernel then
    takes bias and activation over: widening 1,024 tokens of BERT-base takes 7.1 ms with GELU, not
    10.8 with a scale a row. MiniLM on SST-2, mean change of a probability: 0.0041, not 0.0035;
    0.0044 without centres; 0.038 if all inputs were static.
    """

    def keep(self, kernel: np.ndarray, bias: np.ndarray, seen: InputRange) -> dict[str, np.ndarray]:
        """The same as `DynamicInt8` keeps, and the centre of each column of the inputs [I]."""
        centre = seen.centre()
        half = seen.largest - centre
        divisors = _divisors(kernel, half, _MOVED_OF_ALL)
        # What is further from the centre is cut off there.
        size = max(float((half / divisors).max()) * _HEADROOM, _SMALLEST)
        kept = _kept_kernel(kernel * (divisors * size)[:, np.newaxis])
        bias = bias + (centre @ kernel).reshape(bias.shape)
        factors = (1 / (divisors * size)).astype(np.float32)
        return kept | {"bias": bias, "centre": centre, "factors": factors}

    def factors(self, activation: str) -> Factors:
        """None: oneDNN computes the whole activation."""
        return Factors(1.0, 1.0)

    def product(
        self,
        inputs: tf.Tensor,
        kept: Mapping[str, tf.Tensor],
        case: Case,
        activation: str = LINEAR,
    ) -> tf.Tensor:
        """[N, I] -> float32 [N, O]."""
        integers = as_integers((inputs - kept["centre"]) * kept["factors"])
        bias = tf.reshape(kept["bias"], [-1])
        return quantized_product(integers, kept, bias, activation, keeps_packed=case.is_unrolled)


@dataclasses.dataclass(frozen=True)
class Int8Heads:
    """Query, key and value of all heads as one matrix [H, 3 * heads * D].

    One quantisation for the three, and no batch of blocks: the op has none.
    """

    matrix: StaticInt8

    def keep(self, projections: Projections, seen: InputRange) -> dict[str, np.ndarray]:
        """Integers [H, 3 * heads * D], and the query's bias among zeros [3 * heads, D]."""
        blocks = np.concatenate([projections.query, projections.key, projections.value])
        kernel = blocks.transpose(1, 0, 2).reshape(blocks.shape[1], -1)
        bias = np.zeros([len(blocks), blocks.shape[2]], np.float32)
        bias[: len(projections.query)] = projections.bias[:, 0]
        return self.matrix.keep(kernel, bias, seen)

    def project(
        self, hidden: tf.Tensor, kept: Mapping[str, tf.Tensor], case: Case
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """[N, H] -> query, key and value [heads, N, D]."""
        parts, size = kept["bias"].shape
        products = tf.reshape(self.matrix.product(hidden, kept, case), [-1, parts, size])
        products, heads = first_two_exchanged(products), parts // 3
        return products[:heads], products[heads : 2 * heads], products[2 * heads :]


@dataclasses.dataclass(frozen=True)
class Int8Table:
    """A table of vectors as integers with a scale a row.

    SST-2 with MiniLM: the mean change of a probability is 0.0045 with it, 0.0044 without.
    """

    def keep(self, table: np.ndarray) -> dict[str, np.ndarray]:
        """[V, H] -> integers [V, H] and scales [V, 1]."""
        integers, scales = _rounded_rows(table)
        return {"table": integers, "scales": scales}

    def look_up(self, ids: tf.Tensor, kept: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Rows of the table: int32 [N] -> float32 [N, H]."""
        rows = tf.cast(tf.gather(kept["table"], ids), tf.float32)
        return rows * tf.gather(kept["scales"], ids)

    def products(self, vectors: tf.Tensor, kept: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """The product with each row of the table: float32 [M, H] -> float32 [M, V]."""
        table = tf.cast(kept["table"], tf.float32)
        return tf.matmul(vectors, table, transpose_b=True) * kept["scales"][:, 0]


def _shares(inputs: tf.Tensor, case: Case) -> tuple[tf.Tensor, tf.Tensor]:
    """Inputs as shares of the largest in their row, and its size: [N, I] -> [N, I], [N, 1]."""
    if case.few:  # the fewest ops
        sizes = tf.reduce_max(tf.abs(inputs), axis=1, keepdims=True)
        return tf.math.divide_no_nan(inputs, sizes), sizes
    # The fewest passes: a second one to read costs less than absolute values, which are written.
    largest, least = (
        reduce(inputs, axis=1, keepdims=True) for reduce in (tf.reduce_max, tf.reduce_min)
    )
    sizes = tf.maximum(largest, -least)
    return inputs * tf.math.reciprocal(tf.maximum(sizes, _SMALLEST_SIZE)), sizes


def _divisors(kernel: np.ndarray, sizes: np.ndarray, moved: float) -> np.ndarray:
    """What each column of the inputs is divided by: float32 [I], of which the mean is about 1."""
    of_inputs = np.maximum(sizes, _SMALLEST)
    of_kernel = np.maximum(np.abs(kernel).max(axis=1), _SMALLEST)
    divisors = of_inputs**moved / of_kernel ** (1 - moved)
    return (divisors / np.exp(np.log(divisors).mean())).astype(np.float32)


def _kept_kernel(kernel: np.ndarray) -> dict[str, np.ndarray]:
    """[I, O] -> integers [I, O], and the range of each column [O]."""
    integers, scales = _rounded_rows(kernel.T)
    # The op takes integers for shares of 127.
    ranges = scales[:, 0] * np.float32(LARGEST)
    return {
        "kernel": np.ascontiguousarray(integers.T),
        "largest": ranges,
        "least": -ranges,
    }


def _rounded_rows(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Float [R, C] -> int8 [R, C] and a scale a row, float32 [R, 1].

    [[0.5, -1.0]] is [[64, -127]] and [[1 / 127]].
    """
    scales = np.abs(rows).max(axis=1, keepdims=True) / np.float32(LARGEST)
    scales[scales == 0] = 1
    return np.rint(rows / scales).astype(np.int8), scales.astype(np.float32)
