"""From how many tokens on products are faster in float32: found out where a model is loaded.

Weights kept in bfloat16 can be multiplied as they are, or be made float32 first. Which is faster
depends on the processor. AMX multiplies bfloat16 several times as fast as float32; AVX512-BF16
without AMX half as fast; what has neither computes it by way of float32, at a fifth of the speed.
No op tells a graph where it runs, so a SavedModel tries both when it is loaded.
"""

import uuid
from collections.abc import Callable, Sequence

import tensorflow as tf

from bert.encoder.precision import FLOAT32_FROM, NEVER

# What the threshold may be, or NEVER.
TRIED = (16, 32, 64, 96, 128)
_RUNS = 5
# Of the time that a product takes with the weights as they are kept. It leaves them so where the
# two are about as fast, and the rest of the encoder is slower after a conversion.
_CLEARLY_FASTER = 0.9

_Product = Callable[[tf.Tensor], tf.Tensor]


class Float32Threshold(tf.saved_model.experimental.TrackableResource):
    """A number of tokens, which loading the SavedModel sets by trial; NEVER until then."""

    def __init__(
        self,
        width: int,
        kept: _Product,
        converted: _Product,
    ) -> None:
        """Takes what is tried: one product, two ways.

        Args:
          width: of the product's inputs.
          kept: float32 [N, width] -> the product with the weights as they are kept, [N, M].
          converted: the same with the weights made float32.
        """
        super().__init__()
        self._width = width
        self._ways = kept, converted
        # Resources of one name are one, in a process as in a server's model.
        self._name = f"{FLOAT32_FROM}_{uuid.uuid4().hex}"
        self._assign(tf.constant(NEVER))

    def read(self) -> tf.Tensor:
        """The number: int32 []."""
        return tf.raw_ops.ReadVariableOp(resource=self.resource_handle, dtype=tf.int32)

    def _assign(self, threshold: tf.Tensor) -> None:
        tf.raw_ops.AssignVariableOp(resource=self.resource_handle, value=threshold)

    # The three that TrackableResource asks for.

    def _create_resource(self) -> tf.Tensor:
        return tf.raw_ops.VarHandleOp(dtype=tf.int32, shape=[], shared_name=self._name)

    def _initialize(self) -> None:
        threshold, is_faster = tf.constant(NEVER), tf.constant(True)
        before: Sequence[tf.Tensor] = ()
        for count in reversed(TRIED):
            seconds = []
            for product in self._ways:
                least, before = self._least_seconds(product, count, before)
                seconds.append(least)
            kept, converted = seconds
            is_faster &= converted < _CLEARLY_FASTER * kept
            threshold = tf.where(is_faster, count, threshold)
        self._assign(threshold)

    def _destroy_resource(self) -> None:
        tf.raw_ops.DestroyResourceOp(resource=self.resource_handle)

    def _least_seconds(
        self, product: _Product, count: int, before: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, Sequence[tf.Tensor]]:
        """The least time of some runs one after another, float64 [], and what ends the last."""
        times = []
        for _ in range(1 + _RUNS):
            with tf.control_dependencies(before):
                start = tf.timestamp()
            with tf.control_dependencies([start]):
                # A product that something waits for would not be fused with its activation.
                result = product(tf.ones([count, self._width]))[0, 0]
            with tf.control_dependencies([result]):
                end = tf.timestamp()
            before = [end]
            # What no value depends on would be optimised away.
            times.append(tf.where(tf.math.is_nan(result), tf.float64.max, end - start))
        # The first run makes the kernels.
        return tf.reduce_min(tf.stack(times[1:])), before
