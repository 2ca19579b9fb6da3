"""Layouts with integers of 8 bits: a quarter of the memory, and products of integers.

A product quantises its inputs in the graph, and has its kernel as integers with a scale a column.
Everything between products is float32. N is the number of tokens, H the width of the encoder, D
that of a head.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from bert.config import LINEAR
from bert.encoder.attention import PaddedLayout
from bert.encoder.calibration import InputRange
from bert.encoder.graphs import Case
from bert.encoder.integers import SMALLEST_SIZE, divisors_of, kept_kernel, rounded_rows
from bert.encoder.kernels import Factors
from bert.encoder.layouts import Layout, activated, named_bias
from bert.encoder.projections import Projections
from bert.encoder.quantized_product import (
    LEAST_SHARE,
    IntegerProduct,
    as_integers,
    as_unsigned_integers,
    correction_of_zeros,
)

# See integers.py. Where one scale has to do for all rows, columns have to be more alike.
_MOVED_OF_ROWS = 0.5
_MOVED_OF_ALL = 0.8
_SMALLEST = 1e-5

# Texts have larger inputs than the sentences of calibration. With 1.1 probabilities change 6 % less
# with MiniLM, but random models fail; with 0.9, without centres, they change twice as much.
_HEADROOM = 1.25


@dataclasses.dataclass(frozen=True)
class DynamicInt8(Layout):
    """[I, O] of integers; inputs have a scale a row, which the graph finds.

    Widening 1,024 tokens of BERT-base takes 7 ms, not 29 in float32 (Zen 4).
    """

    multiply: IntegerProduct

    def keep(
        self, kernel: np.ndarray, bias: np.ndarray | None, seen: InputRange
    ) -> dict[str, np.ndarray]:
        """[I, O], [O] -> integers, the range of each column [O], and the bias."""
        return {**kept_kernel(kernel, self.multiply), **named_bias(bias)}

    def divisors(self, kernel: np.ndarray, seen: InputRange) -> np.ndarray:
        """Those that make the columns of the inputs alike: float32 [I]."""
        return divisors_of(kernel, seen.size(), _MOVED_OF_ROWS)

    def product(
        self,
        inputs: tf.Tensor,
        kept: Mapping[str, tf.Tensor],
        case: Case,
        activation: str = LINEAR,
    ) -> tf.Tensor:
        """[N, I] -> float32 [N, O]."""
        shares, sizes = _shares(inputs, case)
        # Before `sizes` are multiplied in, a bias would be out of scale.
        products = self.multiply(as_integers(shares), kept, keeps_packed=case.is_unrolled)
        return activated(products * sizes, kept, activation)


@dataclasses.dataclass(frozen=True)
class OneSidedInt8(Layout):
    """The same for inputs that an activation made, which are hardly ever far below zero.

    Integers have no sign, so that steps are 0.6 times as wide, and the largest value of a row
    alone tells its size. MiniLM on SST-2, mean change of a probability: 0.0033, not 0.0040.
    """

    multiply: IntegerProduct

    def keep(
        self, kernel: np.ndarray, bias: np.ndarray | None, seen: InputRange
    ) -> dict[str, np.ndarray]:
        """The same as `DynamicInt8` keeps, what inputs are multiplied with [I], the least size of a
        row [], and what makes the product of inputs of zero zero [O]."""
        lowest = -seen.least / LEAST_SHARE
        divisors = divisors_of(kernel, np.maximum(seen.largest, lowest), _MOVED_OF_ROWS)
        kept = kept_kernel(kernel * divisors[:, np.newaxis], self.multiply)
        sums = kept["kernel"].sum(axis=0, dtype=np.float32)
        of_rows = {
            "factors": 1 / divisors,
            "smallest": np.maximum((lowest / divisors).max(), SMALLEST_SIZE).astype(np.float32),
            "of_zeros": correction_of_zeros(sums, kept["largest"]),
        }
        return {**kept, **of_rows, **named_bias(bias)}

    def product(
        self,
        inputs: tf.Tensor,
        kept: Mapping[str, tf.Tensor],
        case: Case,
        activation: str = LINEAR,
    ) -> tf.Tensor:
        """[N, I] -> float32 [N, O]."""
        inputs *= kept["factors"]
        sizes = tf.maximum(tf.reduce_max(inputs, axis=1, keepdims=True), kept["smallest"])
        integers = as_unsigned_integers(inputs, tf.math.reciprocal(sizes), is_small=case.few)
        products = self.multiply(
            integers, kept, tf.convert_to_tensor(kept["of_zeros"]), keeps_packed=case.is_unrolled
        )
        return activated(products * sizes, kept, activation)


@dataclasses.dataclass(frozen=True)
class StaticInt8(Layout):
    """[I, O] of integers; all inputs have one scale and a centre, which calibration found.

    For inputs that layer normalisation made, whose size hardly depends on the text. The kernel then
    takes bias and activation over: widening 1,024 tokens of BERT-base takes 7.1 ms with GELU, not
    10.8 with a scale a row. MiniLM on SST-2, mean change of a probability: 0.0041, not 0.0035;
    0.0044 without centres; 0.038 if all inputs were static.
    """

    multiply: IntegerProduct

    def keep(
        self, kernel: np.ndarray, bias: np.ndarray | None, seen: InputRange
    ) -> dict[str, np.ndarray]:
        """What `DynamicInt8` keeps, and of the inputs' columns the centre and a factor [I]."""
        centre = seen.centre()
        half = seen.largest - centre
        divisors = divisors_of(kernel, half, _MOVED_OF_ALL)
        # What is further from the centre is cut off there.
        size = max(float((half / divisors).max()) * _HEADROOM, _SMALLEST)
        kept = kept_kernel(kernel * (divisors * size)[:, np.newaxis], self.multiply)
        of_centre = centre @ kernel
        bias = of_centre if bias is None else bias + of_centre.reshape(bias.shape)
        factors = (1 / (divisors * size)).astype(np.float32)
        return kept | {"bias": bias, "centre": centre, "factors": factors}

    def factors(self, activation: str) -> Factors:
        """None where oneDNN computes the whole activation."""
        return Factors(1.0, 1.0) if self.multiply.has_activations else super().factors(activation)

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
        return self.multiply(integers, kept, bias, activation, keeps_packed=case.is_unrolled)


