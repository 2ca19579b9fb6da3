"""SavedModels of Model Garden's own export code, with text in front of them."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from exporter import export
from tests.acceptance.conftest import ModelGarden
from tests.conftest import load_signatures
from tests.exporter.command import run

_LENGTH = 48
_BATCH = 64


def assert_same(version_directory: Path, garden: ModelGarden, name: str, expected: str) -> None:
    """Ids and answers of every text, through the artefact."""
    arrays = garden.arrays(name)
    signatures = load_signatures(version_directory)
    largest, different = 0.0, 0
    for start in range(0, len(garden.texts), _BATCH):
        rows = slice(start, start + _BATCH)
        texts = tf.constant([text.encode() for text in garden.texts[rows]])
        tokens = signatures["tokenize"](text=texts)["input_ids"].numpy()
        padded = np.pad(tokens, [[0, 0], [0, _LENGTH - tokens.shape[1]]])
        different += int((padded != arrays["input_word_ids"][rows]).any(axis=1).sum())
        (answer,) = signatures["text"](text=texts).values()
        difference = np.reshape(answer, [len(texts), -1]) - arrays[expected][rows]
        largest = max(largest, float(np.abs(difference).max()))
    print(f"{name}: {len(garden.texts)} texts, {different} with other ids, largest {largest:.1e}")
    assert different == 0
    assert largest <= 1e-5


@pytest.mark.parametrize("name", ["hub_encoder", "hub_encoder_cased"])
def test_encoders_need_no_flag_but_a_length(
    name: str, model_garden: ModelGarden, tmp_path: Path
) -> None:
    """Vocabulary and casing are in the SavedModel; the oracle's texts were cut to 48 tokens."""
    outcome = run(
        f"--checkpoint={model_garden.saved_model(name)}",
        f"--export_dir={tmp_path / 'served'}",
        "--version=1",
        f"--max_seq_length={_LENGTH}",
    )
    assert outcome.code == 0, outcome.errors
    assert "embedding" in outcome.output
    assert_same(tmp_path / "served" / "1", model_garden, name, "pooled_output")


@pytest.mark.parametrize("name", ["hub_encoder", "hub_encoder_cased"])
def test_no_other_flag(name: str, model_garden: ModelGarden, tmp_path: Path) -> None:
    report = export(model_garden.saved_model(name), tmp_path / "served", warmup=False, verify=False)
    assert report.model.do_lower_case == (name == "hub_encoder")
    assert len(report.model.vocabulary) == report.opened.word_embedding_rows


@pytest.mark.parametrize(
    ("name", "task", "expected"),
    [
        ("classifier", None, "probabilities"),
        ("classifier_probability", None, "probabilities"),
        ("regressor", "regression", "logits"),
    ],
)
def test_classifiers(
    name: str, task: str | None, expected: str, model_garden: ModelGarden, tmp_path: Path
) -> None:
    """Without assets: the vocabulary is given."""
    report = export(
        model_garden.saved_model(name),
        tmp_path / "served",
        vocab_file=model_garden.checkpoint("head_pooler") / "vocab.txt",
        max_seq_length=_LENGTH,
        task=task,
        warmup=False,
    )
    assert_same(report.version_directory, model_garden, name, expected)
