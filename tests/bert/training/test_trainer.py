import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from bert.checkpoints import ReadOptions, google_research, read
from bert.checkpoints.tensorflow import files as tensorflow_files
from bert.config import BertConfig
from bert.encoder.trainable import TrainableEncoder
from bert.errors import UserError
from bert.training import checkpoints, trainer
from bert.training.batches import Batch, in_order, packed_tokens, shuffled
from bert.training.checkpoints import read_global_step
from bert.training.classifier import Classifier
from bert.training.evaluation import evaluate, predict
from bert.training.initialization import random_classifier, random_encoder
from bert.training.trainer import Schedule, Trainer
from bert.variables import OUTPUT_BIAS, OUTPUT_WEIGHTS
from tests.bert.training.toy_task import LABELS, padded, toy_features
from tests.oracles.original_training import OriginalTraining
from tests.tiny_model import random_weights, tiny_config, tiny_tokens

CONFIG = tiny_config(len(tiny_tokens()), hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
SCHEDULE = Schedule(
    num_train_steps=12,
    num_warmup_steps=2,
    batch_size=8,
    learning_rate=1e-3,
    save_checkpoints_steps=5,
    seed=3,
)


@pytest.fixture(autouse=True)
def no_classifier_dropout(monkeypatch: pytest.MonkeyPatch) -> None:
    """The classifier's own dropout is a constant of the original, not a setting."""
    monkeypatch.setattr("bert.encoder.heads._DROPOUT_RATE", 0.0)


def make_trainer(schedule: Schedule = SCHEDULE, config: BertConfig = CONFIG) -> Trainer:
    return Trainer(Classifier(config, initial_weights(config)), schedule)


def initial_weights(config: BertConfig = CONFIG) -> dict[str, np.ndarray]:
    return random_encoder(config, 1) | random_classifier(config, len(LABELS), 1)


def write_settings(directory: Path) -> Path:
    vocabulary_file = "".join(f"{token}\n" for token in tiny_tokens()).encode()
    google_research.write_settings(directory, CONFIG, vocabulary_file, True, 32)
    return directory


def values(trainer: Trainer) -> dict[str, np.ndarray]:
    return {name: variable.numpy() for name, variable in trainer.named_variables().items()}


def newest(directory: Path) -> Path:
    prefix = checkpoints.newest(directory)
    assert prefix is not None
    return prefix


def checkpoint_values(prefix: Path) -> dict[str, np.ndarray]:
    reader = tf.train.load_checkpoint(str(prefix))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def test_loss_falls_and_the_task_is_learnt(tmp_path: Path) -> None:
    classifier = Classifier(CONFIG, initial_weights())
    dev = toy_features(64, seed=9)
    before = evaluate(classifier, dev, 8, 0).metrics
    schedule = dataclasses.replace(
        SCHEDULE,
        num_train_steps=140,
        batch_size=16,
        num_warmup_steps=14,
        save_checkpoints_steps=500,
    )
    Trainer(classifier, schedule).train(toy_features(200), tmp_path)
    after = evaluate(classifier, dev, 8, 140).metrics
    assert after.eval_loss < 0.2 < before.eval_loss
    assert after.named["accuracy"] > 0.95
    assert newest(tmp_path) == tmp_path / "model.ckpt-140"


def test_metrics_are_those_of_the_predicted_probabilities() -> None:
    classifier = Classifier(CONFIG, random_weights(CONFIG, len(LABELS)))
    examples = toy_features(21)
    metrics = evaluate(classifier, examples, 8, 5).metrics
    probabilities = predict(classifier, examples, 4)
    label_ids = np.array([example.label_id for example in examples])
    losses = -np.log(probabilities[np.arange(21), label_ids])
    assert probabilities.dtype == np.float32 and probabilities.shape == (21, 2)
    assert metrics.named["accuracy"] == pytest.approx((probabilities.argmax(1) == label_ids).mean())
    assert metrics.eval_loss == pytest.approx(losses.mean(), rel=1e-5)
    per_batch = [losses[:8].mean(), losses[8:16].mean(), losses[16:].mean()]
    assert metrics.loss == pytest.approx(np.mean(per_batch), rel=1e-5)
    assert metrics.global_step == 5


def test_steps_move_the_weights_as_the_original_s_do(tmp_path: Path) -> None:
    """The whole step: forward pass, gradients, their norm, AdamW, schedule."""
    write_settings(tmp_path)
    tensorflow_files.write_variables(tmp_path / "start", random_weights(CONFIG, len(LABELS)))
    original = OriginalTraining(
        tmp_path / google_research.CONFIG_FILE,
        len(LABELS),
        SCHEDULE.learning_rate,
        SCHEDULE.num_train_steps,
        SCHEDULE.num_warmup_steps,
    )
    original.restore(tmp_path / "start")
    ours = Trainer(Classifier(CONFIG, random_weights(CONFIG, len(LABELS))), SCHEDULE)
    batches = shuffled(toy_features(40), SCHEDULE.batch_size, SCHEDULE.seed, range(4))
    for step, batch in enumerate(batches):
        expected = original.step(padded(batch, width=32), batch.label_ids)
        assert float(ours.step(batch)) == pytest.approx(expected, rel=1e-5)
        found, expected_values = values(ours), original.variables()
        assert found.keys() == expected_values.keys()
        for name, value in expected_values.items():
            # The first moments after the first step are the clipped gradients. Later steps
            # divide by roots of small second moments, which lets rounding errors grow.
            tolerance = 2e-7 if step == 0 else 2e-5
            np.testing.assert_allclose(
                found[name], value, rtol=1e-4, atol=tolerance, err_msg=f"{name}, step {step}"
            )


def test_resumed_training_equals_the_uninterrupted_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = toy_features(30)
    whole = make_trainer()
    whole.train(examples, make_directory(tmp_path / "whole"))

    interrupted = make_directory(tmp_path / "interrupted")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(trainer, "shuffled", stop_after(7))
        make_trainer().train(examples, interrupted)
    prefix = newest(interrupted)
    assert prefix == interrupted / "model.ckpt-5"
    resumed = make_trainer()
    assert resumed.resume(prefix) == 5
    resumed.train(examples, interrupted)

    assert newest(interrupted) == interrupted / "model.ckpt-12"
    for name, value in values(whole).items():
        np.testing.assert_allclose(values(resumed)[name], value, rtol=0, atol=1e-6, err_msg=name)
    written = checkpoint_values(interrupted / "model.ckpt-12")
    assert written.keys() == values(whole).keys()
    assert written["global_step"] == 12 and written["global_step"].dtype == np.int64


def make_directory(directory: Path) -> Path:
    directory.mkdir()
    return directory


def stop_after(steps: int) -> Any:
    def stream(*arguments: Any) -> Iterator[Batch]:
        yield from itertools.islice(shuffled(*arguments), steps)
        raise KeyboardInterrupt

    return stream


def test_the_newest_five_checkpoints_are_kept(tmp_path: Path) -> None:
    schedule = dataclasses.replace(SCHEDULE, num_train_steps=8, save_checkpoints_steps=1)
    make_trainer(schedule).train(toy_features(30), tmp_path)
    kept = {f"model.ckpt-{step}" for step in range(4, 9)}
    assert {path.with_suffix("").name for path in tmp_path.glob("model.ckpt-*")} == kept
    state = tf.train.get_checkpoint_state(str(tmp_path))
    assert {Path(path).name for path in state.all_model_checkpoint_paths} == kept
    assert read_global_step(newest(tmp_path)) == 8


@pytest.mark.parametrize("dying", ["write_variables", "write_state"])
def test_killed_while_saving_leaves_the_earlier_checkpoint_in_charge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dying: str
) -> None:
    trainer = make_trainer()
    trainer.train(toy_features(30), tmp_path)
    trainer.named_variables()["global_step"].assign(13)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(tensorflow_files, dying, die)
        checkpoints.save(tmp_path, trainer.named_variables())
    assert make_trainer().resume(newest(tmp_path)) == 12


