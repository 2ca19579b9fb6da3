"""How each matrix is kept, and the product that reads it so: every trick, one class a trick.

Reading the weights takes most of the time of a product of few rows, so their order matters. A
layout has two halves: `keep` makes the arrays to save, and a product reads the tensors of the same
names. The table LAYOUTS at the end gives each matrix its layout in each precision. N is the number
of tokens, H the width of the encoder, D that of a head.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
import tensorflow as tf

from bert.encoder.kernels import as_float, first_two_exchanged
from bert.encoder.precision import BFLOAT16, FLOAT32
from bert.variables import ATTENTION_OUTPUT, EMBEDDINGS_PROJECTION, INTERMEDIATE, OUTPUT, POOLER

Arrays = Mapping[str, np.ndarray]
Tensors = Mapping[str, tf.Tensor]
Attend = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
"""query [G, B, F, W], key and value of all tokens [G, N, W] -> context [G, B, F, W]"""

# Of the widths 32 to 384, the fastest with 4 to 60 rows.
_WIDEST_BLOCK = 64


class Layout(Protocol):
    """The layout of a dense layer."""

    def keep(self, kernel: np.ndarray, bias: np.ndarray) -> Arrays:
        """The arrays to save for a kernel [I, O] and a bias [O]."""

    def product(self, inputs: tf.Tensor, kept: Tensors) -> tf.Tensor:
        """The dense layer: float [N, I] -> float [N, O], of any precision."""


@dataclasses.dataclass(frozen=True)
class Matrix:
    """[I, O] in one piece: bias and activation fuse with the product.

    Float32 is faster this way than transposed: widening 20 tokens of BERT-base takes 980 us, not
    1,753 (Zen 4, whose kernels gather single values from a transposed matrix).
    """

    dtype: tf.DType

    def keep(self, kernel: np.ndarray, bias: np.ndarray) -> Arrays:
        """[I, O], [O] -> the same."""
        return {"kernel": _as(self.dtype, kernel), "bias": _as(self.dtype, bias)}

    def product(self, inputs: tf.Tensor, kept: Tensors) -> tf.Tensor:
        """[N, I] -> [N, O]."""
        return tf.nn.bias_add(_product(inputs, kept["kernel"]), kept["bias"])


@dataclasses.dataclass(frozen=True)
class Transposed:
    """[O, I] in one piece, with the same fusion.

    Bfloat16 is faster so: widening 8 tokens takes 590 us, not 830 (AMX; both 661 on Zen 4).
    """

    dtype: tf.DType

    def keep(self, kernel: np.ndarray, bias: np.ndarray) -> Arrays:
        """[I, O], [O] -> [O, I], [O]."""
        return {"kernel": _as(self.dtype, kernel.T), "bias": _as(self.dtype, bias)}

    def product(self, inputs: tf.Tensor, kept: Tensors) -> tf.Tensor:
        """[N, I] -> [N, O]."""
        return tf.nn.bias_add(_product(inputs, kept["kernel"], transpose_b=True), kept["bias"])


@dataclasses.dataclass(frozen=True)
class Blocks:
    """Blocks of columns [blocks, I, width], for layers without an activation to fuse with.

    Kernels copy a matrix [I, O] into such blocks at every call; they read these in place. Narrowing
    8 tokens of BERT-base takes 420 us, not 550 transposed (bfloat16 with AMX).
    """

    dtype: tf.DType

    def keep(self, kernel: np.ndarray, bias: np.ndarray) -> Arrays:
        """[I, O], [O] -> [blocks, I, width], float32 [O]."""
        outputs = kernel.shape[1]
        width = max(width for width in range(1, _WIDEST_BLOCK + 1) if outputs % width == 0)
        return {"kernel": _as(self.dtype, in_blocks(kernel, width)), "bias": bias}

    def product(self, inputs: tf.Tensor, kept: Tensors) -> tf.Tensor:
        """[N, I] -> float32 [N, O]."""
        products = _product(inputs, kept["kernel"])  # [blocks, N, width]
        blocks, _, width = products.shape
        rows = tf.reshape(first_two_exchanged(products), [-1, blocks * width])
        return as_float(rows) + kept["bias"]


@dataclasses.dataclass(frozen=True)
class Projections:
    """The kernels of self-attention by heads, and the query's bias.

    The key has no bias: it would add the same to all scores of a query, which softmax takes out.
    The value's bias is part of the bias of attention's output.
    """

    query: np.ndarray
    """[heads, H, D], divided by the square root of D"""

    key: np.ndarray
    value: np.ndarray

    bias: np.ndarray
    """[heads, 1, D], divided likewise"""


@dataclasses.dataclass(frozen=True)
class HeadBlocks:
    """Query, key and value of all heads as one batch of blocks [3 * heads, H, D]: one product.

    A request of 8 tokens takes 36.0 ms, not 43.0 with one matrix [H, 3 H] (BERT-base).
    """

    dtype: tf.DType

    def keep(self, projections: Projections) -> Arrays:
        """A kernel [3 * heads, H, D], and the query's bias."""
        kernel = np.concatenate([projections.query, projections.key, projections.value])
        return {"kernel": _as(self.dtype, kernel), "bias": _as(self.dtype, projections.bias)}

    def project(self, hidden: tf.Tensor, kept: Tensors) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """[N, H] -> query, key and value [heads, N, D]."""
        products = _product(hidden, kept["kernel"])
        # Slices of the first axis share memory with their tensor.
        heads = kept["bias"].shape[0]
        query = products[:heads] + kept["bias"]
        return query, products[heads : 2 * heads], products[2 * heads :]


