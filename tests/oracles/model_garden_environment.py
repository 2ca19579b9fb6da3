"""The environment of TensorFlow Model Garden (tf-models-official): made once and kept."""

import os
import subprocess
import sys
from pathlib import Path

from tests.programs.compatibility.environments import ENVIRONMENTS_VARIABLE
from tests.repository import ROOT

_DEFAULT = ROOT / "build" / "environments"

_INSTALLATIONS: tuple[tuple[str, ...], ...] = (
    # What official.nlp imports; the package itself asks for OpenCV, Kaggle and more as well.
    (
        *("tensorflow==2.19.1", "tf-keras==2.19.0", "tensorflow-datasets==4.9.10"),
        "tensorflow-metadata==1.17.2",
        *("gin-config", "immutabledict", "psutil", "pyyaml", "six"),
        *("scikit-learn", "scipy", "sacrebleu", "sentencepiece", "seqeval", "tf_slim"),
        "setuptools<82",
    ),
    (
        "--no-deps",
        *("tensorflow-text==2.19.0", "tensorflow-hub==0.16.1"),
        *("tensorflow-model-optimization==0.8.1", "tf-models-official==2.19.1"),
    ),
)


class ModelGardenEnvironment:
    """An installed Model Garden, for processes to run in."""

    def __init__(self) -> None:
        """Installs it unless that was done before.

        Raises:
          subprocess.CalledProcessError: pip failed; it has said why.
        """
        folder = Path(os.environ.get(ENVIRONMENTS_VARIABLE) or _DEFAULT)
        directory = folder / "model-garden"
        self.python = directory / "bin" / "python"
        stamp = directory / "installed.txt"
        wanted = "\n".join(" ".join(packages) for packages in _INSTALLATIONS)
        if stamp.exists() and stamp.read_text() == wanted:
            return
        subprocess.run([sys.executable, "-m", "venv", "--clear", directory], check=True)
        for packages in _INSTALLATIONS:
            options = ["--quiet", "--disable-pip-version-check"]
            subprocess.run([self.python, "-m", "pip", "install", *options, *packages], check=True)
        stamp.write_text(wanted)

    def run(self, module: str, *arguments: str | Path) -> None:
        """Runs a module in it.

        Raises:
          subprocess.CalledProcessError: the module failed.
        """
        # Model Garden is written for Keras 2.
        variables = {**os.environ, "TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [self.python, "-m", module, *arguments]
        subprocess.run(command, check=True, env=variables, cwd=ROOT)
