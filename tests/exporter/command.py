"""Runs `python -m exporter`, in this process or in one of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from absl import flags

from exporter.__main__ import define_flags, main
from tests.repository import ROOT

_STAGES = (
    "loading TensorFlow",
    "reading ",
    "tracing and saving",
    "checking the ops against TensorFlow Serving",
    "writing warm-up requests",
    "replaying warm-up requests",
    "verifying in a fresh process",
)


class Outcome(NamedTuple):
    """What a run of the command came to."""

    code: int
    output: str
    errors: str

    @property
    def sentences(self) -> list[str]:
        """The lines of standard error that are no progress."""
        lines = self.errors.splitlines()
        return [line for line in lines if line.strip() and not line.startswith(_STAGES)]


def run_here(capture: pytest.CaptureFixture[str], *arguments: str) -> Outcome:
    """Runs the command in this process, which is quick once TensorFlow is loaded."""
    values = flags.FlagValues()
    define_flags(values)
    handler = signal.getsignal(signal.SIGTERM)
    capture.readouterr()
    try:
        code = main(values(["exporter", *arguments]), values)
    finally:
        signal.signal(signal.SIGTERM, handler)
    captured = capture.readouterr()
    return Outcome(code, captured.out, captured.err)


def start(
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    working_directory: Path = ROOT,
    before: Callable[[], None] | None = None,
) -> subprocess.Popen[str]:
    """Starts the command in a process of its own."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    return subprocess.Popen(
        [sys.executable, "-m", "exporter", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=working_directory,
        env={**inherited, **(environment or {})},
        preexec_fn=before,
    )


def run(*arguments: str, **options: object) -> Outcome:
    """Runs the command in a process of its own to its end."""
    with start(*arguments, **options) as process:  # type: ignore[arg-type]
        output, errors = process.communicate(timeout=300)
    return Outcome(process.returncode, output, errors)


def assert_refused(outcome: Outcome, *told: str) -> None:
    """Exit code 1 and one sentence that names what is wrong, and nothing else."""
    assert outcome.code == 1, outcome.errors
    assert outcome.output == ""
    assert "Traceback" not in outcome.errors
    assert len(outcome.sentences) == 1, outcome.errors
    (sentence,) = outcome.sentences
    assert sentence.endswith("."), sentence
    for part in told:
        assert part in sentence, f"{part!r} is not in: {sentence}"
