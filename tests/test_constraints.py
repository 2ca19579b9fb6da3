"""constraints.txt on every Python that setup.py admits: pip finds a set of packages."""

import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests.repository import ROOT

_PYTHONS = ("3.10", "3.11", "3.12", "3.13")
_PROJECT = distribution("bert-text-exporter")


def in_force(lines: list[str], python: str) -> list[str]:
    """The requirements that count on a Python, without their markers.

    pip asks markers of the Python that runs it, whatever --python-version says.
    """
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return [
        f"{requirement.name}{requirement.specifier}"
        for requirement in requirements
        if requirement.marker is None
        or any(requirement.marker.evaluate({**environment, "extra": e}) for e in ("", "preview"))
    ]


def test_the_pythons_are_those_of_setup() -> None:
    admitted = SpecifierSet(_PROJECT.metadata["Requires-Python"])
    minors = [f"3.{minor}" for minor in range(6, 20)]
    assert [python for python in minors if f"{python}.1" in admitted] == list(_PYTHONS)


@pytest.mark.full
@pytest.mark.parametrize("python", _PYTHONS)
def test_pip_finds_a_set_of_packages(python: str, tmp_path: Path) -> None:
    constraints = tmp_path / "constraints.txt"
    pins = in_force((ROOT / "constraints.txt").read_text().splitlines(), python)
    constraints.write_text("".join(f"{pin}\n" for pin in pins))
    requirements = in_force(list(_PROJECT.requires or ()), python)
    options = ["--dry-run", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
    options += ["--python-version", python, "--target", str(tmp_path / "target")]
    result = subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "-c", constraints, *requirements],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr[-2000:]
