"""Fine-tuned on SST-2: accuracy, and the same answers from every side."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from bert.checkpoints import ReadOptions, read
from bert.encoder.heads import DenseHead
from bert.encoder.packed_tokens import PackedTokens
from bert.encoder.precision import BFLOAT16, INT8, PRECISIONS
from bert.encoder.serving import ServingEncoder
from exporter import export
from tests.acceptance.conftest import Trained, data_folder, fine_tune
from tests.conftest import load_signatures
from tests.oracles.original_classifier import OriginalClassifier
from tests.oracles.original_tokenizer import original_tokenizer

_LENGTH = 64
_RECIPE_LENGTH = 256
_CLS, _SEP = 101, 102


@pytest.fixture(scope="module")
def trained(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    scratch = tmp_path_factory.mktemp("sst2")
    yield from fine_tune("sst-2", data_folder() / "sst2", minilm, scratch, length=_LENGTH)


@pytest.fixture(scope="module")
def sentences(trained: Trained) -> list[str]:
    return [row[0] for row in trained.rows]


def _features(sentences: list[str], vocabulary: Path, length: int) -> dict[str, np.ndarray]:
    """What the client of the old recipe sends: Python tokenizer, padding, label ids."""
    tokenize = original_tokenizer(vocabulary, do_lower_case=True)
    input_ids = np.zeros((len(sentences), length), np.int32)
    input_mask = np.zeros_like(input_ids)
    for row, sentence in enumerate(sentences):
        ids = [_CLS, *tokenize(sentence.encode())[: _LENGTH - 2], _SEP]
        input_ids[row, : len(ids)] = ids
        input_mask[row, : len(ids)] = 1
    return {
        "input_ids": input_ids,
        "input_mask": input_mask,
        "segment_ids": np.zeros_like(input_ids),
    }


def test_accuracy(trained: Trained) -> None:
    results = dict(
        line.split(" = ") for line in (trained.output_dir / "eval_results.txt").open().readlines()
    )
    assert float(results["eval_accuracy"]) >= 0.86


def test_rest_gives_the_probabilities_of_do_predict(trained: Trained, sentences: list[str]) -> None:
    assert len(sentences) == 872
    answers = np.array(trained.answers(sentences))
    np.testing.assert_allclose(answers, trained.predicted(), rtol=0, atol=1e-5)


def test_the_original_restores_our_checkpoint(trained: Trained, sentences: list[str]) -> None:
    chosen = sentences[::4][:200]
    features = _features(chosen, trained.output_dir / "vocab.txt", _LENGTH)
    original = OriginalClassifier(trained.prefix, num_labels=2)
    answers = np.array(trained.answers(chosen))
    np.testing.assert_allclose(answers, original.probabilities(**features), rtol=0, atol=1e-5)


def test_logits_equal_the_original_s(trained: Trained, sentences: list[str]) -> None:
    chosen = sentences[::4][:200]
    features = _features(chosen, trained.output_dir / "vocab.txt", _LENGTH)
    pooled = OriginalClassifier(trained.prefix, num_labels=2).pooled(**features)
    model = read(trained.prefix, ReadOptions())
    weights, bias = model.weights["output_weights"], model.weights["output_bias"]
    expected = pooled @ weights.T + bias
    mask = features["input_mask"].astype(bool)
    lengths = mask.sum(axis=1)
    tokens = PackedTokens(
        ids=tf.constant(features["input_ids"][mask]),
        segment_ids=tf.constant(features["segment_ids"][mask]),
        positions=tf.constant(np.concatenate([np.arange(n) for n in lengths]), tf.int32),
        row_splits=tf.constant(np.cumsum([0, *lengths]), tf.int32),
    )
    head = DenseHead(model.weights, model.task)
    logits = head.logits(ServingEncoder(model.config, model.weights).pooled(tokens))
    # Relative to the largest logit: one near zero has no digits of its own to compare.
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_the_recipe_s_client_is_answered_as_the_text(
    trained: Trained, sentences: list[str]
) -> None:
    chosen = sentences[:96]
    features = _features(chosen, trained.output_dir / "vocab.txt", _RECIPE_LENGTH)
    instances = [
        {name: values[row].tolist() for name, values in features.items()}
        for row in range(len(chosen))
    ]
    text = np.array(trained.answers(chosen))
    plain = np.array(trained.answers(instances, "features"))
    labelled = [{**instance, "label_ids": 0} for instance in instances]
    recipe = np.array(trained.answers(labelled, "features_with_label_ids"))
    np.testing.assert_allclose(plain, text, rtol=0, atol=1e-6)
    np.testing.assert_allclose(recipe, text, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("precision", "most"), [(BFLOAT16, 1), (INT8, 4)])
def test_a_smaller_precision_changes_hardly_a_label(
    precision: str, most: int, trained: Trained, sentences: list[str], tmp_path: Path
) -> None:
    """Of 872 sentences; those that change were near the border."""
    report = export(
        trained.prefix,
        tmp_path / "served",
        precision=precision,
        target_serving="2.17.0",
        warmup=False,
    )
    text = load_signatures(report.version_directory)["text"]
    rounded = np.concatenate(
        [
            text(text=tf.constant(sentences[start : start + 64]))["probabilities"].numpy()
            for start in range(0, len(sentences), 64)
        ]
    )
    exact = np.array(trained.answers(sentences))
    labels = np.array([int(row[1]) for row in trained.rows])
    accuracies = [(each.argmax(axis=1) == labels).mean() for each in (exact, rounded)]
    changed = rounded.argmax(axis=1) != exact.argmax(axis=1)
    print(
        f"{precision}: {changed.sum()} labels changed, accuracy {accuracies}, probabilities by up "
        f"to {np.abs(rounded - exact).max()}"
    )
    assert changed.sum() <= most
    assert abs(accuracies[0] - accuracies[1]) <= 0.002
    assert np.abs(rounded - exact).max() <= PRECISIONS[precision].tolerance
    # The same to the last bit would mean that nothing was rounded.
    assert np.abs(rounded - exact).max() > 1e-5


def test_tokenize_equals_the_original_on_every_line(trained: Trained) -> None:
    """Through the export itself, on all lines of SST-2 and MRPC."""
    tokenize = original_tokenizer(trained.output_dir / "vocab.txt", do_lower_case=True)
    folder = data_folder()
    files = [*sorted(folder.glob("sst2/*.tsv")), folder / "mrpc" / "msr_paraphrase_train.txt"]
    lines = [line for file in files for line in file.read_bytes().split(b"\n")]
    signature = load_signatures(trained.version_directory)["tokenize"]
    different = 0
    for start in range(0, len(lines), 512):
        batch = lines[start : start + 512]
        outputs = signature(text=tf.constant(batch))
        mask = outputs["input_mask"].numpy().astype(bool)
        for line, ids, is_token in zip(batch, outputs["input_ids"].numpy(), mask, strict=True):
            expected = [_CLS, *tokenize(line)[: _LENGTH - 2], _SEP]
            different += ids[is_token].tolist() != expected
    assert different == 0
