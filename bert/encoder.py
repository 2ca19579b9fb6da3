"""The BERT encoder on packed tokens: dense layers see [tokens, hidden], never padding."""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from bert import activations, variables
from bert.attention import PaddedLayout, attention, padded_layout
from bert.config import BertConfig
from bert.packed_tokens import PackedTokens

_ACTIVATION_FUNCTIONS: Mapping[str, Callable[[tf.Tensor], tf.Tensor]] = {
    activations.GELU_TANH: lambda x: tf.nn.gelu(x, approximate=True),
    activations.GELU_ERF: lambda x: tf.nn.gelu(x, approximate=False),
    activations.RELU: tf.nn.relu,
    activations.TANH: tf.math.tanh,
    activations.LINEAR: tf.identity,
}


class Encoder(tf.Module):
    """Embeddings, encoder layers and pooler of `modeling.py`'s `BertModel`."""

    def __init__(
        self,
        config: BertConfig,
        weights: Mapping[str, np.ndarray],
        trainable: bool = False,
        precision: tf.DType = tf.float32,
    ) -> None:
        """Makes a variable of every weight named in `encoder_shapes(config)`.

        `precision` is what tables, kernels and biases are kept and multiplied in, float32 or
        bfloat16; residuals, layer normalisation and softmax are float32 in either.
        """
        super().__init__(name="encoder")
        self._config = config
        self._precision = precision
        self._activation = _ACTIVATION_FUNCTIONS[config.hidden_act]
        self._variables = {
            name: tf.Variable(
                weights[name],
                name=name,
                trainable=trainable,
                dtype=tf.float32 if "LayerNorm" in name else precision,
            )
            for name in variables.encoder_shapes(config)
        }

    def named_variables(self) -> dict[str, tf.Variable]:
        """The variables under their google-research names."""
        return dict(self._variables)

    def pooled(self, tokens: PackedTokens, training: bool = False) -> tf.Tensor:
        """The pooled first token of every row; the last layer runs for that token alone.

        Args:
          tokens: N tokens of B rows.
          training: whether to drop out.

        Returns:
          float32 [B, H].
        """
        layout = padded_layout(tokens)
        hidden = self._embed(tokens, training)  # [N, H]
        last = self._config.num_hidden_layers - 1
        for index in range(last):
            hidden = self._layer(index, hidden, hidden, layout, False, training)
        first = tf.gather(hidden, layout.first_tokens)  # [B, H]
        first = self._layer(last, hidden, first, layout, True, training)
        return tf.math.tanh(_as_float(self._dense(variables.POOLER, first)))

    def sequence(self, tokens: PackedTokens, training: bool = False) -> tf.Tensor:
        """The last layer's output for every token, float32 [N, H]."""
        layout = padded_layout(tokens)
        hidden = self._embed(tokens, training)
        for index in range(self._config.num_hidden_layers):
            hidden = self._layer(index, hidden, hidden, layout, False, training)
        return hidden

    def _embed(self, tokens: PackedTokens, training: bool) -> tf.Tensor:
        """Sum of the three tables, normalised: [N, H] (`embedding_postprocessor`)."""
        scope = variables.EMBEDDINGS
        embedded = (
            self._look_up(f"{scope}/word_embeddings", tokens.ids)
            + self._look_up(f"{scope}/token_type_embeddings", tokens.segment_ids)
            + self._look_up(f"{scope}/position_embeddings", tokens.positions)
        )
        return self._dropout(self._layer_norm(scope, embedded), training)

    def _layer(
        self,
        index: int,
        hidden: tf.Tensor,
        queries: tf.Tensor,
        layout: PaddedLayout,
        first_tokens_only: bool,
        training: bool,
    ) -> tf.Tensor:
        """One encoder layer (`transformer_model`).

        Args:
          index: of the layer.
          hidden: float32 [N, H], what is attended to.
          queries: float32 [N, H], the same, or [B, H], the first tokens.
          layout: of the tokens.
          first_tokens_only: whether `queries` are the first tokens.
          training: whether to drop out.

        Returns:
          float32, the shape of `queries`.
        """
        scope = variables.layer(index)
        self_scope = f"{scope}/attention/self"
        query = self._dense(f"{self_scope}/query", queries)
        key = tf.gather(self._dense(f"{self_scope}/key", hidden), layout.padded_to_packed)
        value = tf.gather(self._dense(f"{self_scope}/value", hidden), layout.padded_to_packed)
        if first_tokens_only:
            query = query[:, tf.newaxis, :]  # [B, 1, H]
        else:
            query = tf.gather(query, layout.padded_to_packed)  # [B, S, H]
        context = attention(
            query,
            key,
            value,
            layout.key_bias,
            self._config.num_attention_heads,
            self._config.attention_probs_dropout_prob if training else 0.0,
        )  # [B, S, H] or [B, 1, H]
        context = tf.reshape(context, [-1, self._config.hidden_size])
        if not first_tokens_only:
            context = tf.gather(context, layout.packed_to_padded)  # [N, H]

        output_scope = f"{scope}/attention/output"
        attended = _as_float(self._dense(f"{output_scope}/dense", context))
        attended = self._dropout(attended, training)
        attended = self._layer_norm(output_scope, attended + queries)
        inner = self._activation(self._dense(f"{scope}/intermediate/dense", attended))
        output = _as_float(self._dense(f"{scope}/output/dense", inner))
        output = self._dropout(output, training)
        return self._layer_norm(f"{scope}/output", output + attended)

    def _look_up(self, name: str, ids: tf.Tensor) -> tf.Tensor:
        """Rows of a table: int32 [N] -> float32 [N, H]."""
        return _as_float(tf.gather(self._variables[name], ids))

    def _dense(self, scope: str, inputs: tf.Tensor) -> tf.Tensor:
        """[N, I] -> [N, O] in the encoder's precision."""
        inputs = tf.cast(inputs, self._precision)
        product = tf.matmul(inputs, self._variables[f"{scope}/kernel"])
        return tf.nn.bias_add(product, self._variables[f"{scope}/bias"])

    def _layer_norm(self, scope: str, inputs: tf.Tensor) -> tf.Tensor:
        """Layer normalisation over the last axis (Ba et al. 2016)."""
        mean = tf.reduce_mean(inputs, axis=-1, keepdims=True)
        variance = tf.reduce_mean(tf.math.squared_difference(inputs, mean), axis=-1, keepdims=True)
        scaled = (inputs - mean) * tf.math.rsqrt(variance + self._config.layer_norm_eps)
        gamma = self._variables[f"{scope}/LayerNorm/gamma"]
        return scaled * gamma + self._variables[f"{scope}/LayerNorm/beta"]

    def _dropout(self, inputs: tf.Tensor, training: bool) -> tf.Tensor:
        rate = self._config.hidden_dropout_prob
        return tf.nn.dropout(inputs, rate) if training and rate else inputs


def _as_float(tensor: tf.Tensor) -> tf.Tensor:
    return tf.cast(tensor, tf.float32)
