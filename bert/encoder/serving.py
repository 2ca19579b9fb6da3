"""The encoder as it is served: weights laid out for few tokens at a time, in forms that fuse.

A product of a few rows is a matter of reading the weights. A matrix of [inputs, outputs] the CPU
kernels first copy into blocks of columns, at every call. A batch of such blocks, [blocks, inputs,
width], they read as it is; it takes no part in the fusing of bias and activation, though, which
only a matrix does. Such a matrix is [inputs, outputs] in float32, where the kernels gather single
values of [outputs, inputs], which some processors are slow at; in bfloat16 it is the other way.
"""

import copy
import functools
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from bert import variables
from bert.config import BertConfig
from bert.encoder.attention import PaddedLayout, attention, side_by_side
from bert.encoder.encoder import Encoder, as_float
from bert.encoder.float32_threshold import Float32Threshold
from bert.encoder.graphs import Premises, encode_by_premises
from bert.encoder.kernels import (
    first_two_exchanged,
    in_blocks,
    layer_norm_of_few,
    layer_norm_of_many,
    rows_first,
)
from bert.encoder.packed_tokens import PackedTokens

# Of 1 to 48: some processors are faster with more of them, others with fewer.
_WIDENING_PARTS = 2


class ServingEncoder(Encoder):
    """Answers as the trainable encoder does, and has no gradients worth the name."""

    def __init__(
        self,
        config: BertConfig,
        weights: Mapping[str, np.ndarray],
        precision: tf.DType = tf.float32,
    ) -> None:
        """Makes variables of the weights named in `encoder_shapes(config)`.

        `precision` is what tables and kernels are kept in, float32 or bfloat16. They are
        multiplied in it too, but for as many tokens as make that slower than to convert them
        first. Residuals, layer normalisation and softmax are float32 in any case.
        """
        super().__init__(config)
        self._precision = precision
        self._variables: dict[str, tf.Variable] = {}
        for name in variables.encoder_shapes(config):
            scope, _, part = name.rpartition("/")
            if "/attention/self/" in name:
                continue
            values = weights[name]
            if part == "kernel":
                values = self._laid_out(scope, values)
            if name.endswith("/attention/output/dense/bias"):
                values = values + _value_bias_in_output(weights, scope)
            is_float32 = "LayerNorm" in name or (_is_blocked(scope) and part == "bias")
            self._add_variable(name, values, tf.float32 if is_float32 else precision)
        for index in range(config.num_hidden_layers):
            self._add_projections(index, weights)
        self._float32_threshold = None if precision == tf.float32 else self._threshold()

    @property
    def _is_transposed(self) -> bool:
        """Whether matrices that fuse are kept [outputs, inputs], each in one piece."""
        return self._precision != tf.float32

    def _laid_out(self, scope: str, kernel: np.ndarray) -> np.ndarray:
        """What is kept of a dense layer's kernel [I, O]."""
        if _is_blocked(scope):
            return in_blocks(kernel)
        if self._is_transposed:
            return kernel.T
        if scope.endswith("/intermediate/dense"):
            outputs = kernel.shape[1]
            parts = 1 if outputs % _WIDENING_PARTS else _WIDENING_PARTS
            return in_blocks(kernel, outputs // parts)
        return kernel

    def _threshold(self) -> Float32Threshold:
        """Tried with the widest of a layer's products."""
        scope = f"{variables.layer(0)}/intermediate/dense"
        kept, converted = (
            functools.partial(self._under(Premises(in_float32=in_float32))._widen, scope)
            for in_float32 in (False, True)
        )
        return Float32Threshold(self._config.hidden_size, kept, converted)

    def _add_variable(self, name: str, values: np.ndarray, dtype: tf.DType) -> None:
        self._variables[name] = tf.Variable(values, name=name, trainable=False, dtype=dtype)

    def _add_projections(self, index: int, weights: Mapping[str, np.ndarray]) -> None:
        """One product for all three projections; in the last layer each has its own."""
        size_per_head = self._config.size_per_head
        scale = np.float32(size_per_head**-0.5)
        scope = f"{variables.layer(index)}/attention/self"
        # No other bias is left: that of the key adds the same to all scores of a query, which
        # softmax takes out, and that of the value is part of the output's.
        bias = (weights[f"{scope}/query/bias"] * scale).reshape(-1, 1, size_per_head)
        self._add_variable(f"{scope}/query/bias", bias, self._precision)  # [heads, 1, D]
        query, key, value = (
            in_blocks(weights[f"{scope}/{name}/kernel"], size_per_head)  # [heads, H, D]
            for name in ("query", "key", "value")
        )
        query = query * scale
        if self._is_last(index):
            kernels = {"query": query, "key": key.transpose(0, 2, 1), "value": value}
        else:
            kernels = {"query_key_value": np.concatenate([query, key, value])}
        for name, kernel in kernels.items():
            self._add_variable(f"{scope}/{name}/kernel", kernel, self._precision)

    def _is_last(self, index: int) -> bool:
        """Whether it is the layer in which first tokens may be alone in asking."""
        return index == self._config.num_hidden_layers - 1

    def _look_up(self, name: str, ids: tf.Tensor) -> tf.Tensor:
        return as_float(tf.gather(self._variables[name], ids))

    @property
    def _multiplied(self) -> tf.DType:
        """What products are made in."""
        return tf.float32 if self._premises.in_float32 else self._precision

    def _weight(self, name: str, inputs: tf.Tensor) -> tf.Tensor:
        """What `inputs` are multiplied with."""
        if not self._premises.in_float32:
            return self._factor(self._variables[name])
        # Not before it is needed, or the converted weights of all layers would be there at once.
        # An input that the conversion itself waits for would not be fused with its activation.
        with tf.control_dependencies([tf.shape(inputs)]):
            return self._factor(self._variables[name])

    def _factor(self, tensor: tf.Tensor | tf.Variable) -> tf.Tensor:
        return tf.cast(tensor, self._multiplied)

    def _dense(self, scope: str, inputs: tf.Tensor) -> tf.Tensor:
        kernel = self._weight(f"{scope}/kernel", inputs)
        if _is_blocked(scope):
            products = self._block_products(inputs, kernel)  # [blocks, N, width]
            return as_float(rows_first(products)) + self._variables[f"{scope}/bias"]
        bias = self._weight(f"{scope}/bias", inputs)
        return _product_with_bias(self._factor(inputs), kernel, bias, self._is_transposed)

    def _widen(self, scope: str, inputs: tf.Tensor) -> tf.Tensor:
        if self._is_transposed:
            return super()._widen(scope, inputs)
        # Parts of the first axis share their tensor's memory. In bfloat16 they save nothing.
        kernels = tf.unstack(self._variables[f"{scope}/kernel"])
        biases = tf.split(self._variables[f"{scope}/bias"], len(kernels))
        parts = [
            self._activation(_product_with_bias(inputs, kernel, bias, is_transposed=False))
            for kernel, bias in zip(kernels, biases, strict=True)
        ]
        return tf.concat(parts, axis=1)

    def _block_products(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """[N, I] times [blocks, I, width] -> [blocks, N, width]."""
        return tf.matmul(self._factor(inputs), kernel)

    def _query_key_value(
        self, index: int, queries: tf.Tensor, hidden: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        scope = f"{variables.layer(index)}/attention/self"
        bias = self._weight(f"{scope}/query/bias", hidden)
        if self._is_last(index):
            query, key, value = self._last_projections(scope, hidden)
            hidden = self._factor(hidden)
            query = self._block_products(queries, query) + bias
            return query, tf.matmul(hidden, key, transpose_b=True), tf.matmul(hidden, value)
        products = self._block_products(
            hidden, self._weight(f"{scope}/query_key_value/kernel", hidden)
        )
        # Slices of the first axis share their tensor's memory.
        heads = self._config.num_attention_heads
        return products[:heads] + bias, products[heads : 2 * heads], products[2 * heads :]

    def _last_projections(
        self, scope: str, hidden: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Kernels of query and value [heads, H, D], and of key, [heads, D, H]."""
        query, key, value = (
            self._weight(f"{scope}/{name}/kernel", hidden) for name in ("query", "key", "value")
        )
        return query, key, value

    def _attend(
        self,
        index: int,
        queries: tf.Tensor,
        hidden: tf.Tensor,
        layout: PaddedLayout,
        first_tokens_only: bool,
        training: bool,
    ) -> tf.Tensor:
        if not first_tokens_only:
            return super()._attend(index, queries, hidden, layout, first_tokens_only, training)
        # For a head, a first token x and any token y of its row, the score is (x Wq) (y Wk)', which
        # is (x Wq Wk') y', and the context, the sum of p y Wv, is (the sum of p y) Wv: keys and
        # values are projected once a row instead of once a token.
        scope = f"{variables.layer(index)}/attention/self"
        query_kernel, key_kernel, value_kernel = self._last_projections(scope, hidden)
        query = self._block_products(queries, query_kernel)  # [heads, B, D]
        query += self._weight(f"{scope}/query/bias", hidden)
        query = first_two_exchanged(tf.matmul(query, key_kernel))  # [B, heads, H]
        rows = layout.pad(self._factor(hidden)[tf.newaxis])  # [1, B, S, H]
        context = attention(query[tf.newaxis], rows, rows, layout.key_bias, dropout_rate=0.0)[0]
        context = tf.matmul(first_two_exchanged(context), value_kernel)  # [heads, B, D]
        return side_by_side(context[:, :, tf.newaxis], layout.first_head_places)

    def _encode(
        self, encode: Callable[[Encoder, PackedTokens], tf.Tensor], tokens: PackedTokens
    ) -> tf.Tensor:
        def encode_under(premises: Premises, tokens: PackedTokens) -> tf.Tensor:
            return encode(self._under(premises), tokens)

        threshold = self._float32_threshold
        return encode_by_premises(encode_under, tokens, threshold and threshold.read())

    def _under(self, premises: Premises) -> "ServingEncoder":
        """The same encoder, with the same variables, for tokens of which `premises` hold."""
        encoder = copy.copy(self)
        encoder._premises = premises
        return encoder

    def _layer_norm(self, scope: str, inputs: tf.Tensor) -> tf.Tensor:
        gamma = self._variables[f"{scope}/LayerNorm/gamma"]
        beta = self._variables[f"{scope}/LayerNorm/beta"]
        normalised = layer_norm_of_few if self._premises.few else layer_norm_of_many
        return normalised(inputs, gamma, beta, self._config.layer_norm_eps)


def _product_with_bias(
    inputs: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, is_transposed: bool
) -> tf.Tensor:
    """[N, I], [I, O] or transposed [O, I], and [O] -> [N, O], as fuses with an activation."""
    return tf.nn.bias_add(tf.matmul(inputs, kernel, transpose_b=is_transposed), bias)


def _is_blocked(scope: str) -> bool:
    """Whether a dense layer is one of the two after which nothing fuses: back to the width."""
    return scope.endswith("/output/dense")


def _value_bias_in_output(weights: Mapping[str, np.ndarray], output: str) -> np.ndarray:
    """What the value's bias adds to the attention's output [H]: each query's weights sum to 1."""
    value = output.replace("/output/dense", "/self/value")
    return weights[f"{value}/bias"] @ weights[f"{output}/kernel"]
