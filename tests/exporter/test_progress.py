"""Lines in a log, a bar on a terminal."""

import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from exporter import progress
from exporter.progress import counted, stage, waiting


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_FIRST_LINE_SECONDS", 0.1)
    monkeypatch.setattr(progress, "_LINE_SECONDS", 0.1)


def test_a_short_stage_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    with stage("reading"):
        pass
    assert re.fullmatch(r"reading {39} +0\.\d s\n", capfd.readouterr().err)


def test_a_short_wait_leaves_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with stage("before"):
        pass
    capfd.readouterr()
    with waiting("reading"):
        pass
    assert capfd.readouterr().err == ""


def test_a_long_stage_says_how_far_it_is(
    capfd: pytest.CaptureFixture[str], impatient: None
) -> None:
    with stage("replaying") as advance:
        time.sleep(0.25)
        for _ in counted(range(4), "request", 4, advance):
            time.sleep(0.25)
    lines = capfd.readouterr().err.splitlines()
    assert lines[0] == "replaying: 0 s"
    assert "replaying: request 1 of 4, 0 s" in lines
    assert "replaying: request 3 of 4, about 1 s left" in lines or (
        "replaying: request 3 of 4, about 0 s left" in lines
    )
    assert re.fullmatch(r"replaying +1\.\d s", lines[-1])


def test_two_short_waits_are_not_one_long_silence(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_LINE_SECONDS", 0.6)
    monkeypatch.setattr(progress, "_LEAST_SECONDS", 0.1)
    with stage("reading"):
        pass
    for name in ("loading", "checking"):
        with waiting(name):
            time.sleep(0.45)
    assert capfd.readouterr().err.splitlines()[1:] == ["checking: 0 s"]


def test_the_time_left_of_uneven_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a warm-up, where a few of the first steps take most of the time."""
    clock = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock)
    seconds = [7.0 if step in (0, 5, 10, 19) else 0.2 for step in range(100)]
    count = progress._Count("loading")
    for done, duration in enumerate(seconds):
        count.advance("request", done, 100)
        clock += duration
        if done + 1 in (12, 30, 60):
            count.advance("request", done + 1, 100)
            told = int(re.findall(r"about (\d+) s left", count.words())[0])
            left = sum(seconds[done + 1 :])
            assert left <= told < 3.5 * left, (done, told, left)


def test_it_is_seen_while_standard_error_is_held_back(
    capfd: pytest.CaptureFixture[str], impatient: None, tmp_path: Path
) -> None:
    with waiting("loading"):
        sys.stderr.flush()
        original = os.dup(2)
        with (tmp_path / "held back").open("w") as file:
            os.dup2(file.fileno(), 2)
            time.sleep(0.3)
            os.dup2(original, 2)
        os.close(original)
    assert "loading: 0 s" in capfd.readouterr().err
    assert (tmp_path / "held back").read_text() == ""


def test_an_error_ends_the_lines(capfd: pytest.CaptureFixture[str], impatient: None) -> None:
    with stage("before"):
        pass
    capfd.readouterr()
    with pytest.raises(ValueError), stage("reading"):
        raise ValueError
    time.sleep(0.3)
    assert capfd.readouterr().err == ""


def test_a_terminal_has_a_bar_that_goes_away() -> None:
    program = """
import time
from exporter.progress import counted, stage
with stage("replaying {x}") as advance:
    for _ in counted(range(4), "request", 4, advance):
        time.sleep(0.6)
"""
    reading, writing = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", program], stderr=writing) as process:
        os.close(writing)
        shown = b""
        # A terminal that nobody holds open any more is an error of reading.
        while chunk := _read(reading):
            shown += chunk
    os.close(reading)
    assert process.returncode == 0
    frames = re.split(r"[\r\n]+", shown.decode())
    assert any(re.match(r"replaying \{x\} \|.{20}\| request 3 of 4, about", f) for f in frames)
    assert re.match(r"replaying \{x\} {30,} +2\.\d s", frames[-2])
    assert frames[-1] == ""


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:
        return b""
