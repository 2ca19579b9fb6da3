"""Loads exports in processes of their own."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.repository import ROOT


def answers(version_directory: Path, texts: Sequence[str]) -> dict[str, Any]:
    """What the signatures answer in a process that has seen nothing of the export."""
    return json.loads(python("tests.exporter.answers", str(version_directory), *texts))


def python(module: str, *arguments: str) -> str:
    """Runs a module, and gives what it printed."""
    result = subprocess.run(
        [sys.executable, "-m", module, *arguments], capture_output=True, text=True, cwd=ROOT
    )
    assert result.returncode == 0, result.stderr
    return result.stdout
