"""The version directory: whole or not at all."""

import contextlib
import fcntl
import itertools
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from bert.errors import UserError

# TF Serving reads a version as an int64.
LARGEST_VERSION = 2**63 - 1

# TF Serving loads every child whose name is an integer, whatever the child holds. It ignores other
# names, such as those with this prefix.
_STAGING_PREFIX = ".exporting-"
_LOCK_FILE = "lock"
_MODEL_DIRECTORY = "model"
# An exporter that has made its directory and not yet taken its lock is alive but looks dead.
_GRACE_SECONDS = 60.0

# Whatever the umask: a server runs as another user.
_DIRECTORY_MODE, _FILE_MODE = 0o755, 0o644


def version_number(export_dir: Path, asked_for: int | None, allow_older: bool) -> int:
    """The number of a new version: Unix seconds, or one more than the newest where that is above.

    A server of the usual policy keeps the newest version, so one below it would never be served:
    of 20261126171142, a date, comes 20261126171143.

    Args:
      export_dir: the base path, which need not exist.
      asked_for: `--version`, None if not given.
      allow_older: whether it may be below the newest.

    Raises:
      UserError: it is and may not.
    """
    with _writing(export_dir):
        names = [path.name for path in export_dir.iterdir()] if export_dir.is_dir() else []
    versions = (int(name) for name in names if name.isascii() and name.isdigit())
    newest = max((number for number in versions if number <= LARGEST_VERSION), default=-1)
    if asked_for is None:
        return max(int(time.time()), min(newest + 1, LARGEST_VERSION))
    if asked_for < newest and not allow_older:
        raise UserError(
            f"--version is {asked_for}, but {export_dir} has the version {newest}, which servers "
            "would go on to serve: give a larger number, leave the flag out, or give "
            "--allow_older_version."
        )
    return asked_for


@contextlib.contextmanager
def staged_version(export_dir: Path, version: int) -> Iterator[Path]:
    """An empty directory that becomes `export_dir/version` when the block ends without an error.

    The directory lies next to the version, on the same file system, under a name that servers
    ignore. If the block raises, nothing new remains. Leftovers of killed runs are removed first; a
    running exporter holds a lock, and its directory is left alone.

    Raises:
      UserError: the version exists, or `export_dir` cannot be written.
    """
    # Path turns gs://bucket into gs:/bucket.
    if ":/" in str(export_dir):
        raise UserError(
            f"--export_dir {export_dir} is not a local directory, and a version cannot appear "
            "whole on an object store: export to a local directory and copy the version from there."
        )
    target = export_dir / str(version)
    with contextlib.ExitStack() as stack:
        with _writing(export_dir):
            missing = _missing_directories(export_dir)
            stack.callback(_remove_if_empty, missing)
            for directory in reversed(missing):
                directory.mkdir(exist_ok=True)
                directory.chmod(_DIRECTORY_MODE)
            export_dir.mkdir(exist_ok=True)
            _remove_leftovers(export_dir)
            _require_absent(target)
            staging = export_dir / f"{_STAGING_PREFIX}{version}-{uuid.uuid4().hex[:8]}"
            staging.mkdir()
            stack.callback(shutil.rmtree, staging, ignore_errors=True)
            stack.enter_context(_lock(staging))
            model = staging / _MODEL_DIRECTORY
            model.mkdir()
        yield model
        with _writing(export_dir):
            _flush_to_disk(model)
            _require_absent(target)
            os.rename(model, target)
            _flush_directory(export_dir)


@contextlib.contextmanager
def _writing(export_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise cannot_write(export_dir, error) from error


def cannot_write(export_dir: Path, error: Exception) -> UserError:
    """The error for a disk that is full, read-only or another user's."""
    reason = error.strerror if isinstance(error, OSError) else str(error).splitlines()[0]
    return UserError(
        f"--export_dir {export_dir} cannot be written ({reason}): give a directory that this user "
        "can write to, on a disk with room for the model."
    )


def _missing_directories(directory: Path) -> list[Path]:
    """A directory and those of its parents that do not exist, deepest first."""
    return list(
        itertools.takewhile(lambda path: not path.exists(), (directory, *directory.parents))
    )


def _remove_if_empty(directories: list[Path]) -> None:
    for directory in directories:
        with contextlib.suppress(OSError):  # it is in use (not empty), or was never made
            directory.rmdir()


def _require_absent(target: Path) -> None:
    if target.exists():
        raise UserError(
            f"--version {target.name} exists already in --export_dir {target.parent}: give another "
            "--version, or leave the flag out for the time of day."
        )


def _remove_leftovers(export_dir: Path) -> None:
    """Removes the staging directories whose exporters are dead."""
    for staging in export_dir.glob(f"{_STAGING_PREFIX}*"):
        try:
            if not (staging / _LOCK_FILE).exists():
                dead = time.time() - staging.stat().st_mtime > _GRACE_SECONDS
            else:
                dead = _can_lock(staging)
        except FileNotFoundError:  # its exporter has just ended
            continue
        if dead:
            shutil.rmtree(staging, ignore_errors=True)


def _can_lock(staging: Path) -> bool:
    try:
        with _lock(staging):
            return True
    # A running exporter holds it, or it belongs to another user, whose run may be alive or dead.
    except (BlockingIOError, PermissionError):
        return False


@contextlib.contextmanager
def _lock(staging: Path) -> Iterator[None]:
    """Holds the staging directory's lock; the kernel releases it when the process dies."""
    with (staging / _LOCK_FILE).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _flush_to_disk(directory: Path) -> None:
    """Writes every file to disk, so that all are whole if the machine crashes after the rename.

    They become readable for everybody.
    """
    for parent, _, names in os.walk(directory):
        for name in names:
            with open(os.path.join(parent, name), "rb") as file:
                os.fchmod(file.fileno(), _FILE_MODE)
                os.fsync(file.fileno())
        os.chmod(parent, _DIRECTORY_MODE)
        _flush_directory(Path(parent))


def _flush_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
