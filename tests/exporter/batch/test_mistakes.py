"""Mistakes in the flags: one sentence, and nothing is written."""

from pathlib import Path

import pytest

from tests.exporter.batch.command import flags, run_here, start
from tests.exporter.command import Outcome, assert_refused


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (["--model=/nowhere"], ["--model", "/nowhere"]),
        (["--model=nosuchscheme://bucket/model"], ["--model", "nosuchscheme"]),
        (["--signature=features"], ["--signature features", "labels"]),
        (["--signature=classify"], ["--signature classify", "labels"]),
        (["--input=/nowhere/*.txt"], ["--input", "/nowhere"]),
        (["--text_column=review"], ["no column 'review'"]),
        (["--text_column=a,b"], ["--text_column", "takes 1"]),
        (["--no_such_flag=3"], ["--no_such_flag"]),
        (["in/a.txt"], ["in/a.txt", "--input"]),
        (["--runner=SparkRunner", "--no_such_flag=3", "in/a.txt"], ["in/a.txt", "--input"]),
        (["--rows_per_part=0"], ["--rows_per_part"]),
        (["--runner=DataflowRunner"], ["--model", "gs://"]),
    ],
)
def test_mistakes(
    change: list[str],
    told: list[str],
    tiny_export: Path,
    inputs: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "out"
    assert_refused(run_here(capfd, *flags(tiny_export, inputs, output), *change), *told)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--rows_per_part=x"], "rows_per_part"),
        ([], "--model is missing"),
        (["--model=models/sentiment"], "--input is missing"),
    ],
)
def test_mistakes_before_anything_is_loaded(arguments: list[str], told: str) -> None:
    with start(*arguments) as process:
        output, errors = process.communicate(timeout=120)
    assert_refused(Outcome(process.returncode, output, errors), told)


def test_what_is_not_a_jobs_output_is_not_replaced(
    tiny_export: Path, inputs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    output.mkdir()
    (output / "thesis.tex").write_text("mine")
    outcome = run_here(capfd, *flags(tiny_export, inputs, output, "--overwrite"))
    assert_refused(outcome, "thesis.tex")
    assert (output / "thesis.tex").read_text() == "mine"
