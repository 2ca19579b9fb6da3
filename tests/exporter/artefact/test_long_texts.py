"""Long texts through the reloaded export, against the original's tokenizer and model."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from exporter import ExportReport, export
from exporter.text.long_texts import HeadAndTail
from tests.conftest import Signatures, load_signatures
from tests.exporter.artefact.long_texts import (
    COUNTS,
    ROOM,
    TEXTS,
    Tokenize,
    features_of,
    windows_of,
)
from tests.exporter.command import assert_refused, run_here
from tests.exporter.example_protos import example_of
from tests.oracles.original_classifier import OriginalClassifier
from tests.tiny_model import LABELS, TinyModel

_TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def original(tiny_model: TinyModel) -> OriginalClassifier:
    return OriginalClassifier(tiny_model.prefix, len(LABELS))


@pytest.fixture(scope="module")
def mean_report(tiny_model: TinyModel, tmp_path_factory: pytest.TempPathFactory) -> ExportReport:
    """Verified, with warm-up."""
    export_dir = tmp_path_factory.mktemp("windows") / "served"
    return export(tiny_model.prefix, export_dir, labels=LABELS, long_text="windows")


@pytest.fixture(scope="module")
def mean_signatures(mean_report: ExportReport) -> Signatures:
    return load_signatures(mean_report.version_directory)


@pytest.fixture(scope="module")
def head_tail_report(
    tiny_model: TinyModel, tmp_path_factory: pytest.TempPathFactory
) -> ExportReport:
    export_dir = tmp_path_factory.mktemp("head_tail") / "served"
    return export(tiny_model.prefix, export_dir, labels=LABELS, long_text="head_tail", warmup=False)


def test_the_report_says_so(mean_report: ExportReport, head_tail_report: ExportReport) -> None:
    words = "; longer texts are read in windows that share 16 tokens, mean of their answers\n"
    assert words in mean_report.summary()
    assert "; longer texts are cut in the middle\n" in head_tail_report.summary()
    for report, way, stride, pooling in (
        (mean_report, "windows", 16, "mean"),
        (head_tail_report, "head_tail", 0, None),
    ):
        assert report.verification is not None
        # The built-in ones, and one that is too long.
        assert report.verification.texts_with_equal_ids == 38
        extra = report.version_directory / "assets.extra"
        told = json.loads((extra / "export.json").read_text())["text"]
        found = told["long_text"], told["doc_stride"], told["window_pooling"]
        assert found == (way, stride, pooling)
        limit = "more than 32 tokens is " + ("read in windows" if way == "windows" else "cut in")
        assert limit in (extra / "README.md").read_text()


def test_windows_of_a_classifier(
    mean_signatures: Signatures,
    original: OriginalClassifier,
    tokenize: Tokenize,
    special_ids: tuple[int, int],
) -> None:
    """Every signature that takes text, in one batch of all lengths."""
    probabilities, vectors = [], []
    for text in TEXTS:
        features = features_of(windows_of(tokenize(text), 16), *special_ids)
        probabilities.append(original.probabilities(*features).mean(axis=0))
        vectors.append(original.pooled(*features).mean(axis=0))
    signatures, batch = mean_signatures, tf.constant(TEXTS)
    found = signatures["text"](text=batch)["probabilities"].numpy()
    np.testing.assert_allclose(found, probabilities, rtol=0, atol=_TOLERANCE)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    labels = signatures["labels"](text=batch)
    best = np.argmax(probabilities, axis=1)
    assert labels["label"].numpy().tolist() == [LABELS[index].encode() for index in best]
    np.testing.assert_allclose(labels["score"], np.max(probabilities, axis=1), atol=_TOLERANCE)
    examples = tf.constant([example_of(text=text) for text in TEXTS])
    scores = signatures["classify"](inputs=examples)["scores"]
    np.testing.assert_allclose(scores, probabilities, rtol=0, atol=_TOLERANCE)
    embedding = signatures["embedding"](text=batch)["embedding"]
    np.testing.assert_allclose(embedding, vectors, rtol=0, atol=_TOLERANCE)
    told = signatures["tokenize"](text=batch)
    assert not told["truncated"].numpy().any()
    for text, ids, mask in zip(
        TEXTS, told["input_ids"].numpy(), told["input_mask"].numpy(), strict=True
    ):
        cls, sep = special_ids
        assert ids[mask == 1].tolist() == [cls, *tokenize(text), sep]


def test_a_row_of_a_batch_is_the_row_alone(mean_signatures: Signatures) -> None:
    together = mean_signatures["text"](text=tf.constant(TEXTS))["probabilities"].numpy()
    for text, expected in zip(TEXTS, together, strict=True):
        alone = mean_signatures["text"](text=tf.constant([text]))["probabilities"].numpy()[0]
        np.testing.assert_allclose(alone, expected, rtol=0, atol=1e-6)


def test_no_rows(mean_signatures: Signatures) -> None:
    for name in ("text", "labels", "embedding", "tokenize"):
        for values in mean_signatures[name](text=tf.constant([], tf.string)).values():
            assert values.shape[0] == 0


def test_head_and_tail_of_a_classifier(
    head_tail_report: ExportReport,
    original: OriginalClassifier,
    tokenize: Tokenize,
    special_ids: tuple[int, int],
) -> None:
    """8 of 30, as 128 of 510."""
    rows = [tokenize(text) for text in TEXTS]
    is_cut = [len(row) > ROOM for row in rows]
    rows = [[*row[:8], *row[-22:]] if len(row) > ROOM else row for row in rows]
    features = features_of(rows, *special_ids)
    signatures = load_signatures(head_tail_report.version_directory)
    batch = tf.constant(TEXTS)
    found = signatures["text"](text=batch)["probabilities"]
    np.testing.assert_allclose(found, original.probabilities(*features), rtol=0, atol=_TOLERANCE)
    found = signatures["embedding"](text=batch)["embedding"]
    np.testing.assert_allclose(found, original.pooled(*features), rtol=0, atol=_TOLERANCE)
    told = {key: value.numpy() for key, value in signatures["tokenize"](text=batch).items()}
    assert told["truncated"].tolist() == is_cut
    np.testing.assert_array_equal(told["input_ids"], features[0])
    # The last word of a text that was cut stands where it stood.
    row = COUNTS.index(10 * ROOM)
    assert told["ends"][row, -2] == len(TEXTS[row])
    assert told["starts"][row, 1] == 0


def test_shares_of_head_and_tail() -> None:
    assert HeadAndTail.of(512) == (128, 382)
    assert HeadAndTail.of(128) == (32, 94)
    assert HeadAndTail.of(3) == (0, 1)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--long_text=windows", "--text_pair"], ("--long_text is windows", "pairs")),
        (["--long_text=head_tail", "--text_pair"], ("--long_text is head_tail", "pairs")),
        (["--long_text=windows", "--doc_stride=30"], ("--doc_stride is 30", "at most 29")),
        (["--doc_stride=3"], ("--doc_stride is 3", "--long_text is truncate")),
        (["--long_text=head_tail", "--window_pooling=max"], ("--window_pooling is max",)),
        (["--long_text=middle"], ("--long_text", "truncate, head_tail", "windows")),
        (
            ["--long_text=windows", "--task=embedding", "--pooling_strategy=NONE"],
            ("--long_text is windows", "--pooling_strategy"),
        ),
    ],
)
def test_flags_that_do_not_fit(
    flags: list[str],
    words: tuple[str, ...],
    tiny_model: TinyModel,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    arguments = [f"--checkpoint={tiny_model.prefix}", f"--export_dir={tmp_path / 'served'}"]
    assert_refused(run_here(capfd, *arguments, *flags), *words)
