"""Sentence pairs, fine-tuned on nine tenths of MRPC and asked about the last."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import f1_score

from exporter import export
from tests.acceptance.conftest import Trained, data_folder, fine_tune
from tests.conftest import load_signatures
from tests.oracles.original_classifier import OriginalClassifier
from tests.oracles.original_pairs import original_pair_features

_LENGTH = 128


@pytest.fixture(scope="module")
def trained(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    scratch = tmp_path_factory.mktemp("mrpc")
    source = data_folder() / "mrpc" / "msr_paraphrase_train.txt"
    header, *rows = source.read_bytes().removesuffix(b"\n").split(b"\n")
    data_dir = scratch / "data"
    data_dir.mkdir()
    held_out, kept = rows[::10], [row for index, row in enumerate(rows) if index % 10]
    (data_dir / "train.tsv").write_bytes(b"\n".join([header, *kept]) + b"\n")
    (data_dir / "dev.tsv").write_bytes(b"\n".join([header, *held_out]) + b"\n")
    yield from fine_tune("mrpc", data_dir, minilm, scratch, "--text_pair", length=_LENGTH)


@pytest.fixture(scope="module")
def pairs(trained: Trained) -> list[tuple[str, str]]:
    return [(row[3], row[4]) for row in trained.rows[1:]]


@pytest.fixture(scope="module")
def answers(trained: Trained, pairs: list[tuple[str, str]]) -> np.ndarray:
    instances = [{"text_a": a, "text_b": b} for a, b in pairs]
    return np.array(trained.answers(instances))


def test_rest_gives_the_probabilities_of_do_predict(trained: Trained, answers: np.ndarray) -> None:
    np.testing.assert_allclose(answers, trained.predicted(), rtol=0, atol=1e-5)


def test_the_original_gives_the_same_probabilities(
    trained: Trained, pairs: list[tuple[str, str]], answers: np.ndarray
) -> None:
    features = original_pair_features(pairs, trained.output_dir / "vocab.txt", _LENGTH)
    original = OriginalClassifier(trained.prefix, num_labels=2)
    np.testing.assert_allclose(answers, original.probabilities(*features), rtol=0, atol=1e-5)


def test_f1_of_do_eval_is_that_of_the_answers_over_rest(
    trained: Trained, answers: np.ndarray
) -> None:
    lines = (trained.output_dir / "eval_results.txt").read_text().splitlines()
    results = dict(line.split(" = ") for line in lines)
    labels = [int(row[0]) for row in trained.rows[1:]]
    expected = f1_score(labels, answers.argmax(axis=1))
    assert float(results["eval_f1"]) == pytest.approx(expected, abs=1e-6)


def test_int8_changes_hardly_a_label(
    trained: Trained, pairs: list[tuple[str, str]], answers: np.ndarray, tmp_path: Path
) -> None:
    """Of 408 held-out pairs."""
    report = export(
        trained.prefix,
        tmp_path / "served",
        text_pair=True,
        precision="int8",
        target_serving="2.17.0",
        warmup=False,
    )
    text = load_signatures(report.version_directory)["text"]
    rounded = []
    for start in range(0, len(pairs), 64):
        text_a, text_b = map(list, zip(*pairs[start : start + 64], strict=True))
        rounded.append(text(text_a=tf.constant(text_a), text_b=tf.constant(text_b)))
    found = np.concatenate([each["probabilities"].numpy() for each in rounded])
    changed = (found.argmax(axis=1) != answers.argmax(axis=1)).sum()
    print(f"{changed} labels changed, probabilities by up to {np.abs(found - answers).max()}")
    assert changed <= 4
    assert np.abs(found - answers).max() > 1e-5
