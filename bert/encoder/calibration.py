"""How large the inputs of each dense layer get, for layouts that divide them by it."""

from collections.abc import Iterable, Mapping

import numpy as np
import tensorflow as tf

from bert import variables
from bert.config import LINEAR, BertConfig
from bert.encoder.forward import Forward
from bert.encoder.packed_tokens import PackedTokens
from bert.encoder.trainable import TrainableEncoder


def largest_inputs(
    config: BertConfig, weights: Mapping[str, np.ndarray], batches: Iterable[PackedTokens]
) -> Mapping[str, np.ndarray]:
    """Runs the encoder on some texts.

    Returns:
      The largest absolute value in each column of a layer's inputs, float32 [I], by the scope of
      the layer; query, key and value of a layer by that of their attention.
    """
    encoder = _Observed(config, weights)
    for tokens in batches:
        forward = Forward(config, encoder, tokens)
        # The last layer's inputs are of all tokens in the one, of first tokens in the other.
        forward.sequence()
        if config.has_pooler:
            forward.pooled()
    return encoder.largest


class _Observed(TrainableEncoder):
    """Notes what its dense layers are given."""

    def __init__(self, config: BertConfig, weights: Mapping[str, np.ndarray]) -> None:
        super().__init__(config, weights)
        self.largest: dict[str, np.ndarray] = {}

    def dense(self, scope: str, inputs: tf.Tensor, activation: str = LINEAR) -> tf.Tensor:
        # The three read the same.
        attention, _, name = scope.rpartition("/")
        key = attention if name in variables.PROJECTIONS else scope
        largest = tf.reduce_max(tf.abs(inputs), axis=0).numpy()
        self.largest[key] = np.maximum(self.largest.get(key, 0.0), largest)
        return super().dense(scope, inputs, activation)
