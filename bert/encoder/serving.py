"""The encoder as it is served: weights kept as layouts.py says, a graph for each case."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from bert import variables
from bert.config import BertConfig
from bert.encoder.float32_threshold import Float32Threshold
from bert.encoder.forward import ACTIVATIONS, Forward
from bert.encoder.graphs import Case, run_by_case
from bert.encoder.kernels import as_float, layer_norm_of_few, layer_norm_of_many
from bert.encoder.layouts import LAYOUTS, Arrays, Attend, Layouts, Projections, Table, in_blocks
from bert.encoder.packed_tokens import PackedTokens
from bert.encoder.precision import FLOAT32, PRECISIONS


class ServingEncoder(tf.Module):
    """Answers like the trainable encoder, for requests of any size; without useful gradients."""

    def __init__(
        self, config: BertConfig, weights: Mapping[str, np.ndarray], precision: str = FLOAT32
    ) -> None:
        """Makes variables of the weights named in `encoder_shapes(config)`.

        `precision`, one of PRECISIONS, is that of tables and kernels. Residuals, layer
        normalisation and softmax are float32 in any case.
        """
        super().__init__(name="encoder")
        self._config = config
        self._layouts: dict[str, Any] = {}
        self._kept: dict[str, dict[str, tf.Variable]] = {}
        for scope, layout, arrays in _kept_arrays(config, weights, LAYOUTS[precision]):
            self._layouts[scope] = layout
            self._kept[scope] = {
                name: tf.Variable(values, name=f"{scope}/{name}", trainable=False)
                for name, values in arrays.items()
            }
        self._threshold = None
        if PRECISIONS[precision].tries_float32:
            kept, converted = (
                functools.partial(self._widen, Case(in_float32=in_float32))
                for in_float32 in (False, True)
            )
            self._threshold = Float32Threshold(config.hidden_size, kept, converted)

    def pooled(self, tokens: PackedTokens) -> tf.Tensor:
        """The pooled first token of every row: float32 [B, H]."""
        return self._run(Forward.pooled, tokens)

    def sequence(self, tokens: PackedTokens) -> tf.Tensor:
        """The last layer's output for every token: float32 [N, H]."""
        return self._run(Forward.sequence, tokens)

    def layers(self, tokens: PackedTokens, numbers: Sequence[int]) -> tf.Tensor:
        """The outputs of several layers side by side; see `Forward.layers`."""
        return self._run(lambda forward: forward.layers(numbers), tokens)

    def _run(self, output: Callable[[Forward], tf.Tensor], tokens: PackedTokens) -> tf.Tensor:
        def run(case: Case, tokens: PackedTokens) -> tf.Tensor:
            weights = self._weights(case)
            return output(Forward(self._config, weights, tokens, rows_are_even=case.even))

        return run_by_case(run, tokens, self._threshold and self._threshold.read())

    def _weights(self, case: Case) -> "_CaseWeights":
        return _CaseWeights(self._config, self._layouts, self._kept, case)

    def _widen(self, case: Case, inputs: tf.Tensor) -> tf.Tensor:
        """The widest of a layer's products, with its activation: float32 [N, H] -> [N, I]."""
        scope = f"{variables.layer(0)}/{variables.INTERMEDIATE}"
        return ACTIVATIONS[self._config.hidden_act](self._weights(case).dense(scope, inputs))


