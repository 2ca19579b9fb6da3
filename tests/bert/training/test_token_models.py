"""Losses of tokens, against the original's graph and plain NumPy."""

from pathlib import Path

import numpy as np

from bert.checkpoints import google_research
from bert.checkpoints.tensorflow import files as tensorflow_files
from bert.encoder.packed_tokens import PackedTokens
from bert.training.batches import EncodedExample, pack, packed_tokens
from bert.training.initialization import random_encoder
from bert.training.token_models import IGNORED, SpanFinder, Tagger
from bert.training.trainer import Schedule, Trainer
from bert.variables import POOLER
from tests.bert.training.toy_task import padded
from tests.oracles.original_training import OriginalSpanTraining
from tests.tiny_model import tiny_config, tiny_tokens

CONFIG = tiny_config(len(tiny_tokens()), hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
_STEPS = 50


def weights(scope: str, num_labels: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(5)
    return {
        **random_encoder(CONFIG, 1),
        f"{scope}output_weights": generator.normal(size=[num_labels, 16]).astype(np.float32),
        f"{scope}output_bias": generator.normal(size=num_labels).astype(np.float32),
    }


def example(length: int, label: np.ndarray, seed: int) -> EncodedExample:
    ids = np.random.default_rng(seed).integers(5, CONFIG.vocab_size, length, np.int32)
    return EncodedExample(ids, (np.arange(length) > length // 2).astype(np.int32), label)


def test_steps_of_a_span_finder_are_the_original_s(tmp_path: Path) -> None:
    """Rows of one length, since the original counts padding among the tokens of a row."""
    vocabulary = "".join(f"{token}\n" for token in tiny_tokens()).encode()
    google_research.write_settings(tmp_path, CONFIG, vocabulary, True, 32)
    start = weights("cls/squad/", 2)
    tensorflow_files.write_variables(tmp_path / "start", start)
    original = OriginalSpanTraining(
        tmp_path / "bert_config.json", 2, 1e-3, num_train_steps=_STEPS, num_warmup_steps=5
    )
    original.restore(tmp_path / "start")
    schedule = Schedule(_STEPS, 5, 4, 1e-3, save_checkpoints_steps=100, seed=3)
    trainer = Trainer(SpanFinder(CONFIG, start), schedule)
    generator = np.random.default_rng(0)
    for step in range(_STEPS):
        labels = np.sort(generator.integers(0, 9, [4, 2], np.int32), axis=1)
        rows = [example(9, label, 10 * step + row) for row, label in enumerate(labels)]
        batch = pack(rows)
        expected = original.step(padded(batch, 9), labels)
        np.testing.assert_allclose(trainer.step(batch), expected, rtol=2e-6, atol=1e-6)
    expected_variables = original.variables()
    found = {name: variable.numpy() for name, variable in trainer.named_variables().items()}
    # The original has no gradient of the pooler, and so no slots.
    assert found.keys() == expected_variables.keys()
    assert any(name.startswith(POOLER) for name in found)
    for name, value in expected_variables.items():
        # What is added to every token leaves the softmax among tokens as it is: these gradients
        # are rounding errors, of which Adam makes steps of any direction.
        if name.startswith(("cls/squad/output_bias", "bert/encoder/layer_1/output/LayerNorm/beta")):
            continue
        np.testing.assert_allclose(found[name], value, rtol=0, atol=2e-6, err_msg=name)


def test_the_loss_of_a_tagger_is_the_mean_over_labelled_tokens() -> None:
    tagger = Tagger(CONFIG, weights("cls/tagging/", 3))
    labels = np.full([2, 12], IGNORED, np.int32)
    labels[0, [1, 2, 4]] = [0, 2, 1]
    labels[1, 3] = 2
    batch = pack([example(6, labels[0], 1), example(9, labels[1], 2)])
    tokens = packed_tokens(batch)
    assert isinstance(tokens, PackedTokens)
    probabilities = tagger.probabilities(tokens).numpy()
    expected = -np.log(probabilities[[1, 2, 4, 6 + 3], [0, 2, 1, 2]])
    np.testing.assert_allclose(tagger.losses(tokens, batch.label_ids), expected, rtol=1e-5)


def test_a_batch_of_a_row_without_the_answer() -> None:
    finder = SpanFinder(CONFIG, weights("cls/squad/", 2))
    batch = pack([example(5, np.array([0, 0], np.int32), 3), example(7, np.array([2, 4]), 4)])
    logits = finder.logits(packed_tokens(batch)).numpy()
    expected = []
    for rows, (start, end) in ((logits[:5], (0, 0)), (logits[5:], (2, 4))):
        shares = np.exp(rows) / np.exp(rows).sum(axis=0)
        expected.append(-(np.log(shares[start, 0]) + np.log(shares[end, 1])) / 2)
    np.testing.assert_allclose(
        finder.losses(packed_tokens(batch), batch.label_ids), expected, rtol=1e-5
    )
