import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.exporter.preview.client import Client
from tests.exporter.preview.models import text_record, write_warmup


def command(*flags: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "exporter.preview", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def failure(*flags: str, **options: Any) -> str:
    """Runs a command that must fail, and returns what it says."""
    with command(*flags, **options) as process:
        _, errors = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "Traceback" not in errors
    return errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serves_until_it_is_told_to_stop(number: signal.Signals, classifier: Path) -> None:
    with command(
        "--model_name=clf", f"--model_base_path={classifier.parent}", "--rest_api_port=0"
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert "preview" in first.lower()
        assert "TensorFlow Serving" in first
        ready = process.stdout.readline()
        match = re.fullmatch(
            r"clf version 1 is ready: http://127\.0\.0\.1:(\d+)/v1/models/clf:predict\n", ready
        )
        assert match, ready
        assert process.stdout.readline() == f"A page to try it: http://127.0.0.1:{match[1]}/\n"
        client = Client(int(match.group(1)))
        (status,) = client.get("/v1/models/clf").json()["model_version_status"]
        assert status["state"] == "AVAILABLE"
        assert client.predict({"instances": ["great"]}).status == 200
        process.send_signal(number)
        output, errors = process.communicate(timeout=300)
    assert process.returncode == 0
    assert output == ""
    assert "Traceback" not in errors


def test_a_stop_before_the_model_is_loaded(classifier: Path) -> None:
    with command(
        "--model_name=clf", f"--model_base_path={classifier.parent}", "--rest_api_port=0"
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.5)
        process.terminate()
        _, errors = process.communicate(timeout=300)
    assert process.returncode == 0
    assert "Traceback" not in errors


def test_a_bad_warmup_record_at_the_start(classifier: Path, tmp_path: Path) -> None:
    directory = shutil.copytree(classifier, tmp_path / "1")
    write_warmup(directory, [text_record(b"a", name="txt")])
    errors = failure("--model_name=clf", f"--model_base_path={tmp_path}", "--rest_api_port=0")
    assert "warm-up record 0" in errors
    assert "'txt'" in errors


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        errors = failure(
            "--model_name=clf", f"--model_base_path={tmp_path}", f"--rest_api_port={port}"
        )
    assert f"--rest_api_port={port}" in errors
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--model_base_path=BASE/no/such"], "BASE/no/such"),
        (["--model_base_path=BASE/missing"], "BASE/missing does not exist"),
        (["--model_base_path=BASE/file"], "not a directory"),
        (["--model_base_path=BASE/version/1"], "BASE/version"),
        (["--model_base_path=BASE", "--rest_api_host=no.such.host.invalid"], "--rest_api_host"),
        (["--model_base_path=BASE", "--version_labels=stable"], "--version_labels=stable"),
        (["--model_base_path=BASE", "--model_name=a/b"], "--model_name=a/b"),
        (["--model_base_path=BASE", "stray"], "stray"),
        (["--model_base_path=BASE", "--rest_api_port=70000"], "rest_api_port"),
        ([], "--model_base_path"),
    ],
)
def test_mistakes_on_the_command_line(flags: list[str], told: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "version" / "1").mkdir(parents=True)
    (tmp_path / "version" / "1" / "saved_model.pb").write_bytes(b"")
    flags = [flag.replace("BASE", str(tmp_path)) for flag in flags]
    errors = failure("--model_name=clf", "--rest_api_port=0", *flags)
    assert told.replace("BASE", str(tmp_path)) in errors


def test_without_aiohttp(tmp_path: Path) -> None:
    (tmp_path / "aiohttp.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'aiohttp'\", name='aiohttp')"
    )
    path = os.pathsep.join([str(tmp_path), os.getcwd()])
    errors = failure(
        "--model_name=clf",
        f"--model_base_path={tmp_path}",
        "--rest_api_port=0",
        env={**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"},
    )
    assert "[preview]" in errors
