"""Runs `python -m exporter.batch`, in this process or in one of its own."""

import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from absl.flags import FlagValues

from exporter.batch.__main__ import define_flags, main
from tests.exporter.command import Outcome
from tests.repository import ROOT

TEXTS = ["the film is good", "", "bad", "not a very bad film , is it ?", "fun " * 40, "é漢ß"] * 5


def run_here(capture: pytest.CaptureFixture[str], *arguments: object) -> Outcome:
    """The command in this process."""
    values = FlagValues()
    define_flags(values)
    handler = signal.getsignal(signal.SIGTERM)
    capture.readouterr()
    try:
        code = main(values(["batch", *map(str, arguments)], known_only=True), values)
    finally:
        logging.disable(logging.NOTSET)
        signal.signal(signal.SIGTERM, handler)
    captured = capture.readouterr()
    # What TensorFlow and Beam warn of, and the progress line, are no sentences of ours.
    lines = captured.err.replace("\r", "\n").splitlines()
    errors = [line for line in lines if line.endswith(".") and not line.startswith(("Instr", "20"))]
    return Outcome(code, captured.out, "\n".join(errors))


def start(*arguments: object, packages: Path | None = None) -> subprocess.Popen[str]:
    """The command in a process of its own, behind the packages of a directory too."""
    paths = [*sys.path, *([str(packages)] if packages else [])]
    return subprocess.Popen(
        [sys.executable, "-m", "exporter.batch", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={
            **os.environ,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        },
    )


def json_lines(directory: Path, pattern: str = "part-*.jsonl") -> list[dict[str, Any]]:
    """All rows of the files of a job."""
    return [
        json.loads(line)
        for file in sorted(directory.glob(pattern))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]


def summary(directory: Path) -> dict[str, Any]:
    """What the job came to."""
    return json.loads((directory / "summary.json").read_text(encoding="utf-8"))


def flags(model: Path, inputs: Path, output: Path, *more: object) -> list[object]:
    """The flags that a job needs, and more."""
    return [f"--model={model}", f"--input={inputs}/*", f"--output={output}", *more]