def test_a_directory_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--output_dir: the checkpoint .*absent.*cannot be"):
        make_trainer().train(toy_features(30), tmp_path / "file" / "absent")
    (tmp_path / "blocking").write_text("")
    with pytest.raises(UserError, match=r"--output_dir: the checkpoint .* cannot be written"):
        make_trainer().train(toy_features(30), tmp_path / "blocking")


def test_diverging_training_stops_without_a_checkpoint(tmp_path: Path) -> None:
    weights = initial_weights()
    weights[OUTPUT_BIAS] = np.array([np.nan, 0.0], np.float32)
    with pytest.raises(UserError, match="diverged: lower --learning_rate"):
        Trainer(Classifier(CONFIG, weights), SCHEDULE).train(toy_features(30), tmp_path)
    assert checkpoints.newest(tmp_path) is None


def test_the_original_restores_our_checkpoint_and_gives_our_logits(tmp_path: Path) -> None:
    write_settings(tmp_path)
    trainer = Trainer(Classifier(CONFIG, random_weights(CONFIG, len(LABELS))), SCHEDULE)
    trainer.train(toy_features(30), tmp_path)
    original = OriginalTraining(tmp_path / google_research.CONFIG_FILE, len(LABELS))
    original.restore_all(newest(tmp_path))
    for name, value in original.variables().items():
        np.testing.assert_array_equal(value, values(trainer)[name], err_msg=name)

    (batch,) = in_order(toy_features(50, seed=4), 50)
    expected = original.logits(padded(batch, width=32))
    weights = checkpoint_values(newest(tmp_path))
    pooled = TrainableEncoder(CONFIG, weights).pooled(packed_tokens(batch)).numpy()
    logits = pooled @ weights[OUTPUT_WEIGHTS].T + weights[OUTPUT_BIAS]
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-6)


