"""Runs that died, and runs that still work: whose directories are cleared away."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bert.errors import UserError
from tests.exporter.publishing import names, publish
from tests.repository import ROOT

# Publishes one file; kills itself at the audit event of the number given, -1 for none.
_PUBLISHER = """
import os, signal, sys
from pathlib import Path
from exporter.publish import staged_version

export_dir, deadly, events = Path(sys.argv[1]), int(sys.argv[2]), 0

def count(event, arguments):
    global events
    if event.split(".")[0] in ("open", "os", "fcntl", "shutil", "glob") and event != "os.kill":
        if events == deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        events += 1

def write(directory):
    (directory / "variables").mkdir()
    (directory / "variables" / "data").write_text("weights")
    (directory / "saved_model.pb").write_text("graph")

sys.addaudithook(count)
with staged_version(export_dir, 7) as directory:
    write(directory)
"""


# Holds a version until a line arrives.
_SLOW_PUBLISHER = """
import sys
from pathlib import Path
from exporter.publish import staged_version

with staged_version(Path(sys.argv[1]), 5) as directory:
    (directory / "saved_model.pb").write_text("graph")
    print("ready", flush=True)
    sys.stdin.readline()
"""


# As root a run of another user's, whom root's files are closed to.
_OTHER_USER = """
import os, sys
from pathlib import Path
from exporter.publish import staged_version

if os.geteuid() == 0:
    os.seteuid(65534)
with staged_version(Path(sys.argv[1]), 1) as directory:
    (directory / "saved_model.pb").write_text("graph")
"""


@contextmanager
def slow_publisher(export_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process in the middle of an export."""
    with subprocess.Popen(
        [sys.executable, "-c", _SLOW_PUBLISHER, str(export_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


def leftover(export_dir: Path, name: str, locked_once: bool, age: float = 0.0) -> Path:
    """What a dead run leaves."""
    directory = export_dir / name
    (directory / "model" / "variables").mkdir(parents=True)
    (directory / "model" / "saved_model.pb").write_text("half a gra")
    if locked_once:
        (directory / "lock").write_text("")
    then = time.time() - age
    os.utime(directory, (then, then))
    return directory


def test_leftovers_of_dead_runs_go(tmp_path: Path) -> None:
    leftover(tmp_path, ".exporting-1-0123abcd", locked_once=True)
    leftover(tmp_path, ".exporting-2-0123abcd", locked_once=False, age=3600)
    publish(tmp_path)
    assert names(tmp_path) == ["1"]


def test_leftovers_go_even_if_the_run_fails(tmp_path: Path) -> None:
    leftover(tmp_path, ".exporting-1-0123abcd", locked_once=True)
    publish(tmp_path, 2)
    with pytest.raises(UserError):
        publish(tmp_path, 2)
    assert names(tmp_path) == ["2"]


def test_what_is_no_leftover_stays(tmp_path: Path) -> None:
    for name in (".hidden", "exporting-1", "tmp-1", "42", ".snapshot"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "lock").write_text("")
    publish(tmp_path)
    assert names(tmp_path) == sorted(["1", ".hidden", "exporting-1", "tmp-1", "42", ".snapshot"])


def test_leftovers_of_another_user_are_no_obstacle() -> None:
    """Their lock cannot be opened; whether their run is dead cannot be told."""
    with tempfile.TemporaryDirectory() as scratch:
        os.chmod(scratch, 0o755)
        export_dir = Path(scratch, "tiny")
        export_dir.mkdir()
        export_dir.chmod(0o1777)
        theirs = leftover(export_dir, ".exporting-1-0123abcd", locked_once=True)
        (theirs / "lock").chmod(0)
        result = subprocess.run(
            [sys.executable, "-S", "-c", _OTHER_USER, str(export_dir)],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0, result.stderr
        assert names(export_dir) == [theirs.name, "1"]


def test_a_run_that_has_just_begun_stays(tmp_path: Path) -> None:
    """Between making its directory and locking it."""
    young = leftover(tmp_path, ".exporting-1-0123abcd", locked_once=False, age=1)
    publish(tmp_path)
    assert young.exists()


def test_a_living_run_stays_and_ends_well(tmp_path: Path) -> None:
    with slow_publisher(tmp_path) as process:
        publish(tmp_path, 1)
        assert len(names(tmp_path)) == 2
        process.communicate("go on\n", timeout=300)
    assert process.returncode == 0
    assert names(tmp_path) == ["1", "5"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_run_is_cleared_away(tmp_path: Path, number: signal.Signals) -> None:
    with slow_publisher(tmp_path) as process:
        process.send_signal(number)
        process.wait(30)
    assert len(names(tmp_path)) == 1
    publish(tmp_path)
    assert names(tmp_path) == ["1"]


def test_killed_at_any_step(tmp_path: Path) -> None:
    """A version is whole or not there, and the next run clears up."""
    deadly, outcomes = 0, []
    while True:
        export_dir = tmp_path / str(deadly)
        result = subprocess.run(
            [sys.executable, "-S", "-c", _PUBLISHER, str(export_dir), str(deadly)], cwd=ROOT
        )
        if result.returncode == 0:
            break
        assert result.returncode == -signal.SIGKILL
        outcomes.append((export_dir / "7").exists())
        if outcomes[-1]:
            assert (export_dir / "7" / "variables" / "data").read_text() == "weights"
            assert (export_dir / "7" / "saved_model.pb").read_text() == "graph"
        # Without its lock, a run is given time before it is held for dead.
        for child in export_dir.glob(".*"):
            os.utime(child, (0, 0))
        publish(export_dir, 8)
        assert names(export_dir) == (["7", "8"] if outcomes[-1] else ["8"])
        deadly += 1
    assert names(export_dir) == ["7"]
    assert outcomes == sorted(outcomes)
    assert outcomes.count(False) > 10
    assert outcomes.count(True) >= 1
