"""Taggers that read long texts in windows, through the reloaded export."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from bert.checkpoints import ReadOptions, read
from exporter import ExportReport, export
from exporter.models.checkpoint import OpenedCheckpoint
from exporter.proof import verification
from exporter.proof.verification import VerificationError, verify
from exporter.text.long_texts import WINDOWS, LongTexts
from tests.bert.checkpoints.huggingface.directory import tensors, variables, write_directory
from tests.conftest import Signatures, load_signatures
from tests.exporter.command import assert_refused, run_here
from tests.tiny_model import WORDS

_LABELS = {"0": "O", "1": "B-PER", "2": "I-PER", "3": "B-LOC", "4": "I-LOC"}
_LENGTH, _STRIDE = 32, 11
_ROOM = _LENGTH - 2
_STEP = _ROOM - _STRIDE
_WORDS = (*WORDS[:9], *"abcdefghijklmnopqrstuvwxyz0123456789", *"!?#$%&*+-/<=>")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    weights = variables(5)
    # Without this nearly all tokens have one label.
    weights["output_bias"] += np.array([1.4, -0.8, -1.7, -0.5, 1.6], np.float32)
    values = {name: value for name, value in tensors(weights).items() if "pooler" not in name}
    return write_directory(
        tmp_path_factory.mktemp("windows") / "model",
        values,
        "BertForTokenClassification",
        id2label=_LABELS,
    )


@pytest.fixture(scope="module")
def report(directory: Path) -> ExportReport:
    """Verified, so that entities and tags of long texts were compared with plain Python."""
    return export(directory, directory.parent / "served", doc_stride=_STRIDE, warmup=False)


@pytest.fixture(scope="module")
def signatures(report: ExportReport) -> Signatures:
    return load_signatures(report.version_directory)


def text_of(count: int, seed: int = 0) -> str:
    """So many words, a piece each."""
    return " ".join(np.random.default_rng(seed).choice(_WORDS, count))


def windows_of(count: int) -> list[tuple[int, int]]:
    """First piece, and the one behind the last, as `tokenizers` cuts them."""
    parts = []
    for start in range(0, max(count, 1), _STEP):
        parts.append((start, min(start + _ROOM, count)))
        if parts[-1][1] == count:
            break
    return parts


def probabilities(signatures: Signatures, ids: Sequence[int]) -> np.ndarray:
    """Of one window's tokens, [S, 5], as a client that tokenizes itself gets them."""
    row = tf.constant([ids], tf.int32)
    given = {"input_ids": row, "input_mask": tf.ones_like(row), "segment_ids": tf.zeros_like(row)}
    return signatures["features"](**given)["probabilities"].numpy()[0]


def test_it_says_so(report: ExportReport) -> None:
    assert "longer texts are read in windows that share 11 tokens" in report.summary()
    assert report.to_json()["text"]["doc_stride"] == _STRIDE
    assert report.verification is not None
    assert report.verification.texts_with_equal_ids == 38
    card = (report.version_directory / "assets.extra" / "README.md").read_text()
    assert "more than 32 tokens is read in windows" in card


@pytest.mark.parametrize("count", [0, 1, _ROOM, _ROOM + 1, _ROOM + _STEP + 1, 10 * _ROOM])
def test_tags_are_of_the_window_with_most_around(signatures: Signatures, count: int) -> None:
    text = text_of(count)
    answer = {key: value.numpy()[0] for key, value in signatures["tags"](text=[text]).items()}
    told = {key: value.numpy()[0] for key, value in signatures["tokenize"](text=[text]).items()}
    ids = told["input_ids"].tolist()
    assert len(ids) == count + 2
    assert not told["truncated"]
    for key in ("tokens", "starts", "ends"):
        assert answer[key].tolist() == told[key].tolist()
    parts = windows_of(count)
    rows = [probabilities(signatures, [ids[0], *ids[1:-1][a:b], ids[-1]]) for a, b in parts]
    expected = [rows[0][0]]
    for place in range(count):
        around = [
            min(place - a, b - 1 - place) + 0.01 * (b - a) if a <= place < b else -1.0
            for a, b in parts
        ]
        best = int(np.argmax(around))
        expected.append(rows[best][1 + place - parts[best][0]])
    expected.append(rows[-1][-1])
    np.testing.assert_allclose(answer["probabilities"], expected, rtol=0, atol=1e-5)
    names = [_LABELS[str(label)].encode() for label in np.argmax(expected, axis=1)]
    assert answer["labels"].tolist() == names


def test_rows_of_a_batch_are_the_rows_alone(signatures: Signatures) -> None:
    texts = [text_of(count, count) for count in (200, 0, 3, _ROOM + 1, 70)]
    together = {key: value.numpy() for key, value in signatures["text"](text=texts).items()}
    assert together["count"].max() > 5
    for row, text in enumerate(texts):
        alone = {key: value.numpy()[0] for key, value in signatures["text"](text=[text]).items()}
        count = alone["count"]
        assert together["count"][row] == count
        assert (together["labels"][row, count:] == b"").all()
        for key in ("entities", "labels", "starts", "ends"):
            assert together[key][row, :count].tolist() == alone[key][:count].tolist()
        np.testing.assert_allclose(together["scores"][row, :count], alone["scores"], atol=1e-5)
        starts, ends = alone["starts"], alone["ends"]
        assert (starts[1:] >= ends[:-1]).all()
        said = [text[start:end].encode() for start, end in zip(starts, ends, strict=True)]
        assert alone["entities"].tolist() == said


def test_no_rows(signatures: Signatures) -> None:
    for name in ("text", "tags", "tokenize"):
        for values in signatures[name](text=tf.constant([], tf.string)).values():
            assert values.shape[0] == 0


def test_other_windows_are_told(
    report: ExportReport, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entities depend on the windows."""
    rows = [(text_of(90).encode(),), *[(b"a",)] * 15]
    monkeypatch.setattr(verification, "adversarial_rows", lambda *_: rows)
    opened = OpenedCheckpoint(read(directory, ReadOptions()))
    with pytest.raises(VerificationError, match="entities of"):
        verify(
            report.version_directory,
            opened,
            False,
            None,
            long_texts=LongTexts(WINDOWS, _STRIDE - 1),
        )


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--doc_stride=30"], ("--doc_stride is 30", "at most 29")),
        (["--doc_stride=3", "--aggregation_strategy=none"], ("--aggregation_strategy is none",)),
        (["--long_text=windows"], ("--long_text is windows", "give --doc_stride")),
        (["--window_pooling=max"], ("--window_pooling is max", "token_classification")),
    ],
)
def test_flags_that_do_not_fit(
    flags: list[str],
    words: tuple[str, ...],
    directory: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    arguments = [f"--checkpoint={directory}", f"--export_dir={tmp_path / 'served'}", *flags]
    assert_refused(run_here(capfd, *arguments), *words)
