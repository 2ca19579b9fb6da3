"""The environments of contestants whose libraries do not go together with ours."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.oracles.transformers_environment import TRANSFORMERS_INSTALLATIONS
from tests.programs.compatibility.environments import ENVIRONMENTS_VARIABLE
from tests.repository import ROOT

# PyTorch's own index has builds without the GPU libraries, which take gigabytes.
_CPU_BUILDS = "https://download.pytorch.org/whl/cpu"


class Environment(NamedTuple):
    """What pip installs, call by call."""

    name: str
    installations: tuple[tuple[str, ...], ...]

    @property
    def python(self) -> Path:
        return self._directory / "bin" / "python"

    def make(self) -> None:
        """Installs it unless that was done before.

        Raises:
          subprocess.CalledProcessError: pip failed; it has said why.
        """
        stamp = self._directory / "installed.txt"
        wanted = "\n".join(" ".join(packages) for packages in self.installations)
        if stamp.exists() and stamp.read_text() == wanted:
            return
        print(f"Setting up {self._directory} ...", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", self._directory], check=True)
        for packages in self.installations:
            options = ["--quiet", "--disable-pip-version-check"]
            subprocess.run([self.python, "-m", "pip", "install", *options, *packages], check=True)
        stamp.write_text(wanted)

    @property
    def _directory(self) -> Path:
        folder = os.environ.get(ENVIRONMENTS_VARIABLE) or ROOT / "build" / "environments"
        return Path(folder) / self.name


PYTORCH = Environment(
    "benchmark-pytorch",
    (
        ("--no-deps", "--extra-index-url", _CPU_BUILDS, "torch==2.13.0"),
        # PyTorch's own needs without the GPU libraries.
        ("filelock", "fsspec", "jinja2", "networkx", "setuptools>=77.0.3", "sympy"),
        ("typing-extensions", "numpy<2.3"),
        ("transformers==5.23.0", "tokenizers==0.23.3", "safetensors==0.8.0"),
        ("onnx==1.23.2", "onnxruntime==1.32.0", "onnxscript==0.7.2"),
    ),
)

OPENVINO = Environment(
    "benchmark-openvino",
    (
        ("--no-deps", "--extra-index-url", _CPU_BUILDS, "torch==2.13.0"),
        ("filelock", "fsspec", "jinja2", "networkx", "setuptools>=77.0.3", "sympy"),
        ("typing-extensions", "numpy<2.3"),
        ("transformers==5.23.0", "tokenizers==0.23.3", "safetensors==0.8.0"),
        ("openvino==2026.4.1", "openvino-tokenizers==2026.4.1.0", "nncf==3.4.0"),
    ),
)

# transformers 5 has no pipeline that answers questions.
TRANSFORMERS4 = Environment("transformers4", TRANSFORMERS_INSTALLATIONS["transformers4"])

# transformers 5 has no TensorFlow models.
HUGGINGFACE_TENSORFLOW = Environment(
    "benchmark-transformers-tensorflow",
    (
        ("tensorflow==2.19.1", "tensorflow-text==2.19.0", "tf-keras==2.19.0"),
        ("transformers==4.57.6", "safetensors==0.8.0"),
    ),
)
