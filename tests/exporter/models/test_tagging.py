"""Taggers of transformers, the whole way: exported by the command, asked over REST."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from bert.checkpoints import ReadOptions, read
from bert.model import FineTunedModel
from bert.reference import ReferenceModel
from exporter import export
from exporter.models.checkpoint import OpenedCheckpoint
from exporter.proof.verification import VerificationError, verify
from exporter.text.huggingface.profile import HuggingFaceProfile
from tests.bert.checkpoints.huggingface.directory import tensors, variables, write_directory
from tests.conftest import load_signatures
from tests.exporter.command import assert_refused, run_here
from tests.exporter.preview.client import preview
from tests.exporter.preview.loading import wait_until_loaded

_TEXTS = ("the film is good", "bad", "", "A very FUNNY film! [SEP] isn't it?", "not " * 50, "漢 é")
_LABELS = {"0": "O", "1": "B-PER", "2": "I-PER", "3": "B-LOC", "4": "I-LOC"}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As save_pretrained writes one: without a pooler."""
    values = {name: value for name, value in tensors(variables(5)).items() if "pooler" not in name}
    return write_directory(
        tmp_path_factory.mktemp("tagger") / "model",
        values,
        "BertForTokenClassification",
        id2label=_LABELS,
    )


@pytest.fixture(scope="module")
def model(directory: Path) -> FineTunedModel:
    return read(directory, ReadOptions())


@pytest.fixture(scope="module")
def version_directory(directory: Path) -> Path:
    report = export(directory, directory.parent / "quiet", version=1, warmup=False, verify=False)
    return report.version_directory


def features(model: FineTunedModel, text: str) -> list[np.ndarray]:
    """Ids, mask and segment ids of one text, int32 [1, S] each."""
    tokenizer = HuggingFaceProfile().build_reference(model)
    ids, segments = tokenizer.encode(text, None, model.max_seq_length)
    row = np.array([ids], np.int32)
    return [row, np.ones_like(row), np.array([segments], np.int32)]


def test_by_the_command(directory: Path, capfd: pytest.CaptureFixture[str]) -> None:
    export_dir = directory.parent / "names"
    outcome = run_here(
        capfd,
        f"--checkpoint={directory}",
        f"--export_dir={export_dir}",
        "--aggregation_strategy=average",
    )
    assert outcome.code == 0, outcome.errors
    assert "token_classification: O, B-PER, I-PER, B-LOC, I-LOC" in outcome.output
    assert "probabilities within" in outcome.output
    with preview("names", export_dir) as client:
        wait_until_loaded(client, "names")
        answer = client.predict({"instances": list(_TEXTS)}, model="names")
    assert answer.status == 200
    predictions = answer.json()["predictions"]
    assert predictions[2]["count"] == 0
    total = 0
    for text, row in zip(_TEXTS, predictions, strict=True):
        count = row["count"]
        total += count
        places = zip(row["starts"][:count], row["ends"][:count], strict=True)
        assert row["entities"][:count] == [text[start:end] for start, end in places]
        assert set(row["labels"][:count]) <= {"PER", "LOC"}
        assert set(row["labels"][count:]) | set(row["entities"][count:]) <= {""}
        assert {*row["scores"][count:], *row["starts"][count:], *row["ends"][count:]} <= {-1}
    assert total > 0
    (version,) = (path for path in export_dir.iterdir() if path.name.isdecimal())
    told = json.loads((version / "assets.extra" / "export.json").read_text())
    assert told["signatures"] == [
        "serving_default",
        "text",
        "entities",
        "tags",
        "features",
        "features_with_label_ids",
        "tokenize",
    ]


def test_tags(version_directory: Path, model: FineTunedModel) -> None:
    tags = load_signatures(version_directory)["tags"](text=tf.constant(_TEXTS))
    longest = max(features(model, text)[0].shape[1] for text in _TEXTS)
    assert tags["probabilities"].shape == (len(_TEXTS), longest, 5)
    for row, text in enumerate(_TEXTS):
        given = features(model, text)
        length = given[0].shape[1]
        expected = ReferenceModel(model).answers(*given)["probabilities"][0]
        found = tags["probabilities"][row].numpy()
        np.testing.assert_allclose(found[:length], expected, rtol=0, atol=1e-5)
        assert not found[length:].any()
        names = [_LABELS[str(label)].encode() for label in found[:length].argmax(axis=1)]
        assert tags["labels"][row].numpy().tolist() == names + [b""] * (longest - length)


def test_features(version_directory: Path, model: FineTunedModel) -> None:
    """Masked columns in between, and rows of several lengths."""
    generator = np.random.default_rng(5)
    mask = (generator.random([6, 14]) < 0.6).astype(np.int32)
    mask[:, 0] = 1
    given = {
        "input_ids": generator.integers(5, 100, [6, 14], np.int32),
        "input_mask": mask,
        "segment_ids": generator.integers(0, 2, [6, 14], np.int32),
    }
    signatures = load_signatures(version_directory)
    found = signatures["features"](**{name: tf.constant(value) for name, value in given.items()})
    expected = ReferenceModel(model).answers(*given.values())["probabilities"]
    np.testing.assert_allclose(
        found["probabilities"], expected * mask[:, :, np.newaxis], rtol=0, atol=1e-5
    )


def test_no_rows(version_directory: Path) -> None:
    signatures = load_signatures(version_directory)
    for name in ("text", "tags"):
        for values in signatures[name](text=tf.constant([], tf.string)).values():
            assert values.shape[0] == 0


def test_entities_decoded_otherwise_are_told(
    version_directory: Path, model: FineTunedModel
) -> None:
    """The artefact has the strategy `simple`."""
    with pytest.raises(VerificationError, match="entities of"):
        verify(version_directory, OpenedCheckpoint(model), False, None, aggregation_strategy="none")


@pytest.mark.parametrize("flag", ["--text_pair", "--top_k=2", "--task=classification"])
def test_flags_of_other_tasks(
    flag: str, directory: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = [f"--checkpoint={directory}", f"--export_dir={tmp_path / 'served'}", flag]
    assert_refused(run_here(capfd, *arguments), flag.partition("=")[0], "token_classification")
