"""Who may import whom."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repository import ROOT

# An application at the edge: its --do_export calls the exporter.
_EDGE = {"bert/run_classifier.py"}


def imports(file: Path) -> Iterator[str]:
    """The modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} has a relative import"
            assert node.module is not None
            yield node.module


def importers(package: str) -> set[str]:
    """The files of both wings that import a package or a part of it."""
    files = [file for wing in ("bert", "exporter") for file in (ROOT / wing).rglob("*.py")]
    assert len(files) > 40
    return {
        file.relative_to(ROOT).as_posix()
        for file in files
        if any(name == package or name.startswith(f"{package}.") for name in imports(file))
    }


def test_bert_does_not_import_the_exporter() -> None:
    assert {file for file in importers("exporter") if file.startswith("bert/")} <= _EDGE


def test_tensorflow_text_is_imported_where_text_is() -> None:
    assert {Path(file).parent.as_posix() for file in importers("tensorflow_text")} == {
        "exporter/text"
    }


def test_tensorflow_hub_is_imported_by_wrapped_models() -> None:
    assert importers("tensorflow_hub") == {"exporter/wrapped/location.py"}


@pytest.mark.parametrize("edge", ["check", "preview"])
def test_the_edges_are_imported_by_nobody(edge: str) -> None:
    """An export needs neither the audit nor the preview server."""
    assert {file.split("/")[1] for file in importers(f"exporter.{edge}")} == {edge}


@pytest.mark.parametrize("package", ["keras", "tf_keras", "tensorflow.keras", "tests"])
def test_what_nobody_imports(package: str) -> None:
    assert importers(package) == set()


@pytest.mark.parametrize("module", ["exporter", "exporter.__main__", "exporter.publish"])
def test_imports_without_tensorflow(module: str) -> None:
    """So that mistakes in the flags are told at once."""
    code = f"import sys, {module}; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    loaded = set(result.stdout.split())
    assert "exporter" in loaded
    assert not loaded & {"tensorflow", "tensorflow_text", "numpy", "bert.model"}
