"""The TensorFlow releases that exports are run on, each with a TensorFlow Text that fits."""

import dataclasses
import re

from packaging.specifiers import SpecifierSet

from tests.repository import ROOT

# The Pythons that setup.py admits.
_PYTHONS = ("3.11", "3.12", "3.10")
# TensorFlow Text 2.13.0 has wheels for no newer Python.
_TEXT_2_13_PYTHONS = ("3.10", "3.9")
_OLD_PYTHONS = ("3.9", "3.8")


@dataclasses.dataclass(frozen=True)
class Release:
    """A TensorFlow release and what is installed to run it."""

    tensorflow: str
    tensorflow_text: str
    pythons: tuple[str, ...] = _PYTHONS
    """minor versions of Python that both have wheels for, the preferred one first"""
    pins: tuple[str, ...] = ()
    tensorflow_hub: str | None = None
    """which TensorFlow Text imported before 2.16"""
    package: str = "tensorflow-cpu"
    """the same code without the GPU's libraries, where TensorFlow Text imports beside it"""
    tensorflow_serving_api: str | None = None
    """of an environment that exports; None where the release only runs exports"""
    target_serving: str = "2.12.0"
    """the `--target_serving` of the exports that are run on it"""

    @property
    def minor(self) -> tuple[int, int]:
        """2.19.1 -> (2, 19)."""
        major, minor = self.tensorflow.split(".")[:2]
        return int(major), int(minor)


# One patch release of every minor release since 2.12 that PyPI has.
RELEASES = (
    Release("2.12.1", "2.12.1", tensorflow_hub="0.16.1"),
    Release("2.13.1", "2.13.0", _TEXT_2_13_PYTHONS, tensorflow_hub="0.16.1"),
    Release("2.14.1", "2.14.0", tensorflow_hub="0.16.1"),
    Release("2.15.1", "2.15.0", tensorflow_hub="0.16.1", tensorflow_serving_api="2.15.1"),
    Release("2.16.2", "2.16.1", tensorflow_serving_api="2.16.1"),
    Release("2.17.1", "2.17.0", tensorflow_serving_api="2.17.1"),
    Release("2.18.1", "2.18.1", tensorflow_serving_api="2.18.0"),
    # tensorflow-cpu 2.19.1 lacks a symbol that TensorFlow Text 2.19.0 needs.
    Release("2.19.1", "2.19.0", package="tensorflow", tensorflow_serving_api="2.19.1"),
    Release("2.20.0", "2.20.1", tensorflow_serving_api="2.20.0"),
    Release("2.21.0", "2.21.1", tensorflow_serving_api="2.21.0"),
)


def _before_2_12(tensorflow: str, tensorflow_text: str, pythons: tuple[str, ...]) -> Release:
    return Release(
        tensorflow,
        tensorflow_text,
        pythons,
        # They bound neither: protobuf 4 refuses their generated code, and their Python uses
        # names that NumPy 1.24 dropped.
        pins=("protobuf<3.21", "numpy<1.24"),
        tensorflow_hub="0.12.0",
        target_serving="2.5.1",
    )


# Stand-ins for servers before 2.12. TensorFlow Serving 2.5.1 itself links TensorFlow Text 2.4.3,
# whose wheel TensorFlow 2.5 does not load: for that pair only the table of ops speaks.
OLD_RELEASES = (
    _before_2_12("2.5.3", "2.5.0", _OLD_PYTHONS),
    _before_2_12("2.8.4", "2.8.2", _OLD_PYTHONS),
    _before_2_12("2.11.1", "2.11.0", _OLD_PYTHONS),
)


def admitted_releases() -> list[Release]:
    """Those of RELEASES that setup.py lets the exporter be installed with, oldest first."""
    text = ROOT.joinpath("setup.py").read_text(encoding="utf-8")
    found = re.search(r'"tensorflow(?P<range>[<>=!~][^"]*)"', text)
    assert found is not None, "setup.py names a range of tensorflow"
    admitted = SpecifierSet(found["range"])
    return [release for release in RELEASES if release.tensorflow in admitted]
