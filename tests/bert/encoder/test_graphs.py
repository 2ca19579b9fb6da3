"""Every request gets the graph whose case it is."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import tensorflow as tf

from bert.encoder.graphs import FEW_TOKENS, Case, run_by_case
from bert.encoder.packed_tokens import PackedTokens
from bert.encoder.precision import ALWAYS, NEVER


def _tokens(lengths: Sequence[int], bias: Sequence[float] | None = None) -> PackedTokens:
    zeros = tf.zeros([sum(lengths)], tf.int32)
    row_splits = tf.constant(np.cumsum([0, *lengths]), tf.int32)
    attention_bias = None if bias is None else tf.constant(bias, tf.float32)
    return PackedTokens(zeros, zeros, zeros, row_splits, attention_bias)


def _case(tokens: PackedTokens, float32_from: int | None = None) -> Case:
    """Those of the graph that runs."""

    def graph(case: Case) -> Callable[[PackedTokens], tf.Tensor]:
        return lambda tokens: tf.constant(dataclasses.astuple(case))

    def run_any(tokens: PackedTokens) -> tf.Tensor:
        threshold = None if float32_from is None else tf.constant(float32_from)
        return run_by_case(graph, tokens, threshold)

    return Case(*map(bool, tf.function(run_any)(tokens).numpy()))


@pytest.mark.parametrize(
    ("lengths", "few", "even"),
    [
        ([1], True, True),
        ([FEW_TOKENS], True, True),
        ([FEW_TOKENS + 1], False, True),
        ([FEW_TOKENS // 2] * 2, True, True),
        ([FEW_TOKENS // 2] * 3, False, True),
        ([2, 1], False, False),
        ([FEW_TOKENS - 1, 1], False, False),
        ([FEW_TOKENS, 1], False, False),
        ([7, 7, 7, 8], False, False),
        ([], True, True),
    ],
)
def test_lengths(lengths: Sequence[int], few: bool, even: bool) -> None:
    assert _case(_tokens(lengths)) == Case(few, even)


@pytest.mark.parametrize("masked", [-10000.0, 1e-3])
def test_a_bias_makes_rows_uneven(masked: float) -> None:
    assert _case(_tokens([3, 3], [0.0] * 6)) == Case(few=True, even=True)
    assert _case(_tokens([3, 3], [0.0] * 5 + [masked])) == Case(few=False, even=False)


@pytest.mark.parametrize("lengths", [[9], [4, 5], [5, 5], [200], [100, 5]])
def test_from_some_number_of_tokens_on_in_float32(lengths: Sequence[int]) -> None:
    count, even = sum(lengths), len(set(lengths)) == 1
    in_float32 = Case(even=even, in_float32=True)
    in_what_is_kept = Case(few=even and count <= FEW_TOKENS, even=even)
    for threshold, expected in (
        (ALWAYS, in_float32),
        (count, in_float32),
        (count + 1, in_what_is_kept),
        (NEVER, in_what_is_kept),
    ):
        assert _case(_tokens(lengths), threshold) == expected
