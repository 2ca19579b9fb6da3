"""The same pipeline on another engine: Dask's scheduler and workers, each a process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.exporter.batch.command import flags, json_lines, start, summary
from tests.programs.compatibility.environments import ENVIRONMENTS_VARIABLE
from tests.repository import ROOT

_RUNNER = "apache_beam.runners.dask.dask_runner.DaskRunner"
_FILES, _LINES = 6, 300


@pytest.fixture(scope="module")
def dask() -> Path:
    """A directory with the engine's packages, which nothing else here needs."""
    environments = Path(os.environ.get(ENVIRONMENTS_VARIABLE) or ROOT / "build" / "environments")
    directory = environments / "dask"
    wanted = ("dask==2026.8.0", "distributed==2026.8.0")
    stamp = directory / "installed.txt"
    if not stamp.exists() or stamp.read_text() != " ".join(wanted):
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--target"]
        subprocess.run([*install, directory, *wanted], check=True)
        stamp.write_text(" ".join(wanted))
    return directory


@pytest.mark.full
def test_its_output_is_that_of_the_local_runner(
    dask: Path, tiny_export: Path, tmp_path: Path
) -> None:
    inputs = tmp_path / "in"
    inputs.mkdir()
    for number in range(_FILES):
        lines = (f"the film is good {number} {line}\n" for line in range(_LINES))
        (inputs / f"{number}.txt").write_text("".join(lines))
    rows = {}
    for name, more in (("local", ()), ("dask", (f"--runner={_RUNNER}",))):
        arguments = flags(tiny_export, inputs, tmp_path / name, "--signature=labels", *more)
        with start(*arguments, packages=dask if more else None) as process:
            _, errors = process.communicate(timeout=600)
        assert process.returncode == 0, errors
        rows[name] = sorted(json_lines(tmp_path / name), key=lambda row: row["id"])
    told = summary(tmp_path / "dask")
    assert (told["rows"], told["failures"]) == (_FILES * _LINES, 0)
    assert len({row["id"] for row in rows["dask"]}) == _FILES * _LINES
    for found, expected in zip(rows["dask"], rows["local"], strict=True):
        scores = found.pop("scores"), expected.pop("scores")
        assert scores[0] == pytest.approx(scores[1], abs=5e-6)
        assert found.pop("score") == pytest.approx(expected.pop("score"), abs=5e-6)
        assert found == expected
