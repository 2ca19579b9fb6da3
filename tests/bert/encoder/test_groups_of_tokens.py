"""Answers for all tokens, given by groups of rows."""

import numpy as np
import pytest
import tensorflow as tf

from bert.encoder.packed_tokens import PackedTokens
from bert.encoder.row_groups import encode_in_groups

_LENGTHS: tuple[list[int], ...] = (
    [],
    [1],
    [3, 1, 2],
    [5, 5, 1, 9, 2, 9, 4],
    list(range(40, 0, -1)),
)


@pytest.mark.parametrize("answer_shape", [(), (2,)])
@pytest.mark.parametrize("tokens_per_group", [1, 7, 4096])
@pytest.mark.parametrize("lengths", _LENGTHS)
def test_each_token_gets_its_own_answer(
    lengths: list[int], tokens_per_group: int, answer_shape: tuple[int, ...]
) -> None:
    """Whatever the order of lengths, and however many groups."""
    row_splits = np.cumsum([0, *lengths])
    ids = tf.range(row_splits[-1], dtype=tf.int32)
    tokens = PackedTokens(ids, ids * 0, ids, tf.constant(row_splits, tf.int32))

    def encode(group: PackedTokens) -> tf.Tensor:
        values = tf.cast(group.ids, tf.float32)
        return tf.stack([values, -values], axis=1) if answer_shape else values

    @tf.function(autograph=False)
    def run() -> tf.Tensor:
        return encode_in_groups(encode, tokens, answer_shape, tokens_per_group, for_tokens=True)

    values = np.arange(row_splits[-1])
    expected = np.stack([values, -values], axis=1) if answer_shape else values
    np.testing.assert_array_equal(run(), expected)
