"""The encoder as it is served: weights laid out for few tokens at a time, in forms that fuse.

A product of a few rows is a matter of reading the weights. A matrix of [inputs, outputs] the CPU
kernels first copy into blocks of columns, at every call. A batch of such blocks, [blocks, inputs,
width], they read as it is; it takes no part in the fusing of bias and activation, though, which
the matrix [outputs, inputs] does.
"""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from bert import variables
from bert.config import BertConfig
from bert.encoder import Encoder, as_float

# Of the widths 32 to 384, the fastest with 4 to 60 rows.
_WIDEST_BLOCK = 64

# Up to so many rows, layer normalisation is faster in several kernels.
_FEW_ROWS = 96


class ServingEncoder(Encoder):
    """Answers as the trainable encoder does, and has no gradients worth the name."""

    def __init__(
        self,
        config: BertConfig,
        weights: Mapping[str, np.ndarray],
        precision: tf.DType = tf.float32,
    ) -> None:
        """Makes variables of the weights named in `encoder_shapes(config)`.

        `precision` is what tables, kernels and biases are kept and multiplied in, float32 or
        bfloat16; residuals, layer normalisation and softmax are float32 in either.
        """
        super().__init__(config)
        self._precision = precision
        self._variables: dict[str, tf.Variable] = {}
        layers = [variables.layer(index) for index in range(config.num_hidden_layers)]
        outputs = [
            f"{layer}/{dense}"
            for layer in layers
            for dense in ("attention/output/dense", "output/dense")
        ]
        # In bfloat16 a blocked product of more than eight rows is no faster than a fused one.
        self._blocked = frozenset(outputs if precision == tf.float32 else ())
        for name in variables.encoder_shapes(config):
            scope, _, part = name.rpartition("/")
            if "/attention/self/" in name:
                continue
            values = weights[name]
            if part == "kernel":
                in_blocks = scope in self._blocked
                values = (
                    _in_blocks(values, _block_width(values.shape[1])) if in_blocks else values.T
                )
            self._add_variable(name, values, tf.float32 if "LayerNorm" in name else precision)
        for index in range(config.num_hidden_layers):
            self._add_projections(index, weights)

    def _add_variable(self, name: str, values: np.ndarray, dtype: tf.DType) -> None:
        self._variables[name] = tf.Variable(values, name=name, trainable=False, dtype=dtype)

    def _add_projections(self, index: int, weights: Mapping[str, np.ndarray]) -> None:
        """One product for all three projections; in the last layer the query has its own."""
        size_per_head = self._config.size_per_head
        scope = f"{variables.layer(index)}/attention/self"
        for together in self._projections(index):
            kernels, biases = [], []
            for projection in together:
                scale = np.float32(size_per_head**-0.5 if projection == "query" else 1)
                kernel = weights[f"{scope}/{projection}/kernel"] * scale
                bias = weights[f"{scope}/{projection}/bias"] * scale
                kernels.append(_in_blocks(kernel, size_per_head))  # [heads, H, D]
                biases.append(bias.reshape(-1, 1, size_per_head))  # [heads, 1, D]
            name = f"{scope}/{'_'.join(together)}"
            self._add_variable(f"{name}/kernel", np.concatenate(kernels), self._precision)
            self._add_variable(f"{name}/bias", np.concatenate(biases), self._precision)

    def _projections(self, index: int) -> tuple[tuple[str, ...], ...]:
        """Which projections are made in one product: in the last layer only [CLS] may ask."""
        if index == self._config.num_hidden_layers - 1:
            return ("query",), ("key", "value")
        return (("query", "key", "value"),)

    def _look_up(self, name: str, ids: tf.Tensor) -> tf.Tensor:
        return as_float(tf.gather(self._variables[name], ids))

    def _dense(self, scope: str, inputs: tf.Tensor) -> tf.Tensor:
        kernel, bias = self._variables[f"{scope}/kernel"], self._variables[f"{scope}/bias"]
        if scope in self._blocked:
            blocks = self._block_products(inputs, kernel)  # [blocks, N, width]
            return _rows_first(blocks) + bias
        product = tf.matmul(tf.cast(inputs, self._precision), kernel, transpose_b=True)
        return tf.nn.bias_add(product, bias)

    def _block_products(self, inputs: tf.Tensor, kernel: tf.Variable) -> tf.Tensor:
        """[N, I] times [blocks, I, width] -> [blocks, N, width]."""
        return tf.matmul(tf.cast(inputs, self._precision)[tf.newaxis], kernel)

    def _query_key_value(
        self, index: int, queries: tf.Tensor, hidden: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        scope = f"{variables.layer(index)}/attention/self"
        heads = self._config.num_attention_heads
        projected: list[tf.Tensor] = []
        for together in self._projections(index):
            name = f"{scope}/{'_'.join(together)}"
            inputs = queries if "query" in together else hidden
            products = self._block_products(inputs, self._variables[f"{name}/kernel"])
            products += self._variables[f"{name}/bias"]
            # Slices of the first axis share their tensor's memory.
            projected += [
                products[start : start + heads] for start in range(0, len(together) * heads, heads)
            ]
        query, key, value = projected
        return query, key, value

    def _merge_heads(self, context: tf.Tensor) -> tf.Tensor:
        return _rows_first(context)

    def _layer_norm(self, scope: str, inputs: tf.Tensor) -> tf.Tensor:
        gamma = self._variables[f"{scope}/LayerNorm/gamma"]
        beta = self._variables[f"{scope}/LayerNorm/beta"]
        epsilon = self._config.layer_norm_eps
        return tf.cond(
            tf.shape(inputs)[0] <= _FEW_ROWS,
            lambda: _layer_norm_of_few(inputs, gamma, beta, epsilon),
            lambda: _layer_norm_of_many(inputs, gamma, beta, epsilon),
        )


def _layer_norm_of_few(
    inputs: tf.Tensor, gamma: tf.Variable, beta: tf.Variable, epsilon: float
) -> tf.Tensor:
    """Layer normalisation in nine small kernels: float32 [N, H] -> the same."""
    centred = inputs - tf.reduce_mean(inputs, axis=-1, keepdims=True)
    variance = tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True)
    return centred * tf.math.rsqrt(variance + epsilon) * gamma + beta


