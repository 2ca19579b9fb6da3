"""Exports of Hugging Face and sentence-transformers directories, through the saved artefact."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from bert.checkpoints import ReadOptions, read
from bert.model import FineTunedModel
from bert.reference import ReferenceModel
from exporter import export
from exporter.contract import WARMUP_FILE
from exporter.serving.graph_file import read_serving_graph
from exporter.text.huggingface.profile import HuggingFaceProfile
from tests.bert.checkpoints.huggingface.directory import (
    tensors,
    variables,
    write_directory,
    write_sentence_transformer,
)
from tests.conftest import Signatures, load_signatures
from tests.exporter.command import run_here
from tests.exporter.preview.client import preview
from tests.exporter.preview.loading import wait_until_loaded
from tests.full import sampled

_TEXTS = ("the film is good", "bad", "", "A very FUNNY film! [SEP] isn't it?", "not " * 50, "漢 é")

_NORMALIZED = {"mean": True, "max": False, "cls": True}


def expected_answers(model: FineTunedModel, texts: tuple[str, ...] = _TEXTS) -> np.ndarray:
    """The textbook forward pass, one text at a time."""
    witness, tokenizer = ReferenceModel(model), HuggingFaceProfile().build_reference(model)
    answers = []
    for text in texts:
        ids, segments = tokenizer.encode(text, None, model.max_seq_length)
        row = np.array([ids])
        answers.append(
            witness.answers(row, np.ones_like(row), np.array([segments]))[model.task.answer][0]
        )
    return np.array(answers)


def assert_close(found: object, expected: np.ndarray) -> None:
    scale = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(np.asarray(found), expected, rtol=0, atol=1e-5 * scale)


@pytest.fixture(scope="module")
def multilabel_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_directory(
        tmp_path_factory.mktemp("multilabel") / "model",
        id2label={"0": "loud", "1": "long", "2": "funny"},
        problem_type="multi_label_classification",
    )


@pytest.fixture(scope="module")
def multilabel(multilabel_dir: Path) -> Signatures:
    report = export(
        multilabel_dir, multilabel_dir.parent / "served", version=1, warmup=False, verify=False
    )
    return load_signatures(report.version_directory)


def test_multilabel(multilabel: Signatures, multilabel_dir: Path) -> None:
    expected = expected_answers(read(multilabel_dir, ReadOptions()))
    assert np.abs(expected.sum(axis=1) - 1).max() > 0.1
    assert_close(multilabel["text"](text=tf.constant(_TEXTS))["probabilities"], expected)
    answer = multilabel["labels"](text=tf.constant(_TEXTS))
    order = np.argsort(-expected, axis=1)
    names = np.array([b"loud", b"long", b"funny"])
    np.testing.assert_array_equal(answer["labels"].numpy(), names[order])
    assert_close(answer["scores"], np.take_along_axis(expected, order, axis=1))
    assert set(multilabel) >= {"classify", "embedding", "features", "tokenize"}
    assert "regress" not in multilabel


@pytest.fixture(scope="module")
def regression_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a trainer for similarity or ratings saves: one output, no problem_type."""
    return write_directory(tmp_path_factory.mktemp("regression") / "model", tensors(variables(1)))


def test_regression_by_the_command(regression_dir: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The whole way with no other flag: verified, warmed up, served over REST."""
    export_dir = regression_dir.parent / "ratings"
    outcome = run_here(capfd, f"--checkpoint={regression_dir}", f"--export_dir={export_dir}")
    assert outcome.code == 0, outcome.errors
    assert "Hugging Face BertForSequenceClassification" in outcome.output
    assert "of width 16, regression\n" in outcome.output
    assert "scores within" in outcome.output
    expected = expected_answers(read(regression_dir, ReadOptions()))
    assert expected.shape == (len(_TEXTS),)
    with preview("ratings", export_dir) as client:
        wait_until_loaded(client, "ratings")
        answer = client.predict({"instances": list(_TEXTS)}, model="ratings")
        assert answer.status == 200
        assert_close(answer.json()["predictions"], expected)
        examples = {"signature_name": "regress", "examples": [{"text": text} for text in _TEXTS]}
        regressed = client.post("/v1/models/ratings:regress", examples)
    assert regressed.status == 200, regressed.body
    assert_close(regressed.json()["results"], expected)
    (version,) = (path for path in export_dir.iterdir() if path.name.isdecimal())
    told = json.loads((version / "assets.extra" / "export.json").read_text())
    assert (told["task"], told["labels"]) == ("regression", [])
    assert not {"labels", "classify"} & set(told["signatures"])
    regress = read_serving_graph(version).signature_def["regress"]
    assert regress.method_name == "tensorflow/serving/regress"
    records = tf.data.TFRecordDataset(str(version / WARMUP_FILE)).as_numpy_iterator()
    requests = [
        record.regress_log.request
        for record in map(PredictionLog.FromString, records)
        if record.HasField("regress_log")
    ]
    assert {request.model_spec.signature_name for request in requests} == {"regress"}
    assert {len(request.input.example_list.examples) for request in requests} == {1, 2, 8}


@pytest.fixture(scope="module", params=sampled(_NORMALIZED, ["mean"]))
def sentence_transformer(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[FineTunedModel, Signatures]:
    mode = request.param
    directory = write_sentence_transformer(
        tmp_path_factory.mktemp("sentences") / "model", {"pooling_mode": mode}, _NORMALIZED[mode]
    )
    report = export(directory, directory.parent / "served", warmup=False, verify=False)
    return read(directory, ReadOptions()), load_signatures(report.version_directory)


def test_sentence_embeddings(sentence_transformer: tuple[FineTunedModel, Signatures]) -> None:
    model, signatures = sentence_transformer
    expected = expected_answers(model)
    for name in ("text", "serving_default", "embedding"):
        found = signatures[name](text=tf.constant(_TEXTS))["embedding"]
        assert_close(found, expected)
    lengths = np.linalg.norm(expected, axis=1)
    assert np.allclose(lengths, 1) == model.pooling.normalize
    empty = signatures["text"](text=tf.constant([], tf.string))["embedding"]
    assert empty.shape == (0, 16)
    assert not {"labels", "classify", "regress"} & set(signatures)


def features(width: int, seed: int) -> Mapping[str, np.ndarray]:
    """Rows with masked columns anywhere but in front, where [CLS] stands."""
    generator = np.random.default_rng(seed)
    mask = (generator.random([5, width]) < 0.6).astype(np.int32)
    mask[:, 0] = 1
    return {
        "input_ids": generator.integers(5, 100, [5, width], np.int32),
        "input_mask": mask,
        "segment_ids": generator.integers(0, 2, [5, width], np.int32),
    }


def test_masked_columns_are_not_pooled(
    sentence_transformer: tuple[FineTunedModel, Signatures],
) -> None:
    model, signatures = sentence_transformer
    rows = features(12, seed=3)
    found = signatures["features"](**{name: tf.constant(v) for name, v in rows.items()})
    assert_close(found["embedding"], ReferenceModel(model).answers(*rows.values())["embedding"])


def test_a_row_without_any_mask_answers(
    sentence_transformer: tuple[FineTunedModel, Signatures],
) -> None:
    """As sentence-transformers: nothing is pooled, and nothing is NaN."""
    _, signatures = sentence_transformer
    rows = {**features(6, seed=4), "input_mask": np.zeros([5, 6], np.int32)}
    found = signatures["features"](**{name: tf.constant(v) for name, v in rows.items()})
    assert np.isfinite(found["embedding"].numpy()).all()
