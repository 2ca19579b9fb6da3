"""Layouts with integers of 8 bits: a quarter of the memory, and products of integers.

A product quantises its inputs in the graph, with a scale a row, and has its kernel as integers with
a scale a column. oneDNN multiplies the two by the op `_QuantizedMatMul`, which TensorFlow registers
from 2.17 on. Everything between products is float32. N is the number of tokens, H the width of the
encoder, D that of a head.

Inputs differ in size from column to column, and one scale a row has to do for all. So each column
is divided by a number that calibration finds, and its row of the kernel multiplied by it (Xiao et
al. 2022, SmoothQuant): MiniLM on SST-2, mean change of a probability 0.0064 without, 0.0036 with.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.attr_value_pb2 import AttrValue

from bert.encoder.graphs import Case
from bert.encoder.kernels import first_two_exchanged
from bert.encoder.precision import INT8, PRECISIONS
from bert.encoder.projections import Projections

_LARGEST = 127

# The range that the largest input of a row is scaled to. It is part of oneDNN's key of a kernel,
# so that a range which changed from request to request would make kernels anew.
_RANGE = 1.0

# Rows of nothing but smaller inputs are zeros; its reciprocal is finite.
_SMALLEST_SIZE = 1e-30

# The share of a column's size that moves from the inputs into the kernel; SmoothQuant's.
_MOVED = 0.5
_SMALLEST = 1e-5


@dataclasses.dataclass(frozen=True)
class Int8Matrix:
    """[I, O] of integers with a scale a column.

    Widening 1,024 tokens of BERT-base takes 7 ms, not 29 in float32 (Zen 4).
    """

    def keep(
        self, kernel: np.ndarray, bias: np.ndarray, largest: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """[I, O], [O] and the largest inputs [I] -> integers, the range of each column [O], the
        bias, and what inputs are multiplied with [I]."""
        kept = {"bias": bias}
        if largest is not None:
            divisors = _divisors(kernel, largest)
            kernel = kernel * divisors[:, np.newaxis]
            kept["factors"] = 1 / divisors
        integers, scales = _as_integers(kernel.T)
        # The op takes integers for shares of 127.
        ranges = scales[:, 0] * np.float32(_LARGEST)
        return kept | {
            "kernel": np.ascontiguousarray(integers.T),
            "largest": ranges,
            "least": -ranges,
        }

    def product(self, inputs: tf.Tensor, kept: Mapping[str, tf.Tensor], case: Case) -> tf.Tensor:
        """[N, I] -> float32 [N, O]."""
        return self.unbiased(inputs, kept, case) + kept["bias"]

    def unbiased(self, inputs: tf.Tensor, kept: Mapping[str, tf.Tensor], case: Case) -> tf.Tensor:
        """[N, I] -> float32 [N, O], without the bias."""
        if "factors" in kept:
            inputs = inputs * kept["factors"]
        shares, sizes = _shares(inputs, case)
        # One op for rounding and conversion. A row of zeros stays one.
        integers = tf.raw_ops.QuantizeV2(
            input=shares,
            min_range=-_RANGE,
            max_range=_RANGE,
            T=tf.qint8,
            mode="SCALED",
            round_mode="HALF_TO_EVEN",
            narrow_range=True,
        ).output
        return _quantized_product(integers, kept, keeps_packed=case.is_unrolled) * sizes


@dataclasses.dataclass(frozen=True)
class Int8Heads:
    """Query, key and value of all heads as one matrix [H, 3 * heads * D].

    One quantisation for the three, and no batch of blocks: the op has none.
    """

    matrix: Int8Matrix

    def keep(
        self, projections: Projections, largest: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """Integers [H, 3 * heads * D], and the query's bias."""
        blocks = np.concatenate([projections.query, projections.key, projections.value])
        kernel = blocks.transpose(1, 0, 2).reshape(blocks.shape[1], -1)
        return self.matrix.keep(kernel, projections.bias, largest)

    def project(
        self, hidden: tf.Tensor, kept: Mapping[str, tf.Tensor], case: Case
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """[N, H] -> query, key and value [heads, N, D]."""
        heads, _, size = kept["bias"].shape
        products = self.matrix.unbiased(hidden, kept, case)
        products = first_two_exchanged(tf.reshape(products, [-1, 3 * heads, size]))
        query = products[:heads] + kept["bias"]
        return query, products[heads : 2 * heads], products[2 * heads :]


@dataclasses.dataclass(frozen=True)
class Int8Table:
    """A table of vectors as integers with a scale a row.

    SST-2 with MiniLM: the mean change of a probability is 0.0045 with it, 0.0044 without.
    """

    def keep(self, table: np.ndarray) -> dict[str, np.ndarray]:
        """[V, H] -> integers [V, H] and scales [V, 1]."""
        integers, scales = _as_integers(table)
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


def _divisors(kernel: np.ndarray, largest: np.ndarray) -> np.ndarray:
    """What each column of the inputs is divided by: float32 [I], of which the mean is about 1."""
    of_inputs = np.maximum(largest, _SMALLEST)
    of_kernel = np.maximum(np.abs(kernel).max(axis=1), _SMALLEST)
    divisors = of_inputs**_MOVED / of_kernel ** (1 - _MOVED)
    return (divisors / np.exp(np.log(divisors).mean())).astype(np.float32)


def _as_integers(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Float [R, C] -> int8 [R, C] and a scale a row, float32 [R, 1].

    [[0.5, -1.0]] is [[64, -127]] and [[1 / 127]].
    """
    scales = np.abs(rows).max(axis=1, keepdims=True) / np.float32(_LARGEST)
    scales[scales == 0] = 1
    return np.rint(rows / scales).astype(np.int8), scales.astype(np.float32)


def _quantized_product(
    integers: tf.Tensor, kept: Mapping[str, tf.Tensor], keeps_packed: bool
) -> tf.Tensor:
    """Qint8 [N, I] of a range of 1 -> float32 [N, O].

    Args:
      integers: the inputs.
      kept: the kernel and the range of its columns.
      keeps_packed: whether oneDNN keeps its packed copy of the kernel from one request to the next.
        That spares 0.25 ms a product of BERT-base, and takes as much memory as the kernel, for
        each signature.
    """
    kernel = tf.bitcast(kept["kernel"], tf.qint8)
    # Before `sizes` are multiplied in, a bias would be out of scale.
    no_bias = tf.zeros([kernel.shape[1]])
    ranges = [
        tf.constant(-_RANGE),
        tf.constant(_RANGE),
        tf.convert_to_tensor(kept["least"]),
        tf.convert_to_tensor(kept["largest"]),
    ]
    # TensorFlow has no Python function for it; grappler makes it out of other ops.
    operation = tf.compat.v1.get_default_graph().create_op(
        PRECISIONS[INT8].op,
        [integers, kernel, no_bias, *ranges],
        [tf.float32],
        name="quantized_product",
        attrs={
            "Tdevice_inputs": _types(tf.qint8, tf.qint8, tf.float32),
            "Thost_inputs": _types(*[tf.float32] * len(ranges)),
            "Tdevice_outputs": _types(tf.float32),
            "Thost_outputs": _types(),
            "T1": AttrValue(type=tf.qint8.as_datatype_enum),
            "T2": AttrValue(type=tf.qint8.as_datatype_enum),
            "Tbias": AttrValue(type=tf.float32.as_datatype_enum),
            "U": AttrValue(type=tf.float32.as_datatype_enum),
            "Tout": AttrValue(type=tf.float32.as_datatype_enum),
            "transpose_a": AttrValue(b=False),
            "transpose_b": AttrValue(b=False),
            "is_weight_const": AttrValue(b=keeps_packed),
            "is_bias_const": AttrValue(b=True),
            "fused_ops": AttrValue(list=AttrValue.ListValue(s=[b"BiasAdd", b"Dequantize"])),
            "input_quant_mode": AttrValue(s=b"SCALED"),
            "output_quant_mode": AttrValue(s=b"SCALED"),
        },
    )
    product = operation.outputs[0]
    # The op has no function that infers it.
    product.set_shape([None, kernel.shape[1]])
    return product


def _types(*types: tf.DType) -> AttrValue:
    return AttrValue(list=AttrValue.ListValue(type=[each.as_datatype_enum for each in types]))
