"""The packed encoder against the NumPy forward pass and the original modeling.py."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from bert.config import ACTIVATIONS, GELU_ERF, GELU_TANH, BertConfig
from bert.encoder.heads import DenseHead
from bert.encoder.packed_tokens import PackedTokens
from bert.encoder.serving import ServingEncoder
from bert.reference import ReferenceClassifier
from bert.tasks import CLASSIFICATION
from tests.oracles.original_classifier import OriginalClassifier
from tests.tiny_model import TinyModel, random_weights, tiny_config, write_tiny_model

_VOCAB_SIZE = 50

Rows = list[np.ndarray]


class Features(NamedTuple):
    input_ids: np.ndarray
    input_mask: np.ndarray
    segment_ids: np.ndarray


def random_rows(seed: int, lengths: Sequence[int], vocab_size: int = _VOCAB_SIZE) -> Rows:
    """Int [length, 2] for each row: ids and segment ids."""
    generator = np.random.default_rng(seed)
    return [
        np.stack(
            [generator.integers(0, vocab_size, length), generator.integers(0, 2, length)], axis=1
        )
        for length in lengths
    ]


def packed(rows: Rows) -> PackedTokens:
    flat = np.concatenate([*rows, np.zeros((0, 2))]).astype(np.int32)
    lengths = np.array([len(row) for row in rows], np.int32)
    positions = [np.arange(length, dtype=np.int32) for length in lengths]
    return PackedTokens(
        ids=tf.constant(flat[:, 0]),
        segment_ids=tf.constant(flat[:, 1]),
        positions=tf.constant(np.concatenate([*positions, np.zeros(0, np.int32)])),
        row_splits=tf.constant(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)),
    )


def padded(rows: Rows) -> Features:
    """As clients send them: zeros behind each row."""
    width = max(len(row) for row in rows)
    ids, mask, segments = np.zeros((3, len(rows), width), np.int32)
    for index, row in enumerate(rows):
        ids[index, : len(row)], segments[index, : len(row)] = row.T
        mask[index, : len(row)] = 1
    return Features(ids, mask, segments)


def probabilities_of(
    config: BertConfig, weights: dict[str, np.ndarray]
) -> Callable[[Rows], np.ndarray]:
    encoder, head = ServingEncoder(config, weights), DenseHead(weights, CLASSIFICATION)
    run = tf.function(lambda tokens: head(encoder.pooled(tokens), tokens), reduce_retracing=True)
    return lambda rows: run(packed(rows)).numpy()


_LENGTHS = (
    [1],
    [64],
    [1, 1, 1],
    [5, 5, 5, 5],
    [64, 64],
    [64, 1, 30, 2, 64, 17],
    [2, 64],
    list(range(1, 40)),
)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_equals_the_reference(activation: str) -> None:
    config = tiny_config(_VOCAB_SIZE, hidden_act=activation)
    weights = random_weights(config, 3, seed=1)
    run, reference = probabilities_of(config, weights), ReferenceClassifier(config, weights)
    for seed, lengths in enumerate(_LENGTHS):
        rows = random_rows(seed, lengths)
        expected = reference.probabilities(*padded(rows))
        np.testing.assert_allclose(run(rows), expected, atol=1e-5, rtol=0)


def test_the_two_gelus_differ() -> None:
    """Else the test above could not tell one from the other."""
    answers = []
    for activation in (GELU_TANH, GELU_ERF):
        config = tiny_config(_VOCAB_SIZE, hidden_act=activation)
        answers.append(
            probabilities_of(config, random_weights(config, 3))(random_rows(0, [9] * 50))
        )
    assert np.abs(answers[0] - answers[1]).max() > 1e-4


@pytest.fixture(scope="module", params=["gelu", "relu", "tanh"])
def checkpoint(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> TinyModel:
    word = request.param
    activation = {"gelu": GELU_TANH}.get(word, word)
    return write_tiny_model(tmp_path_factory.mktemp(word), hidden_act=activation)


def test_equals_the_original(checkpoint: TinyModel) -> None:
    original = OriginalClassifier(checkpoint.prefix, num_labels=3)
    run = probabilities_of(checkpoint.config, dict(checkpoint.weights))
    for seed, lengths in enumerate(_LENGTHS):
        rows = random_rows(seed, lengths, len(checkpoint.tokens))
        expected = original.probabilities(*padded(rows))
        np.testing.assert_allclose(run(rows), expected, atol=1e-5, rtol=0)


def test_a_row_does_not_depend_on_its_neighbours() -> None:
    config = tiny_config(_VOCAB_SIZE)
    run = probabilities_of(config, random_weights(config, 3))
    rows = random_rows(3, [7, 64, 1, 33, 12, 64, 2])
    together = run(rows)
    for row, answer in zip(rows, together, strict=True):
        np.testing.assert_allclose(run([row])[0], answer, atol=1e-6, rtol=0)
    np.testing.assert_allclose(run(rows[::-1])[::-1], together, atol=1e-6, rtol=0)


def test_no_rows() -> None:
    config = tiny_config(_VOCAB_SIZE)
    assert probabilities_of(config, random_weights(config, 3))([]).shape == (0, 3)


def test_every_token_position_and_segment_counts() -> None:
    """Else the comparisons above would be blind to some of them."""
    config = tiny_config(_VOCAB_SIZE)
    run = probabilities_of(config, random_weights(config, 3))
    row = random_rows(5, [20])[0]
    answer = run([row])[0]
    for place in range(20):
        for field, limit in ((0, _VOCAB_SIZE), (1, 2)):
            other = row.copy()
            other[place, field] = (other[place, field] + 1) % limit
            assert np.abs(run([other])[0] - answer).max() > 1e-5
    assert np.abs(run([row[[0, 2, 1, *range(3, 20)]]])[0] - answer).max() > 1e-5


@pytest.mark.parametrize(
    "changes",
    [
        {"num_hidden_layers": 1},
        {"num_attention_heads": 1},
        {"num_attention_heads": 16},
        {"type_vocab_size": 5},
        {"hidden_size": 24, "num_attention_heads": 3, "intermediate_size": 7},
        {"layer_norm_eps": 1e-3},
        {"type_vocab_size": 0},
        {"pooler_act": GELU_ERF, "embedding_size": 24},
        {"embedding_size": 16},
        {"padding_id": 1},
        {"relative_attention_buckets": 32},
        {"padding_id": 1, "relative_attention_buckets": 32, "num_attention_heads": 1},
        {"relative_attention_buckets": 32, "max_position_embeddings": 300},
    ],
)
def test_other_shapes(changes: dict[str, Any]) -> None:
    config = tiny_config(_VOCAB_SIZE, **changes)
    weights = random_weights(config, 4, seed=2)
    rows = random_rows(7, [3, 20, 1, config.longest_row])
    assert (rows[-1][:, 0] == 1).any()
    expected = ReferenceClassifier(config, weights).probabilities(*padded(rows))
    np.testing.assert_allclose(probabilities_of(config, weights)(rows), expected, atol=1e-5, rtol=0)


def test_all_layers_give_the_sequence(tmp_path: Path) -> None:
    """`sequence` runs the last layer for all tokens, `pooled` for the first ones alone."""
    config = tiny_config(_VOCAB_SIZE)
    weights = random_weights(config, 3)
    encoder = ServingEncoder(config, weights)
    tokens = packed(random_rows(1, [4, 9, 1]))
    first = tf.gather(encoder.sequence(tokens), tokens.row_splits[:-1]).numpy()
    pooled = np.tanh(
        first @ weights["bert/pooler/dense/kernel"] + weights["bert/pooler/dense/bias"]
    )
    np.testing.assert_allclose(encoder.pooled(tokens).numpy(), pooled, atol=1e-5, rtol=0)
