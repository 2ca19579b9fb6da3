import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bert.errors import UserError
from exporter.publish import staged_version
from tests.exporter.disks import disk, read_only_disk
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


def names(directory: Path) -> list[str]:
    return sorted(child.name for child in directory.iterdir())


def publish(export_dir: Path, version: int = 1, content: str = "graph") -> None:
    with staged_version(export_dir, version) as directory:
        (directory / "saved_model.pb").write_text(content)


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


def test_a_version_appears_whole(tmp_path: Path) -> None:
    with staged_version(tmp_path, 3) as directory:
        (directory / "variables").mkdir()
        (directory / "variables" / "data").write_text("weights")
        # TF Serving loads whatever has a number for its name.
        assert not any(name.lstrip("-").isdigit() for name in names(tmp_path))
        assert directory.stat().st_dev == tmp_path.stat().st_dev
    assert names(tmp_path) == ["3"]
    assert (tmp_path / "3" / "variables" / "data").read_text() == "weights"


def test_versions_side_by_side(tmp_path: Path) -> None:
    for version in (0, 1, 12345678901):
        publish(tmp_path, version, str(version))
    assert names(tmp_path) == ["0", "1", "12345678901"]


@pytest.mark.parametrize("failure", [ValueError, UserError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("below", ["", "new", "new/and/deep"])
def test_a_failure_leaves_nothing(tmp_path: Path, failure: type[BaseException], below: str) -> None:
    (tmp_path / "mine").write_text("")
    with pytest.raises(failure), staged_version(tmp_path / below, 1) as directory:
        (directory / "saved_model.pb").write_text("half a gra")
        raise failure
    assert names(tmp_path) == ["mine"]


def test_directories_that_were_there_stay(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    with pytest.raises(ValueError), staged_version(tmp_path / "models" / "tiny", 1):
        raise ValueError
    assert names(tmp_path) == ["models"]
    assert names(tmp_path / "models") == []


def test_a_new_directory_that_others_use_meanwhile_stays(tmp_path: Path) -> None:
    with pytest.raises(ValueError), staged_version(tmp_path / "tiny", 1):
        (tmp_path / "tiny" / "theirs").write_text("")
        raise ValueError
    assert names(tmp_path / "tiny") == ["theirs"]


@pytest.mark.parametrize("kind", ["directory", "file"])
def test_the_version_exists(tmp_path: Path, kind: str) -> None:
    there = tmp_path / "1"
    if kind == "directory":
        there.mkdir()
        (there / "saved_model.pb").write_text("old")
    else:
        there.write_text("old")
    with pytest.raises(UserError) as told:
        publish(tmp_path)
    assert "--version 1 " in str(told.value)
    assert str(tmp_path) in str(told.value)
    assert names(tmp_path) == ["1"]
    assert (there / "saved_model.pb" if kind == "directory" else there).read_text() == "old"


def test_the_version_appears_meanwhile(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--version 1 "), staged_version(tmp_path, 1) as directory:
        (directory / "saved_model.pb").write_text("slow")
        publish(tmp_path, content="quick")
    assert names(tmp_path) == ["1"]
    assert (tmp_path / "1" / "saved_model.pb").read_text() == "quick"


@pytest.mark.parametrize("below", ["file", "file/tiny"])
def test_a_file_in_place_of_the_directory(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="--export_dir"):
        publish(tmp_path / below)
    assert names(tmp_path) == ["file"]
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("below", ["", "models/tiny"])
def test_a_read_only_disk(tmp_path: Path, below: str) -> None:
    with read_only_disk(tmp_path / "disk") as directory:
        with pytest.raises(UserError, match="--export_dir"):
            publish(directory / below)
        assert not directory.exists() or names(directory) == []


def test_a_disk_without_room_for_a_directory(tmp_path: Path) -> None:
    """Wherever the room ends, nothing stays, not even an empty directory on the way."""
    with disk(tmp_path / "disk", "size=1m,nr_inodes=6") as mounted:
        if mounted is None:  # warned of; test_a_read_only_disk has a case without a mount
            return
        kept = []
        # The root, two directories, the staging directory, its lock, the model: six.
        for number in range(5):
            kept.append(mounted / f"filler-{number}")
            kept[-1].write_text("")
            # The test's own writing ends in an OSError, the publisher's in a UserError.
            with pytest.raises((OSError, UserError)):
                publish(mounted / "a" / "b", 1)
            assert sorted(mounted.rglob("*")) == kept


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


@pytest.mark.parametrize("mask", [0o022, 0o002, 0o077, 0o027])
def test_permissions_follow_the_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        publish(tmp_path / "tiny")
    finally:
        os.umask(before)
    version = tmp_path / "tiny" / "1"
    assert stat.S_IMODE(version.stat().st_mode) == 0o777 & ~mask
    assert stat.S_IMODE(version.parent.stat().st_mode) == 0o777 & ~mask
    assert stat.S_IMODE((version / "saved_model.pb").stat().st_mode) == 0o666 & ~mask


def test_permissions_of_an_export(tiny_export: Path) -> None:
    """The server is another user as a rule: what TensorFlow writes follows the umask too."""
    mask = os.umask(0o022)
    os.umask(mask)
    for path in (tiny_export, *tiny_export.rglob("*")):
        expected = (0o777 if path.is_dir() else 0o666) & ~mask
        assert stat.S_IMODE(path.stat().st_mode) == expected, path
