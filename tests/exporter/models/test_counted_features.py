"""`features` of models that count tokens: a masked column before others moves their places."""

import dataclasses

import numpy as np
import pytest

from bert.model import HUGGINGFACE, FineTunedModel
from bert.reference import ReferenceClassifier
from bert.tokenizers.vocabulary import Vocabulary
from exporter.models.network import EncoderNetwork
from tests.tiny_model import random_weights, tiny_config, tiny_tokens, weightless_model

_TOKENS = tiny_tokens()
_COLUMNS = 12


@pytest.fixture(scope="module")
def model() -> FineTunedModel:
    config = tiny_config(
        len(_TOKENS), type_vocab_size=0, padding_id=1, relative_attention_buckets=32
    )
    bare = weightless_model(Vocabulary(_TOKENS), HUGGINGFACE, do_lower_case=True)
    return dataclasses.replace(bare, config=config, weights=random_weights(config, 3))


@pytest.fixture(scope="module")
def network(model: FineTunedModel) -> EncoderNetwork:
    return EncoderNetwork(model)


@pytest.mark.parametrize(
    "masked", [[], [10, 11], [0, 1, 2], [3, 7], [0], list(range(12)), list(range(1, 12))]
)
@pytest.mark.parametrize("padded", [True, False])
def test_masks(
    masked: list[int], padded: bool, model: FineTunedModel, network: EncoderNetwork
) -> None:
    generator = np.random.default_rng(len(masked))
    ids = generator.integers(0, len(_TOKENS), (3, _COLUMNS)).astype(np.int32)
    ids[0, 5] = 1
    mask = np.ones_like(ids)
    mask[1:, masked] = 0
    if padded:
        ids[mask == 0] = 1
    # A model without token types does not look at these.
    segments = np.asarray(generator.integers(0, 9, ids.shape), np.int32)
    expected = ReferenceClassifier(model.config, model.weights).probabilities(ids, mask, segments)
    found = network.answer_features(ids, mask, segments).numpy()
    # Near -10000, which all columns of a row without a mask get, float32 has steps of 0.001.
    tolerance = 1e-3 if len(masked) == _COLUMNS else 1e-5
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
