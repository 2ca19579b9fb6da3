"""How many bits of a kernel of integers a processor multiplies exactly: found out at load.

oneDNN multiplies a byte without a sign by one with. Processors with VNNI add such products in 32
bits. Others, AMD's before Zen 4 and Intel's before Cascade Lake, add two of them in 16, which
overflow without a word: 255 * 127 * 2 is above 32,767, 255 * 64 * 2 is not. No op tells a graph
where it runs, so a SavedModel multiplies when it is loaded, and halves its kernels where that came
out wrong.
"""

import uuid
from collections.abc import Mapping, Sequence

import tensorflow as tf

from bert.encoder.calls import as_call
from bert.encoder.quantized_product import LARGEST, IntegerProduct, correction_of_zeros

_ROWS, _INPUTS, _OUTPUTS = 32, 64, 64


class KernelBits(tf.saved_model.experimental.TrackableResource):
    """8 or 7, which loading the SavedModel sets; kernels change with it."""

    def __init__(
        self, kernels: Sequence[Mapping[str, tf.Variable]], multiply: IntegerProduct
    ) -> None:
        """Takes what layouts of integers keep of each kernel, as variables, and their product."""
        super().__init__()
        self._kernels, self._multiply = kernels, multiply
        # Resources of one name are one, in a process as in a server's model.
        self._name = f"kernel_bits_{uuid.uuid4().hex}"
        self._assign(tf.constant(8))

    def _assign(self, bits: tf.Tensor) -> None:
        tf.raw_ops.AssignVariableOp(resource=self.resource_handle, value=bits)

    # The three that TrackableResource asks for.

    def _create_resource(self) -> tf.Tensor:
        return tf.raw_ops.VarHandleOp(dtype=tf.int32, shape=[], shared_name=self._name)

    def _initialize(self) -> None:
        bits = tf.where(_is_exact(self._multiply), 8, 7)
        self._assign(bits)
        # The branch that is not taken, most of the function, need not be optimised with it.
        tf.cond(bits < 8, as_call(self._halve), lambda: 0)

    def _destroy_resource(self) -> None:
        tf.raw_ops.DestroyResourceOp(resource=self.resource_handle)

    def _halve(self) -> int:
        """Takes a bit from every kernel, and gives it back by the range of its columns."""
        for kept in self._kernels:
            halves = tf.round(tf.cast(kept["kernel"], tf.float32) * 0.5)
            kept["kernel"].assign(tf.cast(halves, tf.int8))
            for name in ("least", "largest"):
                kept[name].assign(kept[name] * 2.0)
            sums = tf.reduce_sum(halves, axis=-2)
            if "of_zeros" in kept:
                kept["of_zeros"].assign(correction_of_zeros(sums, kept["largest"]))
            for name, values in self._multiply.of_sums(tf.cast(sums, tf.int32)).items():
                kept[name].assign(values)
        return 0


def _is_exact(multiply: IntegerProduct) -> tf.Tensor:
    """Whether the largest bytes are multiplied exactly: bool []."""
    # Not a constant, of which the optimizer would compute the product where it likes.
    one = tf.cast(tf.timestamp() > 0, tf.float32)
    kept = {
        "kernel": tf.fill([_INPUTS, _OUTPUTS], tf.cast(LARGEST * one, tf.int8)),
        "largest": tf.fill([_OUTPUTS], one),
        "least": tf.fill([_OUTPUTS], -one),
    }
    kept["kernel"].set_shape([_INPUTS, _OUTPUTS])
    inputs = tf.fill([_ROWS, _INPUTS], tf.cast(LARGEST * one, tf.int8))
    sums = tf.reduce_sum(tf.cast(kept["kernel"], tf.int32), axis=0)
    product = multiply(tf.bitcast(inputs, tf.qint8), {**kept, **multiply.of_sums(sums)})
    return tf.reduce_all(tf.abs(product - _INPUTS) < 0.01 * _INPUTS)
