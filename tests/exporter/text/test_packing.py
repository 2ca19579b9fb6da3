"""`[CLS] tokens [SEP]`, against a plain Python reading of `convert_single_example`."""

import random

import pytest
import tensorflow as tf

from exporter.text.packing import Packed, keep_single, pack
from exporter.text.tokens import TokenIds

CLS, SEP = 101, 102

Rows = list[list[int]]


def tokens(rows: Rows) -> TokenIds:
    splits = [0]
    for row in rows:
        splits.append(splits[-1] + len(row))
    return TokenIds(
        tf.constant([token for row in rows for token in row], tf.int32),
        tf.constant(splits, tf.int32),
    )


def places(rows: Rows) -> tf.Tensor:
    """The place of every token in its row, times ten."""
    return tf.constant([10 * place for row in rows for place in range(len(row))], tf.int32)


def pack_single(rows: Rows, max_seq_length: int) -> Packed:
    segment = tokens(rows)
    kept = keep_single(segment.row_splits[1:] - segment.row_splits[:-1], max_seq_length)
    return pack([segment], [kept], [tf.ones_like(kept)], CLS, SEP)


def rows_of(values: tf.Tensor, packed: Packed) -> list[list[int]]:
    return tf.RaggedTensor.from_row_splits(values, packed.tokens.row_splits).to_list()


@pytest.mark.parametrize(
    "rows",
    [
        [[1, 2, 3]],
        [[]],
        [[], [], []],
        [[1], [], [2, 3], []],
        [list(range(50)), [7], list(range(60, 80))],
        [],
    ],
)
@pytest.mark.parametrize("max_seq_length", [3, 4, 8, 64])
def test_single_texts(rows: Rows, max_seq_length: int) -> None:
    packed = pack_single(rows, max_seq_length)
    expected = [[CLS, *row[: max_seq_length - 2], SEP] for row in rows]
    assert rows_of(packed.tokens.ids, packed) == expected
    assert rows_of(packed.tokens.positions, packed) == [list(range(len(row))) for row in expected]
    assert rows_of(packed.tokens.segment_ids, packed) == [[0] * len(row) for row in expected]
    assert rows_of(packed.gather([places(rows)], -1, -2), packed) == [
        [-1, *range(0, 10 * (len(row) - 2), 10), -2] for row in expected
    ]
    assert rows_of(packed.gather([places(rows) + 1], -1, -1), packed) == [
        [-1, *range(1, 10 * (len(row) - 2) + 1, 10), -1] for row in expected
    ]
    assert packed.tokens.row_splits.dtype == packed.tokens.ids.dtype == tf.int32


def test_random_rows() -> None:
    generator = random.Random(3)
    for _ in range(20):
        rows = [
            [generator.randrange(100) for _ in range(generator.randrange(30))]
            for _ in range(generator.randrange(1, 12))
        ]
        max_seq_length = generator.randint(3, 24)
        packed = pack_single(rows, max_seq_length)
        expected = [[CLS, *row[: max_seq_length - 2], SEP] for row in rows]
        assert rows_of(packed.tokens.ids, packed) == expected


def test_two_texts() -> None:
    rows_a, rows_b = [[1, 2, 3], [4], []], [[5], [], [6, 7]]
    kept = [tf.constant([2, 1, 0]), tf.constant([1, 0, 2])]
    has = [tf.constant([1, 1, 1]), tf.constant([1, 0, 1])]
    packed = pack([tokens(rows_a), tokens(rows_b)], kept, has, CLS, SEP)
    assert rows_of(packed.tokens.ids, packed) == [
        [CLS, 1, 2, SEP, 5, SEP],
        [CLS, 4, SEP],
        [CLS, SEP, 6, 7, SEP],
    ]
    assert rows_of(packed.tokens.segment_ids, packed) == [
        [0, 0, 0, 0, 1, 1],
        [0, 0, 0],
        [0, 0, 1, 1, 1],
    ]
    assert rows_of(packed.gather([places(rows_a), places(rows_b)], -1, -1), packed) == [
        [-1, 0, 10, -1, 0, -1],
        [-1, 0, -1],
        [-1, -1, 0, 10, -1],
    ]
