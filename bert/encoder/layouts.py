"""How each matrix is kept, and the product that reads it so: every trick, one class a trick.

Reading the weights takes most of the time of a product of few rows, so their order matters. A
layout has two halves: `keep` makes the arrays to save, and a product reads the tensors of the same
names. layout_table.py gives each matrix its layout in each precision. N is the number of tokens, H
the width of the encoder, D that of a head.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
import tensorflow as tf

from bert.config import LINEAR
from bert.encoder.attention import PaddedLayout
from bert.encoder.calibration import InputRange
from bert.encoder.graphs import Case
from bert.encoder.kernels import SCALED_ACTIVATIONS, Factors, as_float, first_two_exchanged
from bert.encoder.projections import Projections, in_blocks

Arrays = Mapping[str, np.ndarray]
Tensors = Mapping[str, tf.Tensor]
Attend = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
"""query [G, B, F, W], key and value of all tokens [G, N, W] -> context [G, B, F, W]"""

# Of the widths 32 to 384, the fastest with 4 to 60 rows.
_WIDEST_BLOCK = 64


class Layout(Protocol):
    """The layout of a dense layer."""

    def keep(self, kernel: np.ndarray, bias: np.ndarray | None, seen: InputRange) -> Arrays:
        """The arrays to save for a kernel [I, O] and a bias [O], which some layers do without.

        `seen` is what calibration saw of the inputs; NOTHING_SEEN without one.
        """

    def divisors(self, kernel: np.ndarray, seen: InputRange) -> np.ndarray:
        """What whatever makes its inputs should divide their columns by, if it can: float32 [I]."""
        return np.ones(len(kernel), np.float32)

    def factors(self, activation: str) -> Factors:
        """What weights before and behind an activation have to take over for `product`."""
        return SCALED_ACTIVATIONS[activation].factors

    def product(
        self, inputs: tf.Tensor, kept: Tensors, case: Case, activation: str = LINEAR
    ) -> tf.Tensor:
        """The dense layer and the rest of an activation: float [N, I] -> float32 [N, O]."""


@dataclasses.dataclass(frozen=True)
class Blocks(Layout):
    """Blocks of columns [blocks, I, width].

    Kernels copy a matrix [I, O] into such blocks at every call; they read these in place. Narrowing
    8 tokens of BERT-base takes 420 us, not 550 transposed (bfloat16 with AMX).
    """

    dtype: tf.DType

    def keep(self, kernel: np.ndarray, bias: np.ndarray | None, seen: InputRange) -> Arrays:
        """[I, O], [O] -> [blocks, I, width], float32 [O]."""
        outputs = kernel.shape[1]
        width = max(width for width in range(1, _WIDEST_BLOCK + 1) if outputs % width == 0)
        return {"kernel": _as(self.dtype, in_blocks(kernel, width)), **named_bias(bias)}

    def product(
        self, inputs: tf.Tensor, kept: Tensors, case: Case, activation: str = LINEAR
    ) -> tf.Tensor:
        """[N, I] -> float32 [N, O]."""
        products = _product(inputs, kept["kernel"])  # [blocks, N, width]
        blocks, _, width = products.shape
        rows = tf.reshape(first_two_exchanged(products), [-1, blocks * width])
        return activated(as_float(rows), kept, activation)


@dataclasses.dataclass(frozen=True)
class HeadBlocks:
    """Query, key and value of all heads as one batch of blocks [3 * heads, H, D]: one product.

    A request of 8 tokens takes 36.0 ms, not 43.0 with one matrix [H, 3 H] (BERT-base).
    """

    dtype: tf.DType

    def keep(self, projections: Projections, seen: InputRange) -> Arrays:
        """A kernel [3 * heads, H, D], and the query's bias."""
        kernel = np.concatenate([projections.query, projections.key, projections.value])
        return {"kernel": _as(self.dtype, kernel), "bias": _as(self.dtype, projections.bias)}

    def project(
        self, hidden: tf.Tensor, kept: Tensors, case: Case, layout: PaddedLayout
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """[N, H] -> query, key and value, padded: [heads, B, S, D]."""
        products = _product(hidden, kept["kernel"])
        # Slices of the first axis share memory with their tensor.
        heads = kept["bias"].shape[0]
        query = layout.pad(products[:heads] + kept["bias"])
        return query, layout.pad(products[heads : 2 * heads]), layout.pad(products[2 * heads :])


@dataclasses.dataclass(frozen=True)
class LastHeadBlocks:
    """Query, key and value of the last layer, where first tokens alone have a query.

    For a head, a first token x and any token y of its row, the score (x Wq) (y Wk)' equals
    (x Wq Wk') y', and the context, the sum of p y Wv, equals (the sum of p y) Wv. So keys and
    values are projected once a row, not once a token: 1.4 % fewer operations at 8 x 128.
    """

    dtype: tf.DType

    def keep(self, projections: Projections, seen: InputRange) -> Arrays:
        """Kernels of query and value [heads, H, D], and of key, [heads, D, H]."""
        kept = {
            "query": projections.query,
            "key": projections.key.transpose(0, 2, 1),
            "value": projections.value,
            "bias": projections.bias,
        }
        return {name: _as(self.dtype, values) for name, values in kept.items()}

    def project(
        self, hidden: tf.Tensor, kept: Tensors, case: Case, layout: PaddedLayout
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """[N, H] -> query, key and value, padded: [heads, B, S, D]."""
        hidden = tf.cast(hidden, kept["key"].dtype)
        return (
            layout.pad(_product(hidden, kept["query"]) + kept["bias"]),
            layout.pad(_product(hidden, kept["key"], transpose_b=True)),
            layout.pad(_product(hidden, kept["value"])),
        )

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

    def products(self, vectors: tf.Tensor, kept: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """The product with each row of the table: float32 [M, H] -> float32 [M, V].

        In float32 whatever the table is in: a product of bfloat16 rounds logits of 20 by 0.06.
        """
        return tf.matmul(vectors, as_float(kept["table"]), transpose_b=True)


def named_bias(bias: np.ndarray | None) -> Arrays:
    """The array of a bias, if there is one."""
    return {} if bias is None else {"bias": bias}


def activated(products: tf.Tensor, kept: Tensors, activation: str) -> tf.Tensor:
    """Adds the bias, if one is kept, and computes the activation's curve: float32 [N, O]."""
    added = products + kept["bias"] if "bias" in kept else products
    return SCALED_ACTIVATIONS[activation].curve(added)


def _as(dtype: tf.DType, values: np.ndarray) -> np.ndarray:
    return values.astype(dtype.as_numpy_dtype)


def _product(inputs: tf.Tensor, kernel: tf.Tensor, transpose_b: bool = False) -> tf.Tensor:
    """The product of matrices, in the precision of the second."""
    return tf.matmul(tf.cast(inputs, kernel.dtype), kernel, transpose_b=transpose_b)