@dataclasses.dataclass(frozen=True)
class Int8Heads:
    """Query, key and value of all heads as one matrix [H, 3 * heads * D].

    One quantisation for the three, and no batch of blocks: the op has none.
    """

    matrix: StaticInt8

    def keep(self, projections: Projections, seen: InputRange) -> dict[str, np.ndarray]:
        """Integers [H, 3 * heads * D], and the bias that the matrix keeps [3 * heads, D]."""
        blocks = np.concatenate([projections.query, projections.key, projections.value])
        kernel = blocks.transpose(1, 0, 2).reshape(blocks.shape[1], -1)
        bias = np.zeros([len(blocks), blocks.shape[2]], np.float32)
        bias[: len(projections.query)] = projections.bias[:, 0]
        return self.matrix.keep(kernel, bias, seen)

    def project(
        self, hidden: tf.Tensor, kept: Mapping[str, tf.Tensor], case: Case, layout: PaddedLayout
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """[N, H] -> query, key and value, padded: [heads, B, S, D]."""
        parts, size = kept["bias"].shape
        products = tf.reshape(self.matrix.product(hidden, kept, case), [-1, parts, size])
        products, heads = layout.split_and_pad(products), parts // 3
        return products[:heads], products[heads : 2 * heads], products[2 * heads :]


@dataclasses.dataclass(frozen=True)
class Int8Table:
    """A table of vectors as integers with a scale a row.

    SST-2 with MiniLM: the mean change of a probability is 0.0045 with it, 0.0044 without.
    """

    def keep(self, table: np.ndarray) -> dict[str, np.ndarray]:
        """[V, H] -> integers [V, H] and scales [V, 1]."""
        integers, scales = rounded_rows(table)
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
    return inputs * tf.math.reciprocal(tf.maximum(sizes, SMALLEST_SIZE)), sizes
