"""An export that answers wrongly is told of and never published."""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from bert.checkpoints import ReadOptions
from bert.config import LINEAR
from bert.encoder.precision import FLOAT32, INT8, PRECISIONS
from bert.encoder.serving import _CaseWeights
from bert.errors import UserError
from exporter import export
from exporter.artefact import saving
from exporter.models.checkpoint import OpenedCheckpoint
from exporter.models.opened_model import OpenedModel
from exporter.models.opening import open_model
from exporter.options import ExportOptions
from exporter.proof.adversarial_text import ADVERSARIAL_TEXTS
from exporter.proof.verification import VerificationError, verify
from exporter.text import google_research
from exporter.text.engine.code_point_table import FLAG_BITS, CodePointTable
from exporter.text.engine.wordpiece import FAST_OP
from tests.exporter.command import assert_refused, run_here
from tests.tiny_model import TinyModel

_write = saving.write


@pytest.fixture
def export_dir(tmp_path: Path) -> Path:
    return tmp_path / "models" / "tiny"


def tampering_with_weights(name: str, bump: float) -> Callable[..., Any]:
    """A writer that changes one weight between reading and writing."""

    def write(opened: OpenedCheckpoint, directory: Path, *options: Any) -> tuple[str, ...]:
        weights = {key: value.copy() for key, value in opened.model.weights.items()}
        weights[name].flat[0] += bump
        tampered = OpenedCheckpoint(dataclasses.replace(opened.model, weights=weights))
        return _write(tampered, directory, *options)

    return write


@pytest.mark.parametrize(
    ("name", "bump"),
    [
        ("output_bias", 1e-3),
        ("bert/encoder/layer_0/attention/self/query/kernel", 0.5),
        ("bert/embeddings/position_embeddings", np.nan),
    ],
)
def test_a_changed_weight(
    name: str,
    bump: float,
    tiny_model: TinyModel,
    export_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(saving, "write", tampering_with_weights(name, bump))
    outcome = run_here(
        capfd, f"--checkpoint={tiny_model.prefix}", f"--export_dir={export_dir}", "--nowarmup"
    )
    assert_refused(outcome, "not published", "probabilities", "NumPy")
    assert not export_dir.parent.exists()


def test_a_changed_weight_where_no_signature_tells_ids(
    tiny_model: TinyModel,
    export_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """`--signatures` leaves `tokenize` out of the export, not of the verification."""
    monkeypatch.setattr(saving, "write", tampering_with_weights("output_bias", 1e-3))
    outcome = run_here(
        capfd,
        f"--checkpoint={tiny_model.prefix}",
        f"--export_dir={export_dir}",
        "--signatures=text",
        "--nowarmup",
    )
    assert_refused(outcome, "not published", "probabilities", "NumPy")
    assert not export_dir.parent.exists()


@pytest.mark.parametrize("in_float32", [True, False])
def test_a_wrong_way_of_bfloat16(
    in_float32: bool,
    tiny_model: TinyModel,
    export_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Whichever of the two this machine would choose."""
    dense = _CaseWeights.dense

    def tampered(
        weights: _CaseWeights, scope: str, inputs: tf.Tensor, activation: str = LINEAR
    ) -> tf.Tensor:
        factor = 3 if weights._case.in_float32 == in_float32 else 1
        return dense(weights, scope, inputs, activation) * factor

    monkeypatch.setattr(_CaseWeights, "dense", tampered)
    outcome = run_here(
        capfd,
        f"--checkpoint={tiny_model.prefix}",
        f"--export_dir={export_dir}",
        "--precision=bfloat16",
        "--nowarmup",
    )
    assert_refused(outcome, "not published", "probabilities", "NumPy")
    assert not export_dir.parent.exists()


@pytest.mark.parametrize("character", ["q", "é", "\u00ad"])
def test_a_changed_table(
    character: str, tiny_model: TinyModel, export_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One code point of 1,114,112 normalised otherwise."""
    table = google_research.load_table(tiny_model.do_lower_case)
    entries = table.entries.copy()
    entries[table.page_starts[ord(character) >> 8] + (ord(character) & 255)] = 1 << FLAG_BITS
    tampered = dataclasses.replace(table, entries=entries)

    def load_table(do_lower_case: bool) -> CodePointTable:
        assert do_lower_case == tiny_model.do_lower_case
        return tampered

    monkeypatch.setattr(google_research, "load_table", load_table)
    with pytest.raises(VerificationError, match="reference tokenizer"):
        export(tiny_model.prefix, export_dir, warmup=False)
    assert not export_dir.parent.exists()


def cut_variables(directory: Path) -> None:
    file = directory / "variables" / "variables.data-00000-of-00001"
    os.truncate(file, file.stat().st_size // 2)


def remove_index(directory: Path) -> None:
    (directory / "variables" / "variables.index").unlink()


@pytest.mark.parametrize("spoil", [cut_variables, remove_index])
def test_a_broken_artefact(
    spoil: Callable[[Path], None],
    tiny_model: TinyModel,
    export_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def write(opened: OpenedModel, directory: Path, *options: Any) -> tuple[str, ...]:
        signatures = _write(opened, directory, *options)
        spoil(directory)
        return signatures

    monkeypatch.setattr(saving, "write", write)
    outcome = run_here(
        capfd, f"--checkpoint={tiny_model.prefix}", f"--export_dir={export_dir}", "--nowarmup"
    )
    assert_refused(outcome, "not published", "fresh process")
    assert not export_dir.parent.exists()


def test_without_verification_nothing_is_noticed(
    tiny_model: TinyModel, export_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it is the verification that notices above, and not something before it."""
    write = tampering_with_weights("output_bias", 1.0)
    monkeypatch.setattr(saving, "write", write)
    report = export(tiny_model.prefix, export_dir, warmup=False, verify=False)
    assert report.verification is None
    assert report.version_directory.is_dir()


@pytest.fixture(scope="module")
def opened(tiny_model: TinyModel) -> OpenedModel:
    return open_model(tiny_model.prefix, ReadOptions(), str(tiny_model.prefix))


def test_report(tiny_export: Path, opened: OpenedModel, tmp_path: Path) -> None:
    """Every line counts, whatever its bytes; the last line end makes no line."""
    lines = tmp_path / "lines.txt"
    lines.write_bytes(b"the film\n\n\xff\xfe\nlast\r\n")
    report = verify(tiny_export, opened, False, lines)
    assert report.texts_with_equal_ids == len(ADVERSARIAL_TEXTS) + 4
    assert report.texts_with_compared_probabilities >= 20
    assert 0 < report.largest_probability_difference <= 1e-5


def test_too_many_labels_are_changed(tiny_model: TinyModel, tmp_path: Path) -> None:
    """By an export whose numbers are near enough for a precision that allows anything."""
    opened = open_model(tiny_model.prefix, ReadOptions(), str(tiny_model.prefix))
    options = ExportOptions(tiny_model.prefix, tmp_path)
    exact = PRECISIONS[FLOAT32]
    write = tampering_with_weights("output_bias", 100)
    write(opened, tmp_path / "1", options, False, exact, FAST_OP)
    loose = dataclasses.replace(PRECISIONS[INT8], tolerance=10.0)
    with pytest.raises(VerificationError, match=r"texts have another label .* may change 1"):
        verify(tmp_path / "1", opened, False, None, loose)
    verify(tmp_path / "1", opened, False, None, dataclasses.replace(loose, tolerated_labels=1.0))


def test_a_file_that_cannot_be_read(tiny_export: Path, opened: OpenedModel, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--verify_file"):
        verify(tiny_export, opened, False, tmp_path / "absent")
