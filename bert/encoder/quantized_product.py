"""oneDNN's product of integers by the op `_QuantizedMatMul`, which is registered from 2.17 on.

summed_product.py has another for older releases.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.attr_value_pb2 import AttrValue

from bert.config import GELU_ERF, GELU_TANH, LINEAR, RELU, TANH
from bert.encoder.precision import INT8, PRECISIONS

LARGEST = 127

# Without a sign, the integer of zero, and of all shares from there to 1 the number of steps.
_ZERO = 40
STEPS = 255 - _ZERO
LEAST_SHARE = _ZERO / STEPS
"""how far below zero shares without a sign may be"""

# The range of the inputs is part of oneDNN's key of a kernel, so that one which changed from
# request to request would make kernels anew.
_RANGE = 1.0

_RANGES = {tf.qint8: (-_RANGE, _RANGE), tf.quint8: (0.0, _RANGE * 255 / STEPS)}

# What the kernel itself computes of its product, in the order of the op's attribute.
_FUSED: Mapping[str, list[bytes]] = {
    LINEAR: [],
    GELU_ERF: [b"GeluExact"],
    GELU_TANH: [b"GeluApproximate"],
    RELU: [b"Relu"],
    TANH: [b"Tanh"],
}


def as_integers(shares: tf.Tensor) -> tf.Tensor:
    """Shares of 127, from -1 to 1 and cut off there: float32 [N, I] -> qint8 [N, I]."""
    # One op for rounding and conversion. A row of zeros stays one.
    return tf.raw_ops.QuantizeV2(
        input=shares,
        min_range=-_RANGE,
        max_range=_RANGE,
        T=tf.qint8,
        mode="SCALED",
        round_mode="HALF_TO_EVEN",
        narrow_range=True,
    ).output


def as_unsigned_integers(inputs: tf.Tensor, factors: tf.Tensor, is_small: bool) -> tf.Tensor:
    """Shares of 215, and 40 more, from 0 and cut off there: float32 [N, I] -> quint8 [N, I].

    Inputs times `factors`, [N, 1], are the shares, which are at most 1.
    """
    if is_small:  # the op prepares itself at every call, for 40 us
        steps = tf.nn.relu(inputs * (factors * STEPS) + (_ZERO + 0.5))
        return tf.bitcast(tf.cast(steps, tf.uint8), tf.quint8)
    return tf.raw_ops.QuantizeV2(
        input=inputs * factors,
        min_range=-LEAST_SHARE,
        max_range=1.0,
        T=tf.quint8,
        mode="MIN_FIRST",
    ).output


def correction_of_zeros(sums: Any, ranges: Any) -> Any:
    """What the product of such integers needs added, so that inputs of zero give zero: [O].

    Of the sums of a kernel's columns and their ranges, float32 arrays or tensors [O].
    """
    return sums * ranges * np.float32(-LEAST_SHARE / LARGEST)


class IntegerProduct(Protocol):
    """The dense layer of integers, by one op."""

    has_activations: bool
    """whether its kernel computes a whole activation; else weights around it have its factors"""

    def of_sums(self, sums: Any) -> Mapping[str, Any]:
        """What it reads besides the kernel, of the sums of the kernel's columns, int32 [O]."""

    def __call__(
        self,
        integers: tf.Tensor,
        kept: Mapping[str, tf.Tensor],
        bias: tf.Tensor | None = None,
        activation: str = LINEAR,
        keeps_packed: bool = False,
    ) -> tf.Tensor:
        """A dense layer: qint8 or quint8 [N, I] -> float32 [N, O].

        Args:
          integers: shares of 127; without a sign, of 215, and 40 more.
          kept: the kernel, int8 [I, O], the range of its columns, float32 [O] each, and, for
            integers with a sign, what `of_sums` gives.
          bias: float32 [O]; None for none.
          activation: computed of the product.
          keeps_packed: whether oneDNN keeps its packed copy of the kernel from one request to the
            next. That spares 0.25 ms a product of BERT-base, and takes as much memory as the
            kernel, for each signature. In a loop it would take the first layer's for all.
        """


class FusedProduct(IntegerProduct):
    """Bias and activation are part of oneDNN's kernel."""

    has_activations = True

    def of_sums(self, sums: Any) -> Mapping[str, Any]:
        """Nothing."""
        return {}

    def __call__(
        self,
        integers: tf.Tensor,
        kept: Mapping[str, tf.Tensor],
        bias: tf.Tensor | None = None,
        activation: str = LINEAR,
        keeps_packed: bool = False,
    ) -> tf.Tensor:
        """Qint8 or quint8 [N, I] -> float32 [N, O]."""
        kernel = tf.bitcast(kept["kernel"], tf.qint8)
        if bias is None:
            bias = tf.zeros([kernel.shape[1]])
        ranges = [
            *(tf.constant(bound) for bound in _RANGES[integers.dtype]),
            tf.convert_to_tensor(kept["least"]),
            tf.convert_to_tensor(kept["largest"]),
        ]
        fused = [b"BiasAdd", *_FUSED[activation], b"Dequantize"]
        # TensorFlow has no Python function for it; grappler makes it out of other ops.
        operation = tf.compat.v1.get_default_graph().create_op(
            PRECISIONS[INT8].op,
            [integers, kernel, bias, *ranges],
            [tf.float32],
            name="quantized_product",
            attrs={
                "Tdevice_inputs": _types(integers.dtype, tf.qint8, tf.float32),
                "Thost_inputs": _types(*[tf.float32] * len(ranges)),
                "Tdevice_outputs": _types(tf.float32),
                "Thost_outputs": _types(),
                "T1": AttrValue(type=integers.dtype.as_datatype_enum),
                "T2": AttrValue(type=tf.qint8.as_datatype_enum),
                "Tbias": AttrValue(type=tf.float32.as_datatype_enum),
                "U": AttrValue(type=tf.float32.as_datatype_enum),
                "Tout": AttrValue(type=tf.float32.as_datatype_enum),
                "transpose_a": AttrValue(b=False),
                "transpose_b": AttrValue(b=False),
                "is_weight_const": AttrValue(b=keeps_packed),
                "is_bias_const": AttrValue(b=keeps_packed),
                "fused_ops": AttrValue(list=AttrValue.ListValue(s=fused)),
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
