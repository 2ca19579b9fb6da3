"""Where a model is: a local path, an archive, or the handle of something remote."""

import contextlib
import os
import re
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

from bert.errors import UserError
from exporter.models import hugging_face_hub

_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
# BERT-large with the slots of its optimizer has 4 GB.
_LARGEST_UNPACKED = 16 << 30
_ARCHIVES = (".tar.gz", ".tgz", ".tar")
# Of TensorFlow Hub: lines of progress on standard output.
_PROGRESS_VARIABLE = "TFHUB_DOWNLOAD_PROGRESS"


def is_remote(location: str) -> bool:
    """Whether it is a handle or another URL, such as https://... or gs://..."""
    return _REMOTE.match(location) is not None


def is_archive(location: str) -> bool:
    """Whether it is a tar file on this machine."""
    return location.endswith(_ARCHIVES) and os.path.isfile(location)


@contextlib.contextmanager
def local_path(location: str) -> Iterator[Path]:
    """The path of a model on this machine, while the block runs.

    A path is given back as it is, an archive is unpacked, and what is remote is fetched:
    https:// by TensorFlow Hub into its cache (TFHUB_CACHE_DIR), other URLs by tf.io.gfile, names
    of the Hugging Face Hub by its library.

    Raises:
      UserError: it cannot be fetched or unpacked.
    """
    with contextlib.ExitStack() as stack:
        if is_remote(location):
            try:
                path = _only_child(_fetched(location, stack))
            except _FetchError as error:
                reason = " ".join(str(error.__cause__).split())
                raise UserError(
                    f"--checkpoint {location} cannot be fetched ({reason}): check the address, or "
                    "give a local copy."
                ) from error
        elif is_archive(location):
            path = _only_child(_unpacked(location, stack))
        elif hugging_face_hub.can_fetch(location):
            path = hugging_face_hub.fetch(location)
        else:
            path = Path(location)
        yield path


class _FetchError(Exception):
    """Whatever went wrong on the way; its cause says what."""


def _fetched(location: str, stack: contextlib.ExitStack) -> Path:
    # Imported where a handle is given: it takes seconds and brings flags of its own.
    import tensorflow_hub as hub

    try:
        with _download_progress():
            resolved = hub.resolve(location)
        if not is_remote(resolved):
            return Path(resolved)
        directory = _scratch(stack)
        _copy(resolved.rstrip("/"), directory)
        return directory
    # What urllib, tarfile, zlib, hub and TensorFlow's file systems raise.
    except (OSError, EOFError, ValueError, RuntimeError, tarfile.TarError) as error:
        raise _FetchError from error
    except tf.errors.OpError as error:
        raise _FetchError from error


@contextlib.contextmanager
def _download_progress() -> Iterator[None]:
    """TensorFlow Hub's own lines of progress, on standard error."""
    given = os.environ.get(_PROGRESS_VARIABLE)
    os.environ[_PROGRESS_VARIABLE] = "1"
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        if given is None:
            del os.environ[_PROGRESS_VARIABLE]
        else:
            os.environ[_PROGRESS_VARIABLE] = given


def _copy(source: str, target: Path) -> None:
    """A directory of any file system that TensorFlow knows."""
    for folder, _, files in tf.io.gfile.walk(source):
        here = target / folder[len(source) :].strip("/")
        here.mkdir(parents=True, exist_ok=True)
        for name in files:
            tf.io.gfile.copy(f"{folder.rstrip('/')}/{name}", str(here / name))


def _unpacked(archive: str, stack: contextlib.ExitStack) -> Path:
    directory = _scratch(stack)
    try:
        with tarfile.open(archive) as file:
            _extract(file, directory)
    except (OSError, EOFError, tarfile.TarError) as error:
        raise UserError(
            f"--checkpoint {archive} cannot be unpacked ({error}): give a whole tar archive of a "
            "SavedModel."
        ) from error
    return directory


def _extract(file: tarfile.TarFile, directory: Path) -> None:
    """Extracts an archive of files and directories that stay within `directory`.

    Raises:
      tarfile.TarError: a member is something else, leads outside, or the whole is too large.
    """
    # Refuses links, devices and paths that lead out of the directory. Pythons before 3.10.12 and
    # 3.11.4 have no filter: there a member's own path and kind decide, and no link is followed.
    options: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    unpacked = 0
    for member in file:
        if not options:
            _require_plain(member, directory)
        unpacked += member.size
        if unpacked > _LARGEST_UNPACKED:
            raise tarfile.TarError(
                f"its files have more than {_LARGEST_UNPACKED >> 30} GB at {member.name!r}"
            )
        file.extract(member, directory, **options)


def _require_plain(member: tarfile.TarInfo, directory: Path) -> None:
    if not (member.isreg() or member.isdir()):
        raise tarfile.TarError(f"{member.name!r} is neither a file nor a directory")
    if not (directory / member.name).resolve().is_relative_to(directory.resolve()):
        raise tarfile.TarError(f"{member.name!r} would be extracted outside of the archive")
    # Never set-user-ID, nor writable by others.
    member.mode = 0o755 if member.isdir() else member.mode & 0o755


def _only_child(directory: Path) -> Path:
    """What lies in the directory, where that is a single directory: archives often wrap one."""
    children = list(directory.iterdir())
    return children[0] if len(children) == 1 and children[0].is_dir() else directory


def _scratch(stack: contextlib.ExitStack) -> Path:
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="exporter-saved-model-")))
