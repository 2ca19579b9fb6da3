"""The documents are short, and what they name exists: links, paths, modules, flags, figures."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs.benchmarks.inference.plot import to_svg
from tests.repository import ROOT

_WORD_LIMITS = {"README.md": 1500, "BUILD_NOTES.md": 3500}
_RESULTS = ROOT / "tests" / "programs" / "benchmarks" / "results"

# The first part of a path of this repository.
_TOP = ("bert/", "exporter/", "scripts/", "tests/", ".ci/")
# Flags of every command.
_HELP_FLAGS = {
    "flagfile",
    "help",
    "helpfull",
    "helpshort",
    "helpxml",
    "only_check_args",
    "version_info",
}


def _documents() -> list[Path]:
    """Those of this repository, whatever else lies in its folder."""
    folders = [file for top in _TOP for file in (ROOT / top).rglob("*.md")]
    return sorted([*ROOT.glob("*.md"), *folders])


_DOCUMENTS = _documents()
_each_document = pytest.mark.parametrize(
    "document", _DOCUMENTS, ids=[file.relative_to(ROOT).as_posix() for file in _DOCUMENTS]
)


def _prose(text: str) -> str:
    """The text without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def _anchors(document: Path) -> set[str]:
    """The anchors that GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", _prose(document.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _help(module: str) -> set[str]:
    """The flags that a command's --help lists."""
    told = subprocess.run(
        [sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True
    ).stdout
    return set(re.findall(r"^ +--(?:\[no\])?(\w+)", told, re.MULTILINE)) - _HELP_FLAGS


def _flags(text: str) -> set[str]:
    """The flags that the first column of tables names."""
    cells = re.findall(r"^\| (`--.*?) \|", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"--(?:\[no\])?(\w+)", cell)}


@pytest.mark.parametrize(("name", "limit"), _WORD_LIMITS.items())
def test_it_is_short(name: str, limit: int) -> None:
    assert len((ROOT / name).read_text(encoding="utf-8").split()) <= limit


@_each_document
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", _prose(document.read_text())):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        assert file.exists(), target
        if anchor:
            assert anchor in _anchors(file), target


@_each_document
def test_paths_exist(document: Path) -> None:
    for words in re.findall(r"`([^`\n]+)`", _prose(document.read_text())):
        path = words.split()[0].rstrip("…")
        if not path.startswith(_TOP) or re.search(r"[*<{]|NAME", path):
            continue
        # The path of this repository, or of the document's own folder.
        assert (ROOT / path).exists() or (document.parent / path).exists(), path


@_each_document
def test_commands_exist(document: Path) -> None:
    text = document.read_text()
    for module in re.findall(r"python -m ([\w.]+)", text):
        if module.partition(".")[0] in ("bert", "exporter", "tests"):
            assert importlib.util.find_spec(module) is not None, module
    for script in re.findall(r"^(?:\$ )?(scripts/\w+)", text, re.MULTILINE):
        assert (ROOT / script).exists(), script


@_each_document
def test_modules_of_its_folder_exist(document: Path) -> None:
    """Tables of modules name files next to the document."""
    for cell in re.findall(
        r"^\| (`[\w, `/]+\.(?:py|yml|yaml|txt|config)`.*?) \|", document.read_text(), re.M
    ):
        for name in re.findall(r"`([\w/]+\.\w+)`", cell):
            if "/" not in name:
                assert (document.parent / name).exists(), name


@pytest.mark.parametrize(
    ("module", "document"),
    [("exporter", "README.md"), ("exporter.preview", "exporter/preview/README.md")],
)
def test_tables_have_every_flag(module: str, document: str) -> None:
    flags = _help(module)
    assert len(flags) > 5
    assert _flags((ROOT / document).read_text(encoding="utf-8")) == flags


def test_the_chart_is_drawn_from_the_results() -> None:
    charts = sorted(_RESULTS.glob("*.svg"))
    assert charts
    for chart in charts:
        results = json.loads(chart.with_suffix(".json").read_text(encoding="utf-8"))
        assert chart.read_text(encoding="utf-8") == to_svg(results)


def test_tables_of_times_are_those_of_the_results() -> None:
    """The figures in README.md's table of times."""
    times = json.loads((_RESULTS / "zen4-2026-11-26.json").read_text(encoding="utf-8"))["times"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for request in ("1 x 20", "64 sentences"):
        cells = [times[request].get(name) for name in ("old-way", "onnx", "ours")]
        row = [f"{cell['median_seconds'] * 1e3:,.0f}" if cell else "–" for cell in cells]
        shown = rf"\| {row[0]} \| \**{row[1]}\** \| \**{row[2]}\** \|"
        assert re.search(shown, readme), (request, row)
