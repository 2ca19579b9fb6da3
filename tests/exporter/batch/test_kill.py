"""Processes that die: the run ends with a sentence, and nothing half is published."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.exporter.batch.command import json_lines, start

_ROWS = 20_000


def _workers(launcher: int) -> list[int]:
    """Its worker processes that have loaded the model."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            stat = (directory / "stat").read_text()
            arguments = (directory / "cmdline").read_bytes()
            loaded = b"tensorflow_text" in (directory / "maps").read_bytes()
        except OSError:
            continue
        parent = int(stat.rpartition(")")[2].split()[1])
        if parent == launcher and b"exporter.batch.worker" in arguments and loaded:
            found.append(int(directory.name))
    return found


def _gone(processes: list[int]) -> bool:
    return not any(Path(f"/proc/{process}").exists() for process in processes)


def _wait(condition, seconds: float = 600) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.full
def test_kills(tiny_export: Path, tmp_path: Path) -> None:
    lines, output = tmp_path / "lines.txt", tmp_path / "made" / "out"
    lines.write_text("".join(f"the film is good {number}\n" for number in range(_ROWS)))
    arguments = (f"--model={tiny_export}", f"--input={lines}", f"--output={output}")
    parallel = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")

    # A worker dies: the other is ended, and so is the run.
    with start(*arguments, *parallel, "--rows_per_part=500") as process:
        _wait(lambda: len(_workers(process.pid)) == 2 and list(output.parent.glob(".*/new/part-*")))
        workers = _workers(process.pid)
        os.kill(workers[0], signal.SIGKILL)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 1, errors
    assert "A worker process died (-9), and nothing is published" in errors
    assert "Traceback" not in errors
    _wait(lambda: _gone(workers))
    assert list(output.parent.iterdir()) == []

    # The run itself dies: its workers end by themselves, and the next run clears up.
    with start(*arguments, *parallel, "--rows_per_part=500") as process:
        _wait(lambda: len(_workers(process.pid)) == 2 and list(output.parent.glob(".*/new/part-*")))
        workers = _workers(process.pid)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=120)
    _wait(lambda: _gone(workers))
    assert not output.exists()
    assert len(list(output.parent.iterdir())) == 1

    with start(*arguments, *parallel) as process:
        _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert [path.name for path in output.parent.iterdir()] == ["out"]
    numbers = sorted(int(row["text"].rpartition(" ")[2]) for row in json_lines(output))
    assert numbers == list(range(_ROWS))
