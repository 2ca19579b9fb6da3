"""Windows of long texts by every task that pools them, against other people's code."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from bert.checkpoints import ReadOptions, read
from bert.reference import ReferenceModel
from exporter import export
from tests.bert.checkpoints.huggingface.directory import (
    tensors,
    variables,
    write_directory,
    write_sentence_transformer,
)
from tests.conftest import load_signatures
from tests.exporter.artefact.long_texts import (
    COUNTS,
    LENGTH,
    ROOM,
    TEXTS,
    Tokenize,
    features_of,
    windows_of,
)
from tests.exporter.example_protos import example_of
from tests.oracles.original_classifier import OriginalClassifier
from tests.tiny_model import LABELS, TinyModel

_TOLERANCE = 1e-5


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_windows_of_several_labels(
    pooling: str,
    tiny_model: TinyModel,
    tokenize: Tokenize,
    special_ids: tuple[int, int],
    tmp_path: Path,
) -> None:
    """Of the original's classifier; verified."""
    checkpoint = shutil.copytree(tiny_model.directory, tmp_path / "model")
    told = {"task": "multilabel", "labels": list(LABELS)}
    (checkpoint / "labels.json").write_text(json.dumps(told))
    original = OriginalClassifier(checkpoint / tiny_model.prefix.name, len(LABELS))
    report = export(
        checkpoint,
        tmp_path / "served",
        long_text="windows",
        doc_stride=7,
        window_pooling=pooling,
        warmup=False,
    )
    assert f"share 7 tokens, {pooling} of their answers" in report.summary()
    signatures, batch = load_signatures(report.version_directory), tf.constant(TEXTS)
    expected = []
    for text in TEXTS:
        logits = original.logits(*features_of(windows_of(tokenize(text), 7), *special_ids))
        probabilities = 1 / (1 + np.exp(-logits.astype(np.float64)))
        expected.append(getattr(np, pooling)(probabilities, axis=0))
    found = signatures["text"](text=batch)["probabilities"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=_TOLERANCE)
    labels = {key: value.numpy() for key, value in signatures["labels"](text=batch).items()}
    np.testing.assert_allclose(
        labels["scores"], -np.sort(-np.array(expected)), rtol=0, atol=_TOLERANCE
    )
    best = np.argmax(expected, axis=1)
    assert labels["label"].tolist() == [LABELS[index].encode() for index in best]
    examples = tf.constant([example_of(text=text) for text in TEXTS])
    scores = signatures["classify"](inputs=examples)["scores"]
    np.testing.assert_allclose(scores, expected, rtol=0, atol=_TOLERANCE)


def test_windows_of_regression(
    tokenize: Tokenize, special_ids: tuple[int, int], tmp_path: Path
) -> None:
    """Of a model of transformers, with as little shared as can be."""
    directory = write_directory(tmp_path / "model", tensors(variables(1)))
    report = export(
        directory,
        tmp_path / "served",
        long_text="windows",
        doc_stride=0,
        window_pooling="max",
        warmup=False,
        verify=False,
    )
    witness = ReferenceModel(read(directory, ReadOptions()))
    expected = [
        witness.answers(*features_of(windows_of(tokenize(text), 0), *special_ids))["scores"].max()
        for text in TEXTS[: len(COUNTS)]
    ]
    signatures = load_signatures(report.version_directory)
    batch = TEXTS[: len(COUNTS)]
    found = signatures["text"](text=tf.constant(batch))["scores"]
    np.testing.assert_allclose(found, expected, rtol=_TOLERANCE, atol=_TOLERANCE)
    examples = tf.constant([example_of(text=text) for text in batch])
    found = signatures["regress"](inputs=examples)["outputs"]
    np.testing.assert_allclose(found, expected, rtol=_TOLERANCE, atol=_TOLERANCE)


def test_windows_of_sentence_vectors(
    tokenize: Tokenize, special_ids: tuple[int, int], tmp_path: Path
) -> None:
    """24 tokens of sentence-transformers; verified."""
    pooling = {"word_embedding_dimension": 16, "pooling_mode_mean_tokens": True}
    directory = write_sentence_transformer(tmp_path / "model", pooling)
    report = export(
        directory,
        tmp_path / "served",
        max_seq_length=LENGTH,
        long_text="windows",
        doc_stride=29,
        window_pooling="max",
        warmup=False,
    )
    witness = ReferenceModel(read(directory, ReadOptions(max_seq_length=LENGTH)))
    batch = TEXTS[: len(COUNTS) - 1]
    expected = [
        witness.answers(*features_of(windows_of(tokenize(text), 29), *special_ids))["embedding"]
        for text in batch
    ]
    assert max(map(len, expected)) == ROOM + 1
    signatures = load_signatures(report.version_directory)
    found = signatures["embedding"](text=tf.constant(batch))["embedding"]
    np.testing.assert_allclose(
        found, [rows.max(axis=0) for rows in expected], rtol=0, atol=_TOLERANCE
    )
