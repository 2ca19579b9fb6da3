"""Steps in several passes, against those in one."""

import dataclasses

import numpy as np
import pytest

from bert.training.accumulation import split
from bert.training.batches import pack, shuffled
from bert.training.classifier import Classifier
from bert.training.trainer import Trainer
from tests.bert.training.test_trainer import CONFIG, SCHEDULE, initial_weights, values
from tests.bert.training.toy_task import toy_features


def test_rows_are_divided() -> None:
    examples = toy_features(7)
    parts = split(pack(examples), 3)
    assert [len(part.label_ids) for part in parts] == [2, 3, 2]
    for part, rows in zip(parts, (examples[:2], examples[2:5], examples[5:]), strict=True):
        for found, expected in zip(part, pack(rows), strict=True):
            assert np.array_equal(found, expected)
    assert len(split(pack(examples), 10)) == 7


def test_steps_in_several_passes_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bert.encoder.heads._DROPOUT_RATE", 0.0)
    one = Trainer(Classifier(CONFIG, initial_weights()), SCHEDULE)
    schedule = dataclasses.replace(SCHEDULE, num_passes=3)
    several = Trainer(Classifier(CONFIG, initial_weights()), schedule)
    for step, batch in enumerate(shuffled(toy_features(40), 8, 3, range(3))):
        assert float(several.step(batch)) == pytest.approx(float(one.step(batch)), rel=1e-5)
        found = values(several)
        for name, value in values(one).items():
            # The first moments after the first step are the clipped gradients.
            tolerance = 2e-7 if step == 0 else 2e-5
            np.testing.assert_allclose(found[name], value, rtol=0, atol=tolerance, err_msg=name)
