"""BERT's forward pass over packed tokens (Devlin et al. 2018; `modeling.py`), from top to bottom.

    embed -> layer -> layer -> ... -> last_layer, for first tokens alone -> pooler

N tokens of B rows, one row after the other, are [N, H] throughout. Only attention, which must not
look beyond a row, pads them. How weights are kept and multiplied is the matter of two other
modules: trainable.py has the plain way, serving.py with layouts.py the fast one.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import tensorflow as tf

from bert import variables
from bert.config import LINEAR, BertConfig
from bert.encoder.attention import PaddedLayout, attention, padded_layout, side_by_side
from bert.encoder.kernels import ACTIVATIONS, as_float
from bert.encoder.packed_tokens import PackedTokens
from bert.encoder.places import distance_bias, position_rows


class Weights(Protocol):
    """The weights of one encoder, as one pass multiplies with them; D is the width of a head."""

    def look_up(self, table: str, ids: tf.Tensor) -> tf.Tensor:
        """Rows of a table: int32 [N] -> float32 [N, H]."""

    def layer_norm(self, scope: str, inputs: tf.Tensor) -> tf.Tensor:
        """Layer normalisation over the last axis (Ba et al. 2016): float32 [N, H] -> the same."""

    def dense(self, scope: str, inputs: tf.Tensor, activation: str = LINEAR) -> tf.Tensor:
        """A dense layer and an activation: float [N, I] -> float [N, O], of any precision."""

    def layers(self, layer: "Layer", hidden: tf.Tensor, count: int) -> tf.Tensor:
        """Runs the first `count` layers, each on what the one before gave: [N, H] -> [N, H].

        `layer` is called for each of them, or once to trace the body of a loop over all.
        """

    def query_key_value(
        self, index: int | str, hidden: tf.Tensor, layout: PaddedLayout
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The projections of layer `index`, padded: float32 [N, H] -> three of [heads, B, S, D].

        The query is already divided by the square root of D.
        """

    def attend_first(
        self,
        first: tf.Tensor,
        hidden: tf.Tensor,
        attend: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor],
    ) -> tf.Tensor:
        """The context of the first tokens of the rows, in the last layer.

        Args:
          first: float32 [B, H].
          hidden: float32 [N, H].
          attend: attention, of query, key and value as `Forward` has it.

        Returns:
          float [heads, B, D].
        """


Layer = Callable[[Weights, int | str, tf.Tensor], tf.Tensor]
"""a layer: its weights, its name among them, and its input [N, H] -> its output [N, H]"""


