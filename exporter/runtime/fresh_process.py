"""Runs a module of this package in a Python process of its own."""

import os
import subprocess
import sys
from pathlib import Path


def run_module(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m name arguments`, with what it prints; TensorFlow's own messages left out.

    The package is found there as it was found here, whatever the current directory.
    """
    package_root = str(Path(__file__).resolve().parents[2])
    search_path = os.pathsep.join(filter(None, [package_root, os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, "-m", name, *arguments],
        env={**os.environ, "PYTHONPATH": search_path, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        errors="replace",
    )