def _layer_norm_of_many(
    inputs: tf.Tensor, gamma: tf.Variable, beta: tf.Variable, epsilon: float
) -> tf.Tensor:
    """The same as a batch normalisation in which every row is a channel of its own.

    It is the one form, with a gamma and beta that are variables, of which TensorFlow makes a
    single kernel. That kernel prepares itself anew at every call, for 0.1 ms.
    """
    rows, width = tf.shape(inputs)[0], inputs.shape[1]
    none = tf.constant([], tf.float32)
    normalised = tf.raw_ops.FusedBatchNormV3(
        x=tf.reshape(inputs, [1, rows, width, 1]),
        scale=tf.fill([rows], 1.0),
        offset=tf.fill([rows], 0.0),
        mean=none,
        variance=none,
        epsilon=epsilon,
        data_format="NCHW",
        is_training=True,
    ).y
    return tf.reshape(normalised, tf.shape(inputs)) * gamma + beta


def _block_width(outputs: int) -> int:
    """The widest that divides `outputs` and is not above 64."""
    return max(width for width in range(1, _WIDEST_BLOCK + 1) if outputs % width == 0)


def _in_blocks(kernel: np.ndarray, width: int) -> np.ndarray:
    """[I, O] -> [O / width, I, width]."""
    return kernel.reshape(kernel.shape[0], -1, width).transpose(1, 0, 2)


def _rows_first(blocks: tf.Tensor) -> tf.Tensor:
    """[blocks, N, width] -> [N, blocks * width]."""
    # As integers: TensorFlow's transposition of floats by oneDNN costs 60 us even if there are
    # eight rows, its own of any other type 8.
    integers = {tf.float32: tf.int32, tf.bfloat16: tf.int16}[blocks.dtype]
    moved = tf.transpose(tf.bitcast(blocks, integers), [1, 0, 2])
    return tf.reshape(tf.bitcast(moved, blocks.dtype), [-1, blocks.shape[0] * blocks.shape[2]])