class _CaseWeights:
    """The weights as the graph of one case multiplies with them; see `forward.Weights`."""

    def __init__(
        self,
        config: BertConfig,
        layouts: Mapping[str, Any],
        kept: Mapping[str, Mapping[str, tf.Variable]],
        case: Case,
    ) -> None:
        self._config, self._layouts, self._kept, self._case = config, layouts, kept, case

    def look_up(self, table: str, ids: tf.Tensor) -> tf.Tensor:
        return self._layouts[table].look_up(ids, self._kept[table])

    def layer_norm(self, scope: str, inputs: tf.Tensor) -> tf.Tensor:
        kept = self._kept[f"{scope}/LayerNorm"]
        normalised = layer_norm_of_few if self._case.few else layer_norm_of_many
        return normalised(inputs, kept["gamma"], kept["beta"], self._config.layer_norm_eps)

    def dense(self, scope: str, inputs: tf.Tensor) -> tf.Tensor:
        return self._layouts[scope].product(inputs, self._factors(scope, inputs))

    def query_key_value(
        self, index: int, hidden: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        scope = variables.self_attention(index)
        return self._layouts[scope].project(hidden, self._factors(scope, hidden))

    def attend_first(self, first: tf.Tensor, hidden: tf.Tensor, attend: Attend) -> tf.Tensor:
        scope = variables.self_attention(self._config.num_hidden_layers - 1)
        kept = self._factors(scope, hidden)
        return self._layouts[scope].attend_first(first, hidden, kept, attend)

    def _factors(self, scope: str, inputs: tf.Tensor) -> Mapping[str, tf.Tensor]:
        """The tensors to multiply `inputs` with."""
        kept = self._kept[scope]
        if not self._case.in_float32:
            return kept
        # Not before they are needed: converted weights of all layers at once take much memory. But
        # not after `inputs` itself: that would keep the product from fusing with its activation.
        with tf.control_dependencies([tf.shape(inputs)]):
            return {name: as_float(values) for name, values in kept.items()}


def _kept_arrays(
    config: BertConfig, weights: Mapping[str, np.ndarray], layouts: Layouts
) -> Iterator[tuple[str, Any, Arrays]]:
    """Each scope with its layout and the arrays to keep."""

    def dense(scope: str) -> tuple[np.ndarray, np.ndarray]:
        return weights[f"{scope}/kernel"], weights[f"{scope}/bias"]

    for table in ("word_embeddings", "token_type_embeddings", "position_embeddings"):
        scope = f"{variables.EMBEDDINGS}/{table}"
        if scope in weights:  # an encoder may have no token types
            yield scope, layouts.tables, layouts.tables.keep(weights[scope])
    if variables.RELATIVE_ATTENTION_BIAS in weights:
        # So small that its precision costs nothing.
        scope, small = variables.RELATIVE_ATTENTION_BIAS, Table(tf.float32)
        yield scope, small, small.keep(weights[scope])
    if config.table_width != config.hidden_size:
        scope = variables.EMBEDDINGS_PROJECTION
        yield scope, layouts.dense[scope], layouts.dense[scope].keep(*dense(scope))
    norms = [variables.EMBEDDINGS]
    for index in range(config.num_hidden_layers):
        layer, attention = variables.layer(index), variables.self_attention(index)
        norms += [f"{layer}/attention/output", f"{layer}/output"]
        is_last = index == config.num_hidden_layers - 1
        heads = layouts.last_heads if is_last else layouts.heads
        yield attention, heads, heads.keep(_projections(config, weights, attention))
        for name in (variables.ATTENTION_OUTPUT, variables.INTERMEDIATE, variables.OUTPUT):
            kernel, bias = dense(f"{layer}/{name}")
            if name == variables.ATTENTION_OUTPUT:
                # The weights of a query sum to 1, so the value's bias adds a constant.
                bias = bias + weights[f"{attention}/value/bias"] @ kernel
            yield f"{layer}/{name}", layouts.dense[name], layouts.dense[name].keep(kernel, bias)
    if config.has_pooler:
        layout = layouts.dense[variables.POOLER]
        yield variables.POOLER, layout, layout.keep(*dense(variables.POOLER))
    for norm in norms:
        scope = f"{norm}/LayerNorm"
        yield scope, None, {name: weights[f"{scope}/{name}"] for name in ("gamma", "beta")}


def _projections(config: BertConfig, weights: Mapping[str, np.ndarray], scope: str) -> Projections:
    """The kernels of query, key and value, by heads."""
    scale = np.float32(config.size_per_head**-0.5)
    query, key, value = (
        in_blocks(weights[f"{scope}/{name}/kernel"], config.size_per_head)
        for name in ("query", "key", "value")
    )
    bias = (weights[f"{scope}/query/bias"] * scale).reshape(-1, 1, config.size_per_head)
    return Projections(query * scale, key, value, bias)
