"""The BERT encoder on packed tokens: dense layers see [tokens, hidden], never padding."""

import abc
from collections.abc import Callable, Mapping

import tensorflow as tf

from bert import variables
from bert.config import GELU_ERF, GELU_TANH, LINEAR, RELU, TANH, BertConfig
from bert.encoder.attention import PaddedLayout, attention, padded_layout, side_by_side
from bert.encoder.graphs import NO_PREMISES
from bert.encoder.packed_tokens import PackedTokens

_ACTIVATION_FUNCTIONS: Mapping[str, Callable[[tf.Tensor], tf.Tensor]] = {
    GELU_TANH: lambda x: tf.nn.gelu(x, approximate=True),
    GELU_ERF: lambda x: tf.nn.gelu(x, approximate=False),
    RELU: tf.nn.relu,
    TANH: tf.math.tanh,
    LINEAR: tf.identity,
}


class Encoder(tf.Module, abc.ABC):
    """Embeddings, encoder layers and pooler of `modeling.py`'s `BertModel`.

    How weights are kept and multiplied is left to two kinds: one to train, one to serve.
    """

    def __init__(self, config: BertConfig) -> None:
        """Takes the shape of the encoder."""
        super().__init__(name="encoder")
        self._config = config
        self._activation = _ACTIVATION_FUNCTIONS[config.hidden_act]
        self._premises = NO_PREMISES

    @abc.abstractmethod
    def _look_up(self, name: str, ids: tf.Tensor) -> tf.Tensor:
        """Rows of a table: int32 [N] -> float32 [N, H]."""

    @abc.abstractmethod
    def _dense(self, scope: str, inputs: tf.Tensor) -> tf.Tensor:
        """A dense layer: float [N, I] -> float [N, O], of any precision."""

    @abc.abstractmethod
    def _query_key_value(
        self, index: int, queries: tf.Tensor, hidden: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The three projections of layer `index`, by heads of D.

        Args:
          index: of the layer.
          queries: float32 [M, H], the tokens that attend.
          hidden: float32 [N, H], the tokens that are attended to; `queries` itself in all
            layers but the last.

        Returns:
          Query [heads, M, D], already divided by the square root of D; key and value
          [heads, N, D].
        """

    @abc.abstractmethod
    def _layer_norm(self, scope: str, inputs: tf.Tensor) -> tf.Tensor:
        """Layer normalisation over the last axis (Ba et al. 2016): float32 [N, H] -> the same."""

    def _encode(
        self, encode: Callable[["Encoder", PackedTokens], tf.Tensor], tokens: PackedTokens
    ) -> tf.Tensor:
        """Runs `encode` with an encoder that is right for `tokens`."""
        return encode(self, tokens)

    def pooled(self, tokens: PackedTokens, training: bool = False) -> tf.Tensor:
        """The pooled first token of every row; the last layer runs for that token alone.

        Args:
          tokens: N tokens of B rows.
          training: whether to drop out.

        Returns:
          float32 [B, H].
        """

        def encode(encoder: Encoder, tokens: PackedTokens) -> tf.Tensor:
            last = encoder._config.num_hidden_layers - 1
            hidden, layout = encoder._run_layers(last, tokens, training)  # [N, H]
            first = tf.gather(hidden, layout.first_tokens)  # [B, H]
            first = encoder._layer(last, hidden, first, layout, True, training)
            return tf.math.tanh(as_float(encoder._dense(variables.POOLER, first)))

        return self._encode(encode, tokens)

    def sequence(self, tokens: PackedTokens, training: bool = False) -> tf.Tensor:
        """The last layer's output for every token, float32 [N, H]."""

        def encode(encoder: Encoder, tokens: PackedTokens) -> tf.Tensor:
            return encoder._run_layers(encoder._config.num_hidden_layers, tokens, training)[0]

        return self._encode(encode, tokens)

    def _run_layers(
        self, count: int, tokens: PackedTokens, training: bool
    ) -> tuple[tf.Tensor, PaddedLayout]:
        """What the first `count` layers make of the tokens, float32 [N, H], and their layout."""
        layout = padded_layout(tokens, self._config.num_attention_heads, self._premises)
        hidden = self._embed(tokens, training)
        for index in range(count):
            hidden = self._layer(index, hidden, hidden, layout, False, training)
        return hidden, layout

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
        context = self._attend(index, queries, hidden, layout, first_tokens_only, training)

        output_scope = f"{scope}/attention/output"
        attended = as_float(self._dense(f"{output_scope}/dense", context))
        attended = self._dropout(attended, training)
        attended = self._layer_norm(output_scope, attended + queries)
        inner = self._widen(f"{scope}/intermediate/dense", attended)
        output = as_float(self._dense(f"{scope}/output/dense", inner))
        output = self._dropout(output, training)
        return self._layer_norm(f"{scope}/output", output + attended)

    def _widen(self, scope: str, inputs: tf.Tensor) -> tf.Tensor:
        """The dense layer with the activation: float32 [N, H] -> float [N, I]."""
        return self._activation(self._dense(scope, inputs))

    def _attend(
        self,
        index: int,
        queries: tf.Tensor,
        hidden: tf.Tensor,
        layout: PaddedLayout,
        first_tokens_only: bool,
        training: bool,
    ) -> tf.Tensor:
        """What `queries` find in their rows, before the output's projection; as in `_layer`."""
        query, key, value = self._query_key_value(index, queries, hidden)
        if first_tokens_only:
            query, places = query[:, :, tf.newaxis], layout.first_head_places
        else:
            query, places = layout.pad(query), layout.head_places
        dropout_rate = self._config.attention_probs_dropout_prob if training else 0.0
        context = attention(
            query, layout.pad(key), layout.pad(value), layout.key_bias, dropout_rate
        )
        return side_by_side(context, places)

    def _dropout(self, inputs: tf.Tensor, training: bool) -> tf.Tensor:
        rate = self._config.hidden_dropout_prob
        return tf.nn.dropout(inputs, rate) if training and rate else inputs


def as_float(tensor: tf.Tensor) -> tf.Tensor:
    """Float of any precision -> float32."""
    return tf.cast(tensor, tf.float32)