@dataclasses.dataclass(frozen=True)
class LastHeadBlocks:
    """Query, key and value of the last layer, where first tokens alone have a query.

    For a head, a first token x and any token y of its row, the score (x Wq) (y Wk)' equals
    (x Wq Wk') y', and the context, the sum of p y Wv, equals (the sum of p y) Wv. So keys and
    values are projected once a row, not once a token: 1.4 % fewer operations at 8 x 128.
    """

    dtype: tf.DType

    def keep(self, projections: Projections) -> Arrays:
        """Kernels of query and value [heads, H, D], and of key, [heads, D, H]."""
        kept = {
            "query": projections.query,
            "key": projections.key.transpose(0, 2, 1),
            "value": projections.value,
            "bias": projections.bias,
        }
        return {name: _as(self.dtype, values) for name, values in kept.items()}

    def project(self, hidden: tf.Tensor, kept: Tensors) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """[N, H] -> query, key and value [heads, N, D]."""
        hidden = tf.cast(hidden, kept["key"].dtype)
        query = _product(hidden, kept["query"]) + kept["bias"]
        key = _product(hidden, kept["key"], transpose_b=True)
        return query, key, _product(hidden, kept["value"])

    def attend_first(
        self, first: tf.Tensor, hidden: tf.Tensor, kept: Tensors, attend: Attend
    ) -> tf.Tensor:
        """The context of first tokens [B, H] among their rows' tokens [N, H]: [heads, B, D]."""
        query = _product(first, kept["query"]) + kept["bias"]  # [heads, B, D]
        query = first_two_exchanged(_product(query, kept["key"]))  # [B, heads, H]
        tokens = tf.cast(hidden, kept["key"].dtype)[tf.newaxis]  # [1, N, H]
        context = attend(query[tf.newaxis], tokens, tokens)[0]  # [B, heads, H]
        return _product(first_two_exchanged(context), kept["value"])


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of vectors, whose rows are looked up."""

    dtype: tf.DType

    def keep(self, table: np.ndarray) -> Arrays:
        """[V, H] -> the same."""
        return {"table": _as(self.dtype, table)}

    def look_up(self, ids: tf.Tensor, kept: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Rows of the table: int32 [N] -> float32 [N, H]."""
        return as_float(tf.gather(kept["table"], ids))


def in_blocks(kernel: np.ndarray, width: int) -> np.ndarray:
    """[I, O] -> [O / width, I, width].

    [[0, 1, 2, 3], [4, 5, 6, 7]] with a width of 2 is [[[0, 1], [4, 5]], [[2, 3], [6, 7]]].
    """
    return kernel.reshape(kernel.shape[0], -1, width).transpose(1, 0, 2)


def _as(dtype: tf.DType, values: np.ndarray) -> np.ndarray:
    return values.astype(dtype.as_numpy_dtype)


def _product(inputs: tf.Tensor, kernel: tf.Tensor, transpose_b: bool = False) -> tf.Tensor:
    """The product of matrices, in the precision of the second."""
    return tf.matmul(tf.cast(inputs, kernel.dtype), kernel, transpose_b=transpose_b)


@dataclasses.dataclass(frozen=True)
class Layouts:
    """The layout of each matrix."""

    tables: Table
    heads: HeadBlocks
    last_heads: LastHeadBlocks
    dense: Mapping[str, Layout]
    """the others, by their names in bert/variables.py"""


LAYOUTS: Mapping[str, Layouts] = {
    FLOAT32: Layouts(
        tables=Table(tf.float32),
        heads=HeadBlocks(tf.float32),
        last_heads=LastHeadBlocks(tf.float32),
        dense={
            EMBEDDINGS_PROJECTION: Blocks(tf.float32),
            ATTENTION_OUTPUT: Blocks(tf.float32),
            INTERMEDIATE: Matrix(tf.float32),
            OUTPUT: Blocks(tf.float32),
            POOLER: Matrix(tf.float32),
        },
    ),
    BFLOAT16: Layouts(
        tables=Table(tf.bfloat16),
        heads=HeadBlocks(tf.bfloat16),
        last_heads=LastHeadBlocks(tf.bfloat16),
        dense={
            EMBEDDINGS_PROJECTION: Blocks(tf.bfloat16),
            ATTENTION_OUTPUT: Blocks(tf.bfloat16),
            INTERMEDIATE: Transposed(tf.bfloat16),
            OUTPUT: Blocks(tf.bfloat16),
            POOLER: Transposed(tf.bfloat16),
        },
    ),
}