def test_a_checkpoint_of_the_original_s_saver_is_read(tmp_path: Path) -> None:
    write_settings(tmp_path)
    original = OriginalTraining(tmp_path / google_research.CONFIG_FILE, len(LABELS))
    (batch,) = in_order(toy_features(8), 8)
    original.step(padded(batch, width=16), batch.label_ids)
    prefix = original.save(tmp_path / "model.ckpt")
    assert prefix.name == "model.ckpt-1"
    expected = original.variables()
    for path in (prefix, tmp_path):
        model = read(path, ReadOptions())
        assert set(model.weights) == {name for name in expected if "adam" not in name} - {
            "global_step"
        }
        for name, value in model.weights.items():
            np.testing.assert_array_equal(value, expected[name], err_msg=name)
    assert make_trainer().resume(newest(tmp_path)) == 1


def test_steps_are_counted_as_in_the_original() -> None:
    def count(num_examples: int, num_epochs: float, batch_size: int) -> tuple[int, int]:
        schedule = Schedule.from_epochs(num_examples, num_epochs, 0.1, batch_size, 1e-3, 5, 0)
        return schedule.num_train_steps, schedule.num_warmup_steps

    assert count(6920, 2.0, 32) == (432, 43)
    assert count(3668, 3.0, 32) == (343, 34)
    assert count(10, 10.0, 32) == (3, 0)
    with pytest.raises(UserError, match="--num_train_epochs 1 of 31 examples fill no batch"):
        count(31, 1.0, 32)


def test_random_weights_are_the_original_s_kind() -> None:
    config = dataclasses.replace(CONFIG, initializer_range=0.05)
    encoder = random_encoder(config, 1)
    word = encoder["bert/embeddings/word_embeddings"]
    assert 0.04 < word.std() < 0.05 and np.abs(word).max() <= 0.1
    assert (encoder["bert/embeddings/LayerNorm/gamma"] == 1).all()
    assert (encoder["bert/pooler/dense/bias"] == 0).all()
    query, key = (
        encoder[f"bert/encoder/layer_0/attention/self/{name}/kernel"] for name in ("query", "key")
    )
    assert not np.array_equal(query, key)
    classifier = random_classifier(config, 3, 1)
    assert classifier[OUTPUT_WEIGHTS].shape == (3, 16)
    assert np.abs(classifier[OUTPUT_WEIGHTS]).max() <= 0.04
    assert (classifier[OUTPUT_BIAS] == 0).all()
