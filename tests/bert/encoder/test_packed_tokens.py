"""PackedTokens rearranges rows as the examples of its docstrings say."""

import tensorflow as tf

from bert.encoder.packed_tokens import PackedTokens, index_in_row, row_of_each_value

EXAMPLE = PackedTokens(
    ids=tf.constant([1, 7, 2, 1, 2, 1, 8, 9, 2]),
    segment_ids=tf.zeros([9], tf.int32),
    positions=tf.constant([0, 1, 2, 0, 1, 0, 1, 2, 3]),
    row_splits=tf.constant([0, 3, 5, 9]),
)


def test_lengths() -> None:
    assert EXAMPLE.lengths().numpy().tolist() == [3, 2, 4]


def test_rows() -> None:
    rows = EXAMPLE.rows(tf.constant(1), tf.constant(3))
    assert rows.ids.numpy().tolist() == [1, 2, 1, 8, 9, 2]
    assert rows.row_splits.numpy().tolist() == [0, 2, 6]
    assert rows.attention_bias is None


def test_reordered() -> None:
    biased = EXAMPLE._replace(attention_bias=tf.range(9.0))
    reordered = biased.reordered(tf.constant([1, 0, 2]))
    assert reordered.ids.numpy().tolist() == [1, 2, 1, 7, 2, 1, 8, 9, 2]
    assert reordered.positions.numpy().tolist() == [0, 1, 0, 1, 2, 0, 1, 2, 3]
    assert reordered.row_splits.numpy().tolist() == [0, 2, 5, 9]
    assert reordered.attention_bias is not None
    assert reordered.attention_bias.numpy().tolist() == [3, 4, 0, 1, 2, 5, 6, 7, 8]


def test_rows_of_values_with_an_empty_row() -> None:
    row_splits = tf.constant([0, 2, 2, 5])
    rows = row_of_each_value(row_splits)
    assert rows.numpy().tolist() == [0, 0, 2, 2, 2]
    assert index_in_row(row_splits, rows).numpy().tolist() == [0, 1, 0, 1, 2]


def test_places_in_order() -> None:
    places = EXAMPLE.places_in_order(tf.constant([1, 0, 2]))
    assert places.numpy().tolist() == [3, 4, 0, 1, 2, 5, 6, 7, 8]
