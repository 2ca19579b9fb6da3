import os
import stat
import time
from pathlib import Path

import pytest

from bert.errors import UserError
from exporter.publish import LARGEST_VERSION, staged_version, version_number
from tests.exporter.disks import disk, read_only_disk
from tests.exporter.publishing import names, publish


def test_a_version_appears_whole(tmp_path: Path) -> None:
    with staged_version(tmp_path, 3) as directory:
        (directory / "variables").mkdir()
        (directory / "variables" / "data").write_text("weights")
        # TF Serving loads whatever has a number for its name.
        assert not any(name.lstrip("-").isdigit() for name in names(tmp_path))
        assert directory.stat().st_dev == tmp_path.stat().st_dev
    assert names(tmp_path) == ["3"]
    assert (tmp_path / "3" / "variables" / "data").read_text() == "weights"


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022, 0o027, 0o077])
def test_another_user_can_read_it(umask: int, tmp_path: Path) -> None:
    """Servers run as users of their own; nobody but the owner may write."""
    before = os.umask(umask)
    try:
        with staged_version(tmp_path / "models" / "tiny", 3) as directory:
            (directory / "variables").mkdir()
            (directory / "variables" / "data").write_text("weights")
    finally:
        os.umask(before)
    made = {path: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert len(made) == 5
    for path, mode in made.items():
        assert mode == (0o755 if path.is_dir() else 0o644), path


@pytest.mark.parametrize("there", [(), ("17", "name", ".3", "9" * 30)])
def test_the_time_of_day_is_the_number(there: tuple[str, ...], tmp_path: Path) -> None:
    for name in there:
        (tmp_path / name).mkdir()
    assert abs(version_number(tmp_path, None, False) - time.time()) < 60
    assert abs(version_number(tmp_path / "absent", None, False) - time.time()) < 60


def test_a_number_is_above_the_newest(tmp_path: Path) -> None:
    """A server keeps the newest: one below it would never be served."""
    (tmp_path / "20261126171142").mkdir()
    assert version_number(tmp_path, None, False) == 20261126171143
    with pytest.raises(UserError, match="has the version 20261126171142"):
        version_number(tmp_path, 3, False)
    assert version_number(tmp_path, 3, True) == 3
    assert version_number(tmp_path, 20261126171144, False) == 20261126171144
    (tmp_path / str(LARGEST_VERSION)).mkdir()
    assert version_number(tmp_path, None, False) == LARGEST_VERSION


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


def test_permissions_of_an_export(tiny_export: Path) -> None:
    """What TensorFlow writes, too."""
    for path in (tiny_export, *tiny_export.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644), path
