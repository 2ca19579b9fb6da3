"""Runs `python -m exporter.check`, in a process of its own or in this one."""

import subprocess
import sys

import pytest
from absl import flags

from exporter.check.__main__ import define_flags, main
from tests.exporter.command import Outcome
from tests.repository import ROOT


def run(*arguments: str) -> Outcome:
    """The command, in a process of its own."""
    result = subprocess.run(
        [sys.executable, "-m", "exporter.check", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
    )
    return Outcome(result.returncode, result.stdout, result.stderr)


def run_here(capture: pytest.CaptureFixture[str], *arguments: str) -> Outcome:
    """The command in this process, for what is told before the model is loaded."""
    values = flags.FlagValues()
    define_flags(values)
    capture.readouterr()
    code = main(values(["check", *arguments]), values)
    captured = capture.readouterr()
    return Outcome(code, captured.out, captured.err)
