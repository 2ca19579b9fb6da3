"""`exporter.export` and what else the package gives to Python, as a program sees it."""

import inspect
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from absl import logging as absl_logging

import exporter
from exporter import export
from tests.exporter.command import start
from tests.repository import ROOT
from tests.tiny_model import TinyModel

KEYWORDS = {
    "version": None,
    "bert_config_file": None,
    "vocab_file": None,
    "do_lower_case": None,
    "tokenizer": None,
    "max_seq_length": None,
    "task": None,
    "text_pair": None,
    "labels": None,
    "label_file": None,
    "top_k": None,
    "default_signature": "text",
    "signatures": None,
    "precision": "float32",
    "calibration_file": None,
    "target_serving": "2.12.0",
    "warmup": True,
    "warmup_file": None,
    "verify": True,
    "verify_file": None,
    "stage": None,
}


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs code in a process that inherits no setting of TensorFlow's."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
        timeout=600,
        check=False,
    )


def test_signature_and_documentation() -> None:
    parameters = inspect.signature(export).parameters
    assert list(parameters)[:2] == ["checkpoint", "export_dir"]
    defaults = {name: parameter.default for name, parameter in parameters.items()}
    assert KEYWORDS.items() <= defaults.items()
    assert export.__doc__ is not None
    for name in parameters:
        assert f"\n  {name}: " in export.__doc__
    assert export.__name__ == "export"


def test_public_names() -> None:
    code = (
        "import sys, exporter\n"
        "assert set(exporter.__all__) <= set(dir(exporter))\n"
        "from exporter import UserError, __version__, export\n"
        "print('tensorflow' in sys.modules, __version__, UserError.__module__)\n"
        "from exporter import ExportReport, VerificationError\n"
        "print(ExportReport.__name__, VerificationError.__name__)\n"
    )
    result = python(code)
    assert result.stderr == ""
    assert result.stdout.split() == [
        "False",
        exporter.__version__,
        "bert.errors",
        "ExportReport",
        "VerificationError",
    ]
    with pytest.raises(AttributeError, match="no attribute 'exprot'"):
        exporter.exprot  # type: ignore[attr-defined]  # noqa: B018


def test_silence(tiny_model: TinyModel, tmp_path: Path) -> None:
    """TensorFlow's notes about plug-ins and processors stay away, as in the command."""
    code = (
        "import sys; from exporter import export\n"
        "report = export(sys.argv[1], sys.argv[2], version=1, warmup=False, verify=False)\n"
        "print(report.version_directory); print(repr(report))\n"
    )
    result = python(code, str(tiny_model.prefix), str(tmp_path / "tiny"))
    assert result.stderr == ""
    directory, shown = result.stdout.splitlines()
    assert directory == str(tmp_path / "tiny" / "1")
    assert directory in shown
    assert len(shown) < 1000


def test_log_levels_are_put_back(tiny_model: TinyModel, tmp_path: Path) -> None:
    logger = logging.getLogger("tensorflow")
    before = absl_logging.get_verbosity(), logger.level
    absl_logging.set_verbosity(absl_logging.INFO)
    logger.setLevel(logging.INFO)
    try:
        with pytest.raises(exporter.UserError, match="--top_k"):
            export(tiny_model.prefix, tmp_path / "tiny", top_k=9, warmup=False)
        assert absl_logging.get_verbosity() == absl_logging.INFO
        assert logger.level == logging.INFO
    finally:
        absl_logging.set_verbosity(before[0])
        logger.setLevel(before[1])


def test_labels_from_a_file(tiny_model: TinyModel, tmp_path: Path) -> None:
    file = tmp_path / "labels.txt"
    file.write_text("bad\nso so\ngood\n")
    report = export(
        str(tiny_model.prefix), tmp_path / "tiny", label_file=file, warmup=False, verify=False
    )
    assert report.model.labels == ("bad", "so so", "good")


def test_a_type_checker_sees_the_types(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from exporter import export\n"
        'reveal_type(export("out", "models").version_directory)\n'
        'export("out", export_dir="models", labels=["a"], vocab_file="v", version=3)\n'
        'export("out", "models", version="3")\n'
        'export("out", "models", vocab="v")\n'
        'export("out")\n'
    )
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--ignore-missing-imports", "--cache-dir", ".", str(script)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        check=False,
    )
    told = [line.split(": ", 1) for line in result.stdout.splitlines() if "script.py" in line]
    assert [(place.rsplit(":")[-1], text.split("  [")[0]) for place, text in told] == [
        ("2", 'note: Revealed type is "pathlib.Path"'),
        ("4", 'error: Argument "version" has incompatible type "str"; expected "int | None"'),
        ("5", 'error: Unexpected keyword argument "vocab"'),
        ("6", "error: Too few arguments"),
    ]


def _as_at_a_terminal() -> None:
    """A group of its own, whose SIGINT counts: what runs in the background has it ignored."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_control_c(tiny_model: TinyModel, tmp_path: Path) -> None:
    """A terminal sends it to the whole group, the verifying process included."""
    export_dir = tmp_path / "models" / "tiny"
    with start(
        f"--checkpoint={tiny_model.prefix}",
        f"--export_dir={export_dir}",
        before=_as_at_a_terminal,
    ) as process:
        warmup = "model/assets.extra/tf_serving_warmup_requests"
        deadline = time.monotonic() + 200
        while not list(export_dir.glob(f".*/{warmup}")) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(2)
        os.killpg(process.pid, signal.SIGINT)
        output, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert errors.splitlines()[-1] == "stopped by Ctrl-C."
    assert output == ""
    assert not (tmp_path / "models").exists()