class Forward:
    """One pass: weights, and the tokens they are asked about."""

    def __init__(
        self,
        config: BertConfig,
        weights: Weights,
        tokens: PackedTokens,
        *,
        rows_are_even: bool = False,
        dropout: Callable[[tf.Tensor, float], tf.Tensor] = lambda values, rate: values,
    ) -> None:
        """Takes N tokens of B rows.

        `rows_are_even` promises rows of one length and no attention bias; `dropout`, for training,
        sets a share of values to zero.
        """
        self._config, self._weights, self._tokens = config, weights, tokens
        self._dropout = dropout
        self._layout = padded_layout(tokens, config.num_attention_heads, rows_are_even)
        self._distance_bias = distance_bias(config, weights.look_up, self._layout.longest)

    def pooled(self) -> tf.Tensor:
        """The pooled first token of every row: float32 [B, H]."""
        first = self._last_layer(self._before_last())
        activation = ACTIVATIONS[self._config.pooler_act]
        return activation(as_float(self._weights.dense(variables.POOLER, first)))

    def sequence(self) -> tf.Tensor:
        """The last layer's output for every token: float32 [N, H]."""
        return self._layer(self._weights, self._last, self._before_last())

    @property
    def _last(self) -> int:
        return self._config.num_hidden_layers - 1

    def _before_last(self) -> tf.Tensor:
        """The last layer's input: [N, H]."""
        return self._weights.layers(self._layer, self._embed(), self._last)

    def layers(self, numbers: Sequence[int]) -> tf.Tensor:
        """The outputs of several layers side by side: float32 [N, H for each].

        `numbers` are indices of a list of the layers: -1 is the last one. For weights that run
        layer by layer: what a loop computes inside cannot be had outside it.
        """
        outputs: list[tf.Tensor] = []

        def layer(weights: Weights, index: int | str, hidden: tf.Tensor) -> tf.Tensor:
            outputs.append(self._layer(weights, index, hidden))
            return outputs[-1]

        before_last = self._weights.layers(layer, self._embed(), self._last)
        layer(self._weights, self._last, before_last)
        return tf.concat([outputs[number] for number in numbers], axis=1)

    def _embed(self) -> tf.Tensor:
        """Sum of the tables, normalised, and widened: [N, H] (`embedding_postprocessor`)."""
        scope, tokens, look_up = variables.EMBEDDINGS, self._tokens, self._weights.look_up
        embedded = look_up(f"{scope}/word_embeddings", tokens.ids)
        if self._config.type_vocab_size:
            embedded += look_up(f"{scope}/token_type_embeddings", tokens.segment_ids)
        rows = position_rows(tokens, self._config.padding_id)
        embedded += look_up(f"{scope}/position_embeddings", rows)
        hidden = self._drop_out(self._weights.layer_norm(scope, embedded))
        if self._config.embedding_size is None:
            return hidden
        return as_float(self._weights.dense(variables.EMBEDDINGS_PROJECTION, hidden))

    def _layer(self, weights: Weights, index: int | str, hidden: tf.Tensor) -> tf.Tensor:
        """An encoder layer (`transformer_model`): [N, H] -> [N, H]."""
        # [heads, B, S, D] each
        query, key, value = weights.query_key_value(index, hidden, self._layout)
        bias = self._distance_bias
        bias = None if bias is None else bias[:, tf.newaxis]
        context = self._attend(query, key, value, bias)
        context = side_by_side(context, self._layout.head_places)  # [N, H]
        return self._feed_forward(weights, index, hidden, context)

    def _last_layer(self, hidden: tf.Tensor) -> tf.Tensor:
        """The last layer for the first tokens alone, which the pooler reads: [N, H] -> [B, H]."""
        first = tf.gather(hidden, self._layout.first_tokens)
        context = self._weights.attend_first(first, hidden, self._attend_first)  # [heads, B, D]
        context = side_by_side(context[:, :, tf.newaxis], self._layout.first_head_places)
        return self._feed_forward(self._weights, self._last, first, context)

    def _attend_first(self, query: tf.Tensor, key: tf.Tensor, value: tf.Tensor) -> tf.Tensor:
        """`_attend` for the queries of first tokens, one a head: F is 1, or G is 1 and F heads.

        Key and value are those of packed tokens, [G, N, W].
        """
        padded = self._layout.pad(key)
        value = padded if value is key else self._layout.pad(value)
        bias = self._distance_bias
        if bias is not None:
            bias = tf.reshape(bias[:, 0], [query.shape[0], 1, query.shape[2], self._layout.longest])
        return self._attend(query, padded, value, bias)

    def _attend(
        self, query: tf.Tensor, key: tf.Tensor, value: tf.Tensor, bias: tf.Tensor | None
    ) -> tf.Tensor:
        """The context of queries among their rows' tokens.

        Args:
          query: float [G, B, F, W], F queries a row: G heads of width W = D, or one of W = H.
          key: float [G, B, S, W].
          value: float [G, B, S, W].
          bias: float32 [G, 1, F, S], added to the scores; None adds nothing.

        Returns:
          float [G, B, F, W].
        """
        rate = self._config.attention_probs_dropout_prob
        return attention(
            query,
            key,
            value,
            [added for added in (self._layout.key_bias, bias) if added is not None],
            lambda probabilities: self._dropout(probabilities, rate),
        )

    def _feed_forward(
        self, weights: Weights, index: int | str, hidden: tf.Tensor, context: tf.Tensor
    ) -> tf.Tensor:
        """The part of a layer after attention, which sees each token by itself.

        Args:
          weights: of the layer.
          index: its name among them.
          hidden: float32 [M, H], the layer's input.
          context: float [M, H], the output of attention.

        Returns:
          float32 [M, H].
        """
        scope = variables.layer(index)
        attended = as_float(weights.dense(f"{scope}/{variables.ATTENTION_OUTPUT}", context))
        attended = self._drop_out(attended) + hidden
        attended = weights.layer_norm(f"{scope}/attention/output", attended)

        activation = self._config.hidden_act
        inner = weights.dense(f"{scope}/{variables.INTERMEDIATE}", attended, activation)
        output = as_float(weights.dense(f"{scope}/{variables.OUTPUT}", inner))
        output = self._drop_out(output) + attended
        return weights.layer_norm(f"{scope}/output", output)

    def _drop_out(self, values: tf.Tensor) -> tf.Tensor:
        return self._dropout(values, self._config.hidden_dropout_prob)
