"""What TensorFlow Model Garden trains, exported, against what it answers in memory."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from exporter import export
from tests.acceptance.conftest import ModelGarden
from tests.conftest import load_signatures
from tests.exporter.command import run
from tests.exporter.preview.client import preview
from tests.exporter.preview.loading import wait_until_loaded

_TOLERANCE = 1e-5
_BATCH = 64

# The answers of each checkpoint, in the arrays of the oracle.
_ANSWERS = {
    "trained": "probabilities",
    "head_pooler": "probabilities",
    "encoder_pooler": "probabilities",
    "cased": "probabilities",
    "version_2": "probabilities",
    "relu": "probabilities",
    "regression": "logits",
    "encoder": "pooled_output",
    "encoder_cased": "pooled_output",
    "pretrainer": "pooled_output",
}


def assert_same(
    version_directory: Path, arrays: dict[str, np.ndarray], answer: str, *columns: list[str]
) -> None:
    """Ids, mask, type ids and answers of every row, through the saved artefact."""
    signatures = load_signatures(version_directory)
    inputs = ("text",) if len(columns) == 1 else ("text_a", "text_b")
    expected = arrays[answer]
    answers = []
    for start in range(0, len(expected), _BATCH):
        rows = {
            name: tf.constant([text.encode() for text in column[start : start + _BATCH]])
            for name, column in zip(inputs, columns, strict=True)
        }
        (found,) = signatures["text"](**rows).values()
        answers.append(found.numpy())
        tokens = signatures["tokenize"](**rows)
        length = tokens["input_ids"].shape[1]
        for ours, theirs in (
            ("input_ids", "input_word_ids"),
            ("input_mask", "input_mask"),
            ("segment_ids", "input_type_ids"),
        ):
            batch = arrays[theirs][start : start + _BATCH]
            np.testing.assert_array_equal(tokens[ours], batch[:, :length], err_msg=ours)
            # What Model Garden has beyond our longest row is padding.
            assert not batch[:, length:].any()
    # Regression has one output, which has no axis of its own here.
    np.testing.assert_allclose(
        np.concatenate(answers).reshape(expected.shape), expected, rtol=0, atol=_TOLERANCE
    )


@pytest.mark.parametrize("name", _ANSWERS)
def test_answers_are_those_of_model_garden(
    name: str, model_garden: ModelGarden, tmp_path: Path
) -> None:
    checkpoint = model_garden.checkpoint(name)
    report = export(checkpoint, tmp_path / "served", warmup=False, verify=False)
    arrays = model_garden.arrays(name)
    assert_same(report.version_directory, arrays, _ANSWERS[name], model_garden.texts)


def test_pairs(model_garden: ModelGarden, tmp_path: Path) -> None:
    checkpoint = model_garden.checkpoint("trained_pairs")
    report = export(checkpoint, tmp_path / "served", text_pair=True, warmup=False, verify=False)
    columns = [list(column) for column in zip(*model_garden.pairs, strict=True)]
    arrays = model_garden.arrays("trained_pairs")
    assert_same(report.version_directory, arrays, "probabilities", *columns)


def test_the_best_checkpoint_by_the_command_over_rest(
    model_garden: ModelGarden, tmp_path: Path
) -> None:
    """It lies in a directory below that of params.yaml; no flag says so."""
    export_dir = tmp_path / "best"
    checkpoint = model_garden.checkpoint("best") / "best_ckpt"
    outcome = run(f"--checkpoint={checkpoint}", f"--export_dir={export_dir}")
    assert outcome.code == 0, outcome.errors
    assert "Model Garden BertClassifier" in outcome.output
    (version,) = (path for path in export_dir.iterdir() if path.name.isdecimal())
    arrays = model_garden.arrays("best")
    assert_same(version, arrays, "probabilities", model_garden.texts)
    found: list[list[float]] = []
    with preview("best", export_dir) as client:
        wait_until_loaded(client, "best")
        for start in range(0, len(model_garden.texts), _BATCH):
            body = {"instances": model_garden.texts[start : start + _BATCH]}
            answer = client.predict(body, model="best")
            assert answer.status == 200, answer.body
            found += answer.json()["predictions"]
    np.testing.assert_allclose(np.array(found), arrays["probabilities"], rtol=0, atol=_TOLERANCE)


def test_another_encoder_is_refused(model_garden: ModelGarden, tmp_path: Path) -> None:
    outcome = run(
        f"--checkpoint={model_garden.checkpoint('albert')}", f"--export_dir={tmp_path / 'served'}"
    )
    assert outcome.code == 1
    assert "no BERT encoder" in outcome.errors and "_attention_layer" in outcome.errors
    assert not (tmp_path / "served").exists()
