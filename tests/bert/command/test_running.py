"""The six commands as a user types them: help, versions and mistakes, without TensorFlow."""

import re
import subprocess
import sys
from importlib.metadata import version
from typing import Any

import pytest

from bert.command.options import options_of
from bert.training.options import FineTuningOptions
from bert.training.questions.options import SquadOptions
from exporter.batch.options import BatchOptions
from exporter.check.__main__ import CheckOptions
from exporter.options import ExportKeywords
from exporter.preview.__main__ import PreviewOptions
from tests.repository import ROOT

COMMANDS = {
    "exporter": ExportKeywords,
    "exporter.batch": BatchOptions,
    "exporter.check": CheckOptions,
    "exporter.preview": PreviewOptions,
    "bert.run_classifier": FineTuningOptions,
    "bert.run_squad": SquadOptions,
}


def run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize(("module", "options"), COMMANDS.items())
def test_help(module: str, options: Any) -> None:
    result = run(module, "--help")
    assert result.returncode == 0
    assert result.stderr == ""
    assert run(module, "-h").stdout == result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100
    text = " ".join(result.stdout.split())
    for option in options_of(options):
        if option.declared.is_flag:
            assert re.search(rf"--(\[no\])?{option.name} ", text), option.name
            assert option.describe() in text
            assert all(choice in option.describe() for choice in option.declared.choices)
    assert f"Usage: python -m {module}" in text
    assert "Examples:" in text


def test_help_of_the_export_is_grouped() -> None:
    lines = run("exporter", "-h").stdout.splitlines()
    headings = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert headings == [
        "What is exported, and where to:",
        "What the model is, where its files leave that open:",
        "Texts longer than max_seq_length:",
        "How questions are answered:",
        "What the export is:",
        "What is checked and warmed up:",
        "Help:",
        "Examples:",
    ]


def test_examples_of_help_have_flags_that_exist() -> None:
    for module, options in COMMANDS.items():
        names = {option.name for option in options_of(options)}
        examples = run(module, "-h").stdout.split("Examples:")[1]
        assert set(re.findall(r"--(\w+)", examples)) <= names


@pytest.mark.parametrize("module", COMMANDS)
def test_version_info(module: str) -> None:
    result = run(module, "--version_info")
    assert result.returncode == 0
    rows = dict(line.split() for line in result.stdout.splitlines())
    assert rows["tensorflow"] == version("tensorflow")
    assert rows["Python"] == ".".join(map(str, sys.version_info[:3]))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--versoin=3",), "--versoin is not a flag of this command: give --version, or see"),
        (("--qqqqq",), "--qqqqq is not a flag of this command: see --help."),
        (("--version=new",), "--version=new: a whole number is expected: give one."),
        (("--noverify=3",), "--noverify=3 does not take an argument."),
        (("--export_dir=x",), "--checkpoint is missing: give it, as --checkpoint=PATH."),
        (("--flagfile=/no/such",), "/no/such"),
    ],
)
def test_mistakes_in_one_line(arguments: tuple[str, ...], sentence: str) -> None:
    result = run("exporter", *arguments)
    assert result.returncode == 1
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert sentence in line
