"""How the tests start TensorFlow Serving, tried with a stand-in that has its command line."""

import sys
from pathlib import Path

import pytest

from tests.exporter.preview.model_server import (
    MODEL_SERVER_VARIABLE,
    find_model_server,
    model_server,
)
from tests.repository import ROOT

# Reads the flags and the configuration that TensorFlow Serving would, and starts the preview.
_STAND_IN = """#!{python}
import os, re, sys
flags = dict(argument.removeprefix("--").split("=", 1) for argument in sys.argv[1:])
assert flags.keys() == {{
    "rest_api_port", "port", "model_config_file", "allow_version_labels_for_unavailable_models"
}}
config = open(flags["model_config_file"]).read()
(name,) = re.findall('name: "(.*)"', config)
(base_path,) = re.findall('base_path: "(.*)"', config)
labels = ",".join(map(":".join, re.findall('key: "(.*)" value: ([0-9]+)', config)))
os.chdir({root!r})
os.execv(sys.executable, [sys.executable, "-m", "exporter.preview", "--model_name", name,
    "--model_base_path", base_path, "--rest_api_port", flags["rest_api_port"],
    "--version_labels", labels])
"""


@pytest.fixture
def stand_in(tmp_path: Path) -> str:
    file = tmp_path / "tensorflow_model_server"
    file.write_text(_STAND_IN.format(python=sys.executable, root=str(ROOT)))
    file.chmod(0o755)
    return str(file)


def test_it_serves(stand_in: str, classifier: Path) -> None:
    with model_server(stand_in, "clf", classifier.parent, {"live": 1}) as client:
        assert client.predict({"instances": ["great"]}).status == 200
        labelled = client.post("/v1/models/clf/labels/live:predict", {"instances": ["great"]})
    assert labelled.status == 200


def test_what_it_says_when_it_ends(tmp_path: Path) -> None:
    file = tmp_path / "tensorflow_model_server"
    file.write_text("#!/bin/sh\necho no such flag\nexit 1\n")
    file.chmod(0o755)
    with (
        pytest.raises(AssertionError, match="no such flag"),
        model_server(str(file), "clf", tmp_path, {}),
    ):
        pass


def test_where_it_is_found(stand_in: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MODEL_SERVER_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", "/no/such/directory")
    assert find_model_server() is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_model_server() == stand_in
    monkeypatch.setenv(MODEL_SERVER_VARIABLE, "/opt/tensorflow_model_server")
    assert find_model_server() == "/opt/tensorflow_model_server"
