"""SavedModels with text in front: through the exported artefact, against themselves."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from exporter import export
from exporter.contract import REPORT_FILE
from exporter.proof.adversarial_text import ADVERSARIAL_TEXTS
from tests.conftest import load_signatures
from tests.exporter.command import run_here
from tests.exporter.models.wrapped.saved_models import (
    CLASSES,
    HUB,
    RECIPE,
    answers_of,
    probabilities,
    write_old_saved_model,
    write_saved_model,
)
from tests.exporter.models.wrapped.wrapped import LENGTH, Wrapped, ask
from tests.programs.compatibility import guards
from tests.tiny_model import LABELS, TinyModel


def test_the_recipe_answers_text(recipe: Wrapped) -> None:
    answer = ask(recipe.signatures["text"], ADVERSARIAL_TEXTS)["probabilities"]
    expected = recipe.expected(ADVERSARIAL_TEXTS, LENGTH, "output")
    assert np.ptp(expected, axis=0).max() > 0.03, "texts differ"
    np.testing.assert_allclose(answer, expected, rtol=0, atol=1e-6)


def test_an_encoder_answers_text(hub: Wrapped) -> None:
    """In groups of rows of similar length, each padded to its longest."""
    signatures = hub.signatures
    answer = ask(signatures["text"], ADVERSARIAL_TEXTS)["embedding"]
    expected = hub.expected(ADVERSARIAL_TEXTS, 128, "pooled_output")
    assert np.ptp(expected, axis=0).max() > 0.03, "texts differ"
    np.testing.assert_allclose(answer, expected, rtol=0, atol=1e-5)
    again = ask(signatures["embedding"], ADVERSARIAL_TEXTS)["embedding"]
    np.testing.assert_array_equal(again, answer)
    assert set(signatures) == {
        *("serving_default", "text", "features", "features_with_label_ids"),
        *("embedding", "tokenize"),
    }


def test_logits_get_a_softmax(hugging_face: Wrapped) -> None:
    answer = ask(hugging_face.signatures["text"], ADVERSARIAL_TEXTS)["probabilities"]
    logits = hugging_face.expected(ADVERSARIAL_TEXTS, 32, "logits")
    np.testing.assert_allclose(answer, tf.nn.softmax(logits), rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["recipe", "hub", "hugging_face"])
def test_ids(kind: str, request: pytest.FixtureRequest) -> None:
    wrapped: Wrapped = request.getfixturevalue(kind)
    length = {"recipe": LENGTH, "hub": 128, "hugging_face": 32}[kind]
    tokens = ask(wrapped.signatures["tokenize"], ADVERSARIAL_TEXTS)
    for index, text in enumerate(ADVERSARIAL_TEXTS):
        mask = tokens["input_mask"][index].astype(bool)
        assert tokens["input_ids"][index][mask].tolist() == wrapped.ids(text, length)


def test_signatures_of_a_classifier(recipe: Wrapped) -> None:
    signatures = recipe.signatures
    assert set(signatures) == {
        *("serving_default", "text", "labels", "features", "features_with_label_ids"),
        *("classify", "tokenize"),
    }
    probabilities_of = ask(signatures["text"], (b"a good film",))["probabilities"]
    labels = ask(signatures["labels"], (b"a good film",))
    best = int(probabilities_of[0].argmax())
    assert labels["label"][0].decode() == LABELS[best]
    np.testing.assert_array_equal(labels["score"], probabilities_of[:, best])


def test_old_clients(recipe: Wrapped) -> None:
    """Holes in the mask, segments, fewer columns than the model has: its own answer."""
    generator = np.random.default_rng(2)
    rows = 7
    inputs = {
        "input_ids": generator.integers(100, size=[rows, 30]),
        "input_mask": generator.integers(2, size=[rows, 30]),
        "segment_ids": generator.integers(2, size=[rows, 30]),
    }
    padded = {
        name: np.pad(values, [[0, 0], [0, LENGTH - 30]]).astype(np.int32)
        for name, values in inputs.items()
    }
    label_ids = np.arange(rows, dtype=np.int32)
    expected = answers_of(recipe.directory, {**padded, "label_ids": label_ids})["output"]
    signatures = recipe.signatures
    for given in (inputs, padded):
        tensors = {name: tf.constant(values, tf.int32) for name, values in given.items()}
        found = signatures["features"](**tensors)["probabilities"]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
        found = signatures["features_with_label_ids"](**tensors, label_ids=label_ids)["output"]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_no_rows(recipe: Wrapped, hub: Wrapped) -> None:
    for wrapped, width in ((recipe, CLASSES), (hub, 8)):
        signatures = wrapped.signatures
        (answer,) = signatures["text"](text=tf.constant([], tf.string)).values()
        assert answer.shape == [0, width]
        nothing = tf.zeros([0, 5], tf.int32)
        features = dict.fromkeys(RECIPE, nothing)
        (answer,) = signatures["features"](**features).values()
        assert answer.shape == [0, width]


def test_features_that_have_no_answer(recipe: Wrapped) -> None:
    features = load_signatures(recipe.version_directory)["features"]
    right = tf.ones([2, 8], tf.int32)
    for name, wrong in (
        ("input_mask", tf.ones([2, 7], tf.int32)),
        ("segment_ids", tf.ones([1, 8], tf.int32)),
        ("input_ids", tf.fill([2, 8], 10_000)),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError):
            features(**{**dict.fromkeys(RECIPE, right), name: wrong})
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"1 to {LENGTH} columns"):
        features(**dict.fromkeys(RECIPE, tf.ones([2, LENGTH + 1], tf.int32)))


@pytest.mark.parametrize("kind", ["recipe", "hub"])
def test_guards(kind: str, request: pytest.FixtureRequest, full: bool) -> None:
    """The requests that end servers, and what memory they take: 5,000 rows, a row of 1 MB."""
    wrapped: Wrapped = request.getfixturevalue(kind)
    report = guards.check_guards(
        wrapped.version_directory,
        one_process_per_case=full,
        signature_names=None if full else frozenset({"text", "features"}),
    )
    print(f"{report.requests} requests, {report.largest_memory_mb} MB ({report.largest_case})")
    assert [str(finding) for finding in report.findings] == []
    assert report.largest_memory_mb <= guards.MEMORY_BOUND_MB


def test_an_answer_that_json_has_no_form_for(scratch: Path, vocabulary: Path) -> None:
    """Infinity of the SavedModel's is an error answer here."""

    def unbounded(vectors: tf.Tensor, pooled: tf.Tensor, logits: tf.Tensor) -> Mapping:
        # Only rows of 5 tokens: 1 / 0.
        return {"pooled_output": pooled / tf.cast(tf.shape(vectors)[1] - 5, tf.float32)}

    directory = write_saved_model(scratch / "unbounded", HUB, unbounded, vocabulary=vocabulary)
    report = export(directory, scratch / "served_unbounded", warmup=False, verify=False)
    text = load_signatures(report.version_directory)["text"]
    assert np.isfinite(text(text=tf.constant([b"a film"]))["embedding"]).all()
    with pytest.raises(tf.errors.InvalidArgumentError, match="NaN or infinity"):
        text(text=tf.constant([b"a good film"]))


