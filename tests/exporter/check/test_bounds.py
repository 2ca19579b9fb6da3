"""Models that would harm whoever runs them: named, bounded, and nothing is left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tensorflow as tf

from exporter.check.audit import audit
from exporter.check.findings import Audit
from exporter.serving.op_tables import OpTables
from exporter.serving.release import parse_release
from tests.exporter.check import hostile_models
from tests.exporter.check.auditing import audited, kinds
from tests.exporter.check.command import run_here
from tests.exporter.command import assert_refused
from tests.repository import ROOT

_EFFECT = ("hazard", "effect")


def bounded_audit(directory: Path, timeout: float) -> Audit:
    return audit(directory, parse_release("2.12.0"), OpTables(), timeout)


def test_a_signature_that_writes_a_file_is_named_and_nothing_is_run(tmp_path: Path) -> None:
    file = tmp_path / "written"
    model = hostile_models.save(tmp_path / "1", hostile_models.lengths, hostile_models.writer(file))
    report = audited(model, "2.19.0")
    assert (*_EFFECT, ("signature_1",)) in kinds(report)
    assert not report.passes
    assert report.requests_tried == 0
    assert not file.exists()


def test_an_initialiser_that_writes_a_file_is_named_and_not_run(tmp_path: Path) -> None:
    model = hostile_models.save(tmp_path / "1", hostile_models.lengths)
    hostile_models.write_when_loaded(model, tmp_path / "written")
    report = audited(model, "2.19.0")
    assert (*_EFFECT, ()) in kinds(report)
    assert not (tmp_path / "written").exists()
    # Loading it the way a server does would have written.
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        tf.compat.v1.saved_model.load(session, ["serve"], str(model))
    assert (tmp_path / "written").exists()


def test_python_is_not_run(tmp_path: Path) -> None:
    model = hostile_models.save(
        tmp_path / "1",
        lambda text: tf.ensure_shape(
            tf.numpy_function(lambda values: values, [tf.strings.length(text)], tf.int32), [None]
        ),
    )
    report = audited(model)
    assert (*_EFFECT, ("serving_default",)) in kinds(report)
    assert any(finding.op == "PyFunc" for finding in report.findings)


def test_a_loop_without_end(tmp_path: Path) -> None:
    """The other signature is tried all the same."""
    model = hostile_models.save(tmp_path / "1", hostile_models.endless, hostile_models.lengths)
    report = bounded_audit(model, 300.0)
    (finding,) = (found for found in report.findings if found.kind == "no_answer")
    assert finding.signatures == ("serving_default",)
    assert "no answer within 30 s" in finding.message
    assert not report.passes
    assert report.requests_tried > 5


def test_the_whole_time_is_bounded(tmp_path: Path) -> None:
    model = hostile_models.save(tmp_path / "1", hostile_models.lengths)
    started = time.monotonic()
    report = bounded_audit(model, 1.0)
    assert time.monotonic() - started < 60
    assert ("blocker", "load", ()) in kinds(report)
    assert "no end within" in report.findings[0].message


def test_an_enormous_tensor(tmp_path: Path) -> None:
    report = audited(hostile_models.save(tmp_path / "1", hostile_models.enormous))
    assert not report.passes
    assert {kind for _, kind, _ in kinds(report)} & {"memory", "crash"}


def test_a_pipe_in_place_of_the_graph(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "saved_model.pb")
    assert_refused(run_here(capsys, str(tmp_path)), "saved_model.pb", "no regular file")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_when_it_is_ended(number: signal.Signals, tmp_path: Path) -> None:
    model = hostile_models.save(tmp_path / "1", hostile_models.endless)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "exporter.check", str(model)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(scratch)},
        # Ignored where the tests run in the background of a shell.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        deadline = time.monotonic() + 300
        while not list(scratch.glob("exporter-check-*/progress.jsonl")):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.1)
        children = _children(process.pid)
        assert children
        process.send_signal(number)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert output == "" and "Traceback" not in errors
    assert not any(Path(f"/proc/{child}").exists() for child in children)
    assert list(scratch.iterdir()) == []


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
