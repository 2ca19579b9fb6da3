"""Every pooling against the textbook forward pass."""

import numpy as np
import pytest
import tensorflow as tf

from bert.encoder.packed_tokens import PackedTokens
from bert.encoder.pooling import pool
from bert.encoder.serving import ServingEncoder
from bert.reference import ReferenceClassifier
from bert.tasks import FIRST_TOKEN, MAX, MEAN, POOLER, Pooling
from tests.tiny_model import random_weights, tiny_config

_CONFIG = tiny_config(50)
_WEIGHTS = random_weights(_CONFIG, 2)
_WIDTH = 7


@pytest.mark.parametrize("dimensions", [None, 5])
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("mode", [POOLER, FIRST_TOKEN, MEAN, MAX])
def test_pooling(mode: str, normalize: bool, dimensions: int | None) -> None:
    """Rows of all lengths; a masked token in the midst of the last does not count."""
    generator = np.random.default_rng(1)
    lengths = np.array([1, 3, _WIDTH])
    is_token = np.arange(_WIDTH) < lengths[:, np.newaxis]
    mask = is_token.astype(np.int32)
    mask[2, 3] = 0
    ids, segments = generator.integers(0, [[[50]], [[2]]], [2, 3, _WIDTH], np.int32)
    tokens = PackedTokens(
        ids=tf.constant(ids[is_token]),
        segment_ids=tf.constant(segments[is_token]),
        positions=tf.constant(np.tile(np.arange(_WIDTH, dtype=np.int32), [3, 1])[is_token]),
        row_splits=tf.constant([0, *np.cumsum(lengths)], tf.int32),
        attention_bias=tf.constant(np.where(mask[is_token], 0.0, -10000.0), tf.float32),
    )
    pooling = Pooling(mode, normalize, dimensions)
    found = pool(ServingEncoder(_CONFIG, _WEIGHTS), tokens, pooling).numpy()
    expected = ReferenceClassifier(_CONFIG, _WEIGHTS).pooled(ids, mask, segments, pooling)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    assert found.shape == (3, dimensions or _CONFIG.hidden_size)
    if normalize and dimensions is None:
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
