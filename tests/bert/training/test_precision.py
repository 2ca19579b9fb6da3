"""Training with products in bfloat16, against training in float32."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from bert.encoder.precision import BFLOAT16, FLOAT32
from bert.tasks import CLASSIFICATION
from bert.training.batches import packed_tokens, shuffled
from bert.training.classifier import Classifier
from bert.training.evaluation import evaluate
from bert.training.trainer import Trainer
from tests.bert.training.test_trainer import CONFIG, SCHEDULE, initial_weights
from tests.bert.training.toy_task import toy_features


def _classifier(precision: str) -> Classifier:
    return Classifier(CONFIG, initial_weights(), CLASSIFICATION, precision)


def test_losses_and_gradients_are_rounded_alone() -> None:
    (batch,) = shuffled(toy_features(40), 16, 3, range(1))
    losses, gradients = {}, {}
    for precision in (FLOAT32, BFLOAT16):
        classifier = _classifier(precision)
        variables = classifier.named_variables()
        assert {variable.dtype for variable in variables.values()} == {tf.float32}
        with tf.GradientTape() as tape:
            loss = classifier.losses(packed_tokens(batch), tf.constant(batch.label_ids))
        losses[precision] = loss.numpy()
        found = tape.gradient(loss, variables)
        gradients[precision] = {name: tf.convert_to_tensor(each) for name, each in found.items()}
    assert not np.array_equal(losses[BFLOAT16], losses[FLOAT32])
    np.testing.assert_allclose(losses[BFLOAT16], losses[FLOAT32], rtol=0.01)
    for name, exact in gradients[FLOAT32].items():
        if tf.norm(exact) < 1e-6:  # a key's bias moves nothing
            continue
        rounded = gradients[BFLOAT16][name]
        assert rounded.dtype == tf.float32
        error = tf.norm(rounded - exact) / tf.norm(exact)
        assert error < 0.05, (name, float(error))


def test_the_task_is_learnt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bert.encoder.heads._DROPOUT_RATE", 0.0)
    schedule = dataclasses.replace(
        SCHEDULE,
        num_train_steps=140,
        batch_size=16,
        num_warmup_steps=14,
        save_checkpoints_steps=500,
    )
    classifier = _classifier(BFLOAT16)
    Trainer(classifier, schedule).train(toy_features(200), tmp_path)
    found = evaluate(classifier, toy_features(64, seed=9), 8, 140)
    assert found.metrics.named["accuracy"] > 0.95
