"""Between what the inputs of each dense layer are, for layouts that quantise them."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from bert import variables
from bert.config import LINEAR, BertConfig
from bert.encoder.forward import Forward
from bert.encoder.packed_tokens import PackedTokens
from bert.encoder.trainable import TrainableEncoder


class InputRange(NamedTuple):
    """The least and the largest value that was seen in each column of inputs: float32 [I]."""

    least: np.ndarray
    largest: np.ndarray

    def size(self) -> np.ndarray:
        """The largest absolute value in each column: float32 [I]."""
        return np.maximum(np.abs(self.least), np.abs(self.largest))

    def times(self, factors: np.ndarray | np.float32) -> "InputRange":
        """That of inputs multiplied with positive factors: float32 [I] or []."""
        return InputRange(self.least * factors, self.largest * factors)

    def plus(self, shifts: np.ndarray) -> "InputRange":
        """That of inputs which a bias was added to: float32 [I]."""
        return InputRange(self.least + shifts, self.largest + shifts)

    def centre(self) -> np.ndarray:
        """The middle between the two: float32 [I]."""
        return (self.largest + self.least) / 2


NOTHING_SEEN = InputRange(np.zeros([], np.float32), np.zeros([], np.float32))


def input_ranges(
    config: BertConfig, weights: Mapping[str, np.ndarray], batches: Iterable[PackedTokens]
) -> Mapping[str, InputRange]:
    """Runs the encoder on some texts.

    Returns:
      The range of a layer's inputs by the scope of the layer; that of query, key and value of a
      layer by the scope of their attention.
    """
    encoder = _Observed(config, weights)
    for tokens in batches:
        forward = Forward(config, encoder, tokens)
        # The last layer's inputs are of all tokens in the one, of first tokens in the other.
        forward.sequence()
        if config.has_pooler:
            forward.pooled()
    return encoder.seen


class _Observed(TrainableEncoder):
    """Notes what its dense layers are given."""

    def __init__(self, config: BertConfig, weights: Mapping[str, np.ndarray]) -> None:
        super().__init__(config, weights)
        self.seen: dict[str, InputRange] = {}

    def dense(self, scope: str, inputs: tf.Tensor, activation: str = LINEAR) -> tf.Tensor:
        # The three read the same.
        attention, _, name = scope.rpartition("/")
        key = attention if name in variables.PROJECTIONS else scope
        least, largest = (reduce(inputs, 0).numpy() for reduce in (tf.reduce_min, tf.reduce_max))
        before = self.seen.get(key, InputRange(least, largest))
        self.seen[key] = InputRange(
            np.minimum(before.least, least), np.maximum(before.largest, largest)
        )
        return super().dense(scope, inputs, activation)
