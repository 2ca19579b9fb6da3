"""Every request gets the graph whose premises hold for it."""

from collections.abc import Sequence

import numpy as np
import pytest
import tensorflow as tf

from bert.packed_tokens import PackedTokens
from bert.premises import FEW_TOKENS, Premises, encode_by_premises


def _tokens(lengths: Sequence[int], bias: Sequence[float] | None = None) -> PackedTokens:
    zeros = tf.zeros([sum(lengths)], tf.int32)
    row_splits = tf.constant(np.cumsum([0, *lengths]), tf.int32)
    attention_bias = None if bias is None else tf.constant(bias, tf.float32)
    return PackedTokens(zeros, zeros, zeros, row_splits, attention_bias)


def _premises(tokens: PackedTokens) -> Premises:
    """Those of the graph that runs."""

    def encode(premises: Premises, tokens: PackedTokens) -> tf.Tensor:
        return tf.cast([premises.few, premises.even], tf.float32)

    few, even = tf.function(lambda tokens: encode_by_premises(encode, tokens))(tokens).numpy()
    return Premises(bool(few), bool(even))


@pytest.mark.parametrize(
    ("lengths", "few", "even"),
    [
        ([1], True, True),
        ([FEW_TOKENS], True, True),
        ([FEW_TOKENS + 1], False, True),
        ([FEW_TOKENS // 2] * 2, True, True),
        ([FEW_TOKENS // 2] * 3, False, True),
        ([2, 1], True, False),
        ([FEW_TOKENS - 1, 1], True, False),
        ([FEW_TOKENS, 1], False, False),
        ([7, 7, 7, 8], True, False),
        ([], True, True),
    ],
)
def test_lengths(lengths: Sequence[int], few: bool, even: bool) -> None:
    assert _premises(_tokens(lengths)) == Premises(few, even)


@pytest.mark.parametrize("masked", [-10000.0, 1e-3])
def test_a_bias_makes_rows_uneven(masked: float) -> None:
    assert _premises(_tokens([3, 3], [0.0] * 6)) == Premises(few=True, even=True)
    assert _premises(_tokens([3, 3], [0.0] * 5 + [masked])) == Premises(few=True, even=False)
