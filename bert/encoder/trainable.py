"""The encoder as it is trained: a variable for each of google-research/bert's."""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from bert import variables
from bert.config import LINEAR, BertConfig
from bert.encoder.attention import PaddedLayout
from bert.encoder.dropout import dropout
from bert.encoder.forward import Forward, Layer
from bert.encoder.kernels import UNFUSED_ACTIVATIONS
from bert.encoder.packed_tokens import PackedTokens
from bert.encoder.precision import FLOAT32


class TrainableEncoder(tf.Module):
    """Float32 variables under their original names, and ops that have gradients."""

    def __init__(
        self,
        config: BertConfig,
        weights: Mapping[str, np.ndarray],
        precision: str = FLOAT32,
        trains_pooler: bool = True,
    ) -> None:
        """Makes a variable of every weight named in `encoder_shapes(config)`.

        With the precision BFLOAT16 the factors of the dense layers' products, and of their
        gradients, are rounded (Kalamkar et al. 2019); everything else is float32.
        """
        super().__init__(name="encoder")
        self._config = config
        self._factors = tf.dtypes.as_dtype(precision)
        self._variables = {
            name: tf.Variable(
                weights[name],
                name=name,
                trainable=trains_pooler or not name.startswith(variables.POOLER),
            )
            for name in variables.encoder_shapes(config)
        }

    def named_variables(self) -> dict[str, tf.Variable]:
        """The variables under their google-research names."""
        return dict(self._variables)

    def pooled(self, tokens: PackedTokens, training: bool = False) -> tf.Tensor:
        """The pooled first token of every row, float32 [B, H]; in training with dropout."""
        return self._forward(tokens, training).pooled()

    def sequence(self, tokens: PackedTokens, training: bool = False) -> tf.Tensor:
        """The last layer's output for every token, float32 [N, H]; in training with dropout."""
        return self._forward(tokens, training).sequence()

    def _forward(self, tokens: PackedTokens, training: bool) -> Forward:
        if training:
            return Forward(self._config, self, tokens, dropout=dropout)
        return Forward(self._config, self, tokens)

    # The methods of `forward.Weights`.

    def look_up(self, table: str, ids: tf.Tensor) -> tf.Tensor:
        """Rows of a table: int32 [N] -> [N, H]."""
        return tf.gather(self._variables[table], ids)

    def layer_norm(self, scope: str, inputs: tf.Tensor) -> tf.Tensor:
        """Layer normalisation: [N, H] -> [N, H]."""
        mean = tf.reduce_mean(inputs, axis=-1, keepdims=True)
        variance = tf.reduce_mean(tf.math.squared_difference(inputs, mean), axis=-1, keepdims=True)
        scaled = (inputs - mean) * tf.math.rsqrt(variance + self._config.layer_norm_eps)
        gamma = self._variables[f"{scope}/LayerNorm/gamma"]
        return scaled * gamma + self._variables[f"{scope}/LayerNorm/beta"]

    def dense(self, scope: str, inputs: tf.Tensor, activation: str = LINEAR) -> tf.Tensor:
        """A dense layer and an activation: [N, I] -> [N, O]."""
        kernel = self._variables[f"{scope}/kernel"]
        product = tf.matmul(tf.cast(inputs, self._factors), tf.cast(kernel, self._factors))
        product = tf.cast(product, tf.float32)
        return UNFUSED_ACTIVATIONS[activation](
            tf.nn.bias_add(product, self._variables[f"{scope}/bias"])
        )

    def layers(self, layer: Layer, hidden: tf.Tensor, count: int) -> tf.Tensor:
        """Runs the first `count` layers, each on what the one before gave: [N, H] -> [N, H]."""
        for index in range(count):
            hidden = layer(self, index, hidden)
        return hidden

    def query_key_value(
        self, index: int | str, hidden: tf.Tensor, layout: PaddedLayout
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The projections of a layer, padded: [N, H] -> three of [heads, B, S, D]."""
        query, key, value = map(layout.pad, self._project(index, hidden, hidden))
        return query, key, value

    def attend_first(
        self,
        first: tf.Tensor,
        hidden: tf.Tensor,
        attend: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor],
    ) -> tf.Tensor:
        """The context of first tokens [B, H] among their rows' tokens [N, H]: [heads, B, D]."""
        query, key, value = self._project(self._config.num_hidden_layers - 1, first, hidden)
        return attend(query[:, :, tf.newaxis], key, value)[:, :, 0]

    def _project(
        self, index: int | str, queries: tf.Tensor, hidden: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The query of [M, H], key and value of [N, H]: [heads, M, D], twice [heads, N, D]."""
        scope = variables.self_attention(index)
        query = self._by_heads(self.dense(f"{scope}/query", queries))
        key = self._by_heads(self.dense(f"{scope}/key", hidden))
        value = self._by_heads(self.dense(f"{scope}/value", hidden))
        return query * self._config.size_per_head**-0.5, key, value

    def _by_heads(self, projected: tf.Tensor) -> tf.Tensor:
        """[N, H] -> [heads, N, D]."""
        heads, size_per_head = self._config.num_attention_heads, self._config.size_per_head
        return tf.transpose(tf.reshape(projected, [-1, heads, size_per_head]), [1, 0, 2])
