"""Which matrix gets which layout, in which precision."""

import dataclasses
from collections.abc import Mapping

import tensorflow as tf

from bert.config import LINEAR, TANH
from bert.encoder.int8 import DynamicInt8, Int8Heads, Int8Table, OneSidedInt8, StaticInt8
from bert.encoder.layouts import (
    Blocks,
    HeadBlocks,
    LastHeadBlocks,
    Layout,
    Table,
)
from bert.encoder.precision import BFLOAT16, FLOAT32, INT8, INT8_SUMS
from bert.encoder.quantized_product import FusedProduct, IntegerProduct
from bert.encoder.summed_product import SummedProduct
from bert.variables import ATTENTION_OUTPUT, EMBEDDINGS_PROJECTION, INTERMEDIATE, OUTPUT, POOLER


@dataclasses.dataclass(frozen=True)
class Layouts:
    """The layout of each matrix."""

    words: Table | Int8Table
    tables: Table
    """the two of positions and token types"""

    heads: HeadBlocks | Int8Heads
    last_heads: LastHeadBlocks
    dense: Mapping[str, Layout]
    """the others, by their names in bert/variables.py"""


def _int8(multiply: IntegerProduct) -> Layouts:
    return Layouts(
        words=Int8Table(),
        tables=Table(tf.float32),
        heads=Int8Heads(StaticInt8(multiply)),
        # Of first tokens alone these are hardly any work.
        last_heads=LastHeadBlocks(tf.float32),
        dense={
            EMBEDDINGS_PROJECTION: StaticInt8(multiply),
            ATTENTION_OUTPUT: DynamicInt8(multiply),
            INTERMEDIATE: StaticInt8(multiply),
            OUTPUT: OneSidedInt8(multiply),
            POOLER: DynamicInt8(multiply),
        },
    )


PRODUCTS: Mapping[str, IntegerProduct] = {INT8: FusedProduct(), INT8_SUMS: SummedProduct()}
"""of the precisions of integers"""

LAYOUTS: Mapping[str, Layouts] = {
    FLOAT32: Layouts(
        words=Table(tf.float32),
        tables=Table(tf.float32),
        heads=HeadBlocks(tf.float32),
        last_heads=LastHeadBlocks(tf.float32),
        dense={
            EMBEDDINGS_PROJECTION: Blocks(tf.float32),
            ATTENTION_OUTPUT: Blocks(tf.float32),
            INTERMEDIATE: Blocks(tf.float32),
            OUTPUT: Blocks(tf.float32),
            POOLER: Blocks(tf.float32),
        },
    ),
    BFLOAT16: Layouts(
        words=Table(tf.bfloat16),
        tables=Table(tf.bfloat16),
        heads=HeadBlocks(tf.bfloat16),
        last_heads=LastHeadBlocks(tf.bfloat16),
        dense={
            EMBEDDINGS_PROJECTION: Blocks(tf.bfloat16),
            ATTENTION_OUTPUT: Blocks(tf.bfloat16),
            INTERMEDIATE: Blocks(tf.bfloat16),
            OUTPUT: Blocks(tf.bfloat16),
            POOLER: Blocks(tf.bfloat16),
        },
    ),
    INT8: _int8(PRODUCTS[INT8]),
    INT8_SUMS: _int8(PRODUCTS[INT8_SUMS]),
}


def layouts(precision: str, activation: str) -> Layouts:
    """The layouts of a precision, for an encoder whose inner layers have that activation."""
    found = LAYOUTS[precision]
    if precision in PRODUCTS and activation in (TANH, LINEAR):
        # It makes values as far below zero as above.
        signed = DynamicInt8(PRODUCTS[precision])
        return dataclasses.replace(found, dense={**found.dense, OUTPUT: signed})
    return found
