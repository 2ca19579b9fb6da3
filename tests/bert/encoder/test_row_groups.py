"""Batches in groups of rows: every row answered once, in order, within the budgets."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from bert.encoder.packed_tokens import PackedTokens
from bert.encoder.row_groups import encode_in_groups, group_fits
from bert.encoder.serving import ServingEncoder
from tests.bert.encoder.test_encoder import packed, random_rows
from tests.tiny_model import random_weights, tiny_config

_VOCAB_SIZE = 50
_LENGTHS = st.lists(st.integers(1, 40), max_size=30)


def describe(tokens: PackedTokens) -> tf.Tensor:
    """Of each row: the sum of its ids, its tokens, and tokens and cells of its group."""
    lengths = tokens.row_splits[1:] - tokens.row_splits[:-1]
    rows = tf.RaggedTensor.from_row_splits(tokens.ids, tokens.row_splits)
    longest = tf.reduce_max(lengths)
    cells = tf.size(lengths) * longest * longest
    group = tf.broadcast_to([tf.size(tokens.ids), cells], [tf.size(lengths), 2])
    columns = [tf.reduce_sum(rows, axis=1)[:, tf.newaxis], lengths[:, tf.newaxis], group]
    return tf.cast(tf.concat(columns, axis=1), tf.float32)


_FLAT = tf.TensorSpec([None], tf.int32)
_TOKENS = PackedTokens(_FLAT, _FLAT, _FLAT, _FLAT, tf.TensorSpec([None], tf.float32))


@tf.function(input_signature=[_TOKENS, tf.TensorSpec([], tf.int64), tf.TensorSpec([], tf.int64)])
def describe_groups(
    tokens: PackedTokens, tokens_per_group: tf.Tensor, cells: tf.Tensor
) -> tf.Tensor:
    return encode_in_groups(describe, tokens, [4], tokens_per_group, cells)


@settings(max_examples=60, deadline=None)
@given(_LENGTHS, st.integers(1, 200), st.integers(1, 4000))
def test_every_row_in_its_place_and_every_group_within_its_budgets(
    lengths: Sequence[int], tokens_per_group: int, cells_per_group: int
) -> None:
    rows = random_rows(0, lengths)
    tokens = packed(rows)
    tokens = tokens._replace(attention_bias=tf.zeros_like(tokens.ids, tf.float32))
    found = describe_groups(tokens, tokens_per_group, cells_per_group).numpy()
    assert found.shape == (len(lengths), 4)
    assert found[:, 0].tolist() == [row[:, 0].sum() for row in rows]
    assert found[:, 1].tolist() == list(lengths)
    for length, group_tokens, group_cells in found[:, 1:].tolist():
        is_alone = group_tokens == length
        assert is_alone or (group_tokens <= tokens_per_group and group_cells <= cells_per_group)


@settings(max_examples=60, deadline=None)
@given(_LENGTHS, st.integers(1, 200), st.integers(1, 4000))
def test_what_fits(lengths: Sequence[int], tokens: int, cells: int) -> None:
    ordered = sorted(lengths)
    found = group_fits(tf.constant(ordered, tf.int32), tokens, cells).numpy().tolist()
    for count, fits in enumerate(found, start=1):
        head = ordered[:count]
        assert fits == (sum(head) <= tokens and count * head[-1] ** 2 <= cells)


def test_counts_beyond_32_bits() -> None:
    lengths = tf.fill([20_000], 512)
    assert tf.reduce_sum(tf.cast(group_fits(lengths, 2**31 - 1, 2**40), tf.int32)) == 20_000
    assert tf.reduce_sum(tf.cast(group_fits(lengths, 2**31 - 1, 2**31 - 1), tf.int32)) == 8191


def test_encoder_gives_the_same_in_groups() -> None:
    config = tiny_config(_VOCAB_SIZE)
    encoder = ServingEncoder(config, random_weights(config, 2, seed=3))
    tokens = packed(random_rows(1, [3, 17, 1, 9, 9, 30, 2, 12, 17, 4]))
    whole = encoder.pooled(tokens).numpy()

    @tf.function
    def grouped(tokens: PackedTokens) -> tf.Tensor:
        return encode_in_groups(encoder.pooled, tokens, [config.hidden_size], 25, 200)

    np.testing.assert_allclose(grouped(tokens).numpy(), whole, atol=1e-5)
