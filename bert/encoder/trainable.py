"""The encoder as it is trained: a variable for each of google-research/bert's."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from bert import variables
from bert.config import BertConfig
from bert.encoder.encoder import Encoder


class TrainableEncoder(Encoder):
    """Float32 variables under their original names, and ops that have gradients."""

    def __init__(self, config: BertConfig, weights: Mapping[str, np.ndarray]) -> None:
        """Makes a variable of every weight named in `encoder_shapes(config)`."""
        super().__init__(config)
        self._variables = {
            name: tf.Variable(weights[name], name=name) for name in variables.encoder_shapes(config)
        }

    def named_variables(self) -> dict[str, tf.Variable]:
        """The variables under their google-research names."""
        return dict(self._variables)

    def _look_up(self, name: str, ids: tf.Tensor) -> tf.Tensor:
        return tf.gather(self._variables[name], ids)

    def _dense(self, scope: str, inputs: tf.Tensor) -> tf.Tensor:
        product = tf.matmul(inputs, self._variables[f"{scope}/kernel"])
        return tf.nn.bias_add(product, self._variables[f"{scope}/bias"])

    def _query_key_value(
        self, index: int, queries: tf.Tensor, hidden: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        scope = f"{variables.layer(index)}/attention/self"
        query = self._split_heads(self._dense(f"{scope}/query", queries))
        key = self._split_heads(self._dense(f"{scope}/key", hidden))
        value = self._split_heads(self._dense(f"{scope}/value", hidden))
        return query * self._config.size_per_head**-0.5, key, value

    def _split_heads(self, projected: tf.Tensor) -> tf.Tensor:
        """[N, H] -> [heads, N, D]."""
        heads, size_per_head = self._config.num_attention_heads, self._config.size_per_head
        return tf.transpose(tf.reshape(projected, [-1, heads, size_per_head]), [1, 0, 2])

    def _layer_norm(self, scope: str, inputs: tf.Tensor) -> tf.Tensor:
        mean = tf.reduce_mean(inputs, axis=-1, keepdims=True)
        variance = tf.reduce_mean(tf.math.squared_difference(inputs, mean), axis=-1, keepdims=True)
        scaled = (inputs - mean) * tf.math.rsqrt(variance + self._config.layer_norm_eps)
        gamma = self._variables[f"{scope}/LayerNorm/gamma"]
        return scaled * gamma + self._variables[f"{scope}/LayerNorm/beta"]