def test_resource_variables(scratch: Path, recipe: Wrapped, recipe_model: TinyModel) -> None:
    directory = write_old_saved_model(
        scratch / "resources", recipe_model, LENGTH, use_resource=True
    )
    vocab_file = recipe_model.directory / "vocab.txt"
    report = export(
        directory, scratch / "served_resources", vocab_file=vocab_file, warmup=False, verify=False
    )
    texts = ADVERSARIAL_TEXTS
    answer = ask(load_signatures(report.version_directory)["text"], texts)["probabilities"]
    expected = ask(recipe.signatures["text"], texts)["probabilities"]
    np.testing.assert_allclose(answer, expected, rtol=0, atol=1e-6)


def test_the_command(vocabulary: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """With warm-up and verification; the SavedModel is gone afterwards."""
    directory = write_saved_model(
        tmp_path / "model", HUB, probabilities, length=24, vocabulary=vocabulary
    )
    flags = (f"--checkpoint={directory}", f"--export_dir={tmp_path / 'served'}", "--version=3")
    outcome = run_here(capsys, *flags)
    assert outcome.code == 0, outcome.errors
    assert "kept as it is, 24 columns" in outcome.output
    assert "probabilities, since every row has the sum 1" in outcome.output
    assert "ids equal on" in outcome.output
    served = tmp_path / "served" / "3"
    told = json.loads((served / REPORT_FILE).read_text())
    assert told["wrapped"]["signature"] == "serving_default"
    assert told["wrapped"]["length"] == 24
    assert told["wrapped"]["inputs"]["input_ids"] == {"name": "input_word_ids", "dtype": "int32"}
    assert len(told["wrapped"]["sha256"]["saved_model.pb"]) == 64
    assert told["verification"]["largest_probability_difference"] <= 1e-5
    before = ask(load_signatures(served)["text"], ADVERSARIAL_TEXTS)
    shutil.rmtree(directory)
    moved = served.rename(tmp_path / "4")
    after = ask(load_signatures(moved)["text"], ADVERSARIAL_TEXTS)
    np.testing.assert_array_equal(after["probabilities"], before["probabilities"])
