"""A virtual environment for each TensorFlow release, made once and kept."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.programs.compatibility.releases import Release
from tests.repository import ROOT

# The folder of the environments: about 1.3 GB each.
ENVIRONMENTS_VARIABLE = "BERT_EXPORTER_ENVIRONMENTS"
_DEFAULT = ROOT / "build" / "compatibility"

# The exporter's own needs beside TensorFlow's; tensorflow-hub is asked for handles only.
_EXPORTER_NEEDS = (
    "absl-py>=2.0,<3",
    "PyYAML>=6,<7",
    "safetensors>=0.4,<1",
    "setuptools<82",
    "tqdm>=4.60,<5",
)


class NoPython(Exception):
    """None of the Pythons that a release has wheels for is on this machine."""


class Environment:
    """An installed TensorFlow release, for processes to run in."""

    def __init__(self, release: Release) -> None:
        """Installs the release unless that was done before.

        Raises:
          NoPython: no Python that the release has wheels for.
          subprocess.CalledProcessError: pip failed; it has said why.
        """
        self.release = release
        python = find_python(release.pythons)
        folder = Path(os.environ.get(ENVIRONMENTS_VARIABLE) or _DEFAULT).absolute()
        self._directory = folder / f"tensorflow-{release.tensorflow}"
        self.python = self._directory / "bin" / "python"
        stamp = self._directory / "installed.txt"
        wanted = "\n".join(" ".join(packages) for packages in self._installations())
        if not (stamp.exists() and stamp.read_text() == wanted):
            self.remove()
            subprocess.run([python, "-m", "venv", self._directory], check=True)
            for packages in self._installations():
                self._pip_install(*packages)
            stamp.write_text(wanted)

    def remove(self) -> None:
        """Deletes the environment from disk."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def _installations(self) -> list[tuple[str, ...]]:
        """The arguments of each run of `pip install`."""
        release = self.release
        # Those who depend on TensorFlow do not know it by the name tensorflow-cpu.
        bare = [f"tensorflow-text=={release.tensorflow_text}"]
        if release.tensorflow_hub is not None:
            bare.append(f"tensorflow-hub=={release.tensorflow_hub}")
        needs = [f"{release.package}=={release.tensorflow}", *release.pins]
        if release.tensorflow_serving_api is not None:
            bare.append(f"tensorflow-serving-api=={release.tensorflow_serving_api}")
            needs.extend(_EXPORTER_NEEDS)
        return [tuple(needs), ("--no-deps", *bare)]

    def _pip_install(self, *packages: str) -> None:
        # Of TensorFlow's files few are ever imported: compiling all takes a minute.
        options = ["--quiet", "--no-cache-dir", "--disable-pip-version-check", "--no-compile"]
        command: list[str | Path] = [
            self.python,
            "-m",
            "pip",
            "install",
            *options,
            "--prefer-binary",
            *packages,
        ]
        # Elsewhere pip finds this project beside it and complains of its requirements.
        subprocess.run(command, check=True, cwd=self._directory)


def find_python(minors: tuple[str, ...]) -> Path:
    """The first of these Pythons, on the PATH or kept by pyenv.

    Raises:
      NoPython: there is none.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for minor in minors:
        on_path = shutil.which(f"python{minor}")
        candidates = [Path(on_path)] if on_path else []
        candidates += sorted(pyenv.glob(f"{minor}.*/bin/python"))
        for candidate in candidates:
            # A shim of pyenv is on the PATH also where it leads nowhere.
            check = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
            found = subprocess.run([candidate, "-c", check], capture_output=True, text=True)
            if found.returncode == 0 and found.stdout.strip() == minor:
                return candidate
    raise NoPython(f"no Python {' or '.join(minors)}")
