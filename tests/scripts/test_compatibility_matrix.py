"""The matrix's own parts: what it reads, how it compares, and a cell of each colour."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.full import sampled
from tests.programs.compatibility import guards
from tests.programs.compatibility.asking import Answer, process, read_signatures
from tests.programs.compatibility.cells import Asked, Red, Reds, cell, largest_difference
from tests.programs.compatibility.environments import Environment, NoPython, find_python
from tests.programs.compatibility.exports import sample_inputs
from tests.programs.compatibility.releases import OLD_RELEASES, RELEASES, admitted_releases
from tests.programs.compatibility.runner import LOADERS
from tests.programs.compatibility.tensor_json import from_json, strings, to_json


class Here(Environment):
    """The environment that runs the tests, with nothing to install."""

    def __init__(self) -> None:
        self.release = admitted_releases()[-1]
        self.python = Path(sys.executable)


def test_releases() -> None:
    minors = [release.minor for release in (*OLD_RELEASES, *RELEASES)]
    assert minors == sorted(set(minors))
    assert [release.minor for release in RELEASES] == [(2, minor) for minor in range(12, 22)]
    for release in admitted_releases():
        assert release.tensorflow_serving_api is not None, "it can be exported with"
    assert "2.19.1" in [release.tensorflow for release in admitted_releases()]


def test_pythons() -> None:
    here = "{}.{}".format(*sys.version_info)
    assert find_python(("2.0", here)).exists()
    with pytest.raises(NoPython, match=r"no Python 2\.0 or 1\.9"):
        find_python(("2.0", "1.9"))


@pytest.mark.parametrize(
    "value",
    [
        np.array([[0.1, -1e-38], [3e38, 1 / 3]], np.float32),
        np.zeros([0, 5], np.int64),
        np.array(2**31 - 1, np.int32),
        strings([[b"\xff\0a", b""]]),
        strings([]),
        strings(b"scalar\0"),
    ],
    ids=lambda value: f"{value.dtype.name}{list(value.shape)}",
)
def test_tensors_as_json(value: np.ndarray) -> None:
    found = from_json(to_json(value))
    assert found.dtype == value.dtype
    assert found.shape == value.shape
    np.testing.assert_array_equal(found, value)


@pytest.mark.parametrize("loader", sampled(LOADERS, ["C API"]))
def test_a_cell(tiny_export: Path, loader: str) -> None:
    """Green against the export's own answers, red against others."""
    bounds = guards.bounds_of(tiny_export)
    expected = []
    with process("C API") as asking:
        for name in ("text", "tokenize", "features"):
            signature = read_signatures(tiny_export)[name]
            for inputs in sample_inputs(signature, bounds):
                expected.append((signature, inputs, asking.ask(signature.request(inputs))))
    assert largest_difference(Here(), loader, expected) <= 1e-6
    expected[0][2].outputs["probabilities"][0, 0] += 1e-5
    with pytest.raises(Red, match=r"text: probabilities differs by 1\.0e-05"):
        largest_difference(Here(), loader, expected)


def _asked(directory: Path) -> Asked:
    """Requests whose answers are not looked at."""
    signature = read_signatures(directory)["text"]
    no_answer = Answer({}, None, "", 0)
    inputs = sample_inputs(signature, guards.bounds_of(directory))
    return [(signature, given, no_answer) for given in inputs]


@pytest.mark.parametrize("loader", sampled(LOADERS, ["tf.saved_model.load"]))
def test_a_cell_of_a_release_without_an_op(tiny_export: Path, tmp_path: Path, loader: str) -> None:
    """Green if each request gets the error that names the op, red if it is answered."""
    directory = tmp_path / "models" / "1"
    shutil.copytree(tiny_export, directory)
    graph = directory / "saved_model.pb"
    graph.write_bytes(graph.read_bytes().replace(b"Softmax", b"Softmay"))
    here, reds = Here(), Reds()
    found = cell(here, loader, _asked(directory), here.release, reds, lacked_op="Softmay")
    assert (found, reds) == ("NOT_FOUND", [])
    assert cell(here, loader, _asked(tiny_export), here.release, reds, lacked_op="Softmay") == "red"
    assert "an answer, where NOT_FOUND of Softmay is expected" in reds[0]
