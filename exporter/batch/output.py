"""The output directory: whole or not at all, and never in place of what is not a job's.

On a local disk a job writes next to it, under a hidden name, and one rename publishes it. An object
store has no such rename: there the parts appear one by one, each whole, and summary.json last.
"""

import contextlib
import fcntl
import os
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from apache_beam.io.filesystems import FileSystems

from bert.errors import UserError
from exporter.batch.model import is_url
from exporter.batch.writing.files import SUMMARY_FILE

_OURS = re.compile(r"(part|failures)-[0-9-]+\.(jsonl|parquet)|summary\.json|\.[0-9a-f]{32}")


@contextlib.contextmanager
def staged_output(output: str, overwrite: bool) -> Iterator[str]:
    """The directory that a job writes to; when the block ends well, it is `output`.

    If the block raises, nothing is there that was not there before, but for what an object store
    got. What a killed run left is removed by the next one.

    Raises:
      UserError: `output` exists and `overwrite` is not given, or it is not a job's output.
    """
    if is_url(output):
        _clear_url(output, overwrite)
        yield output
        return
    target = Path(output).absolute()
    _check(output, _names_in(target), overwrite)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _recover(target)
        staging = target.parent / f".{target.name}-{uuid.uuid4().hex[:8]}.batch"
        (staging / "new").mkdir(parents=True)
    except OSError as error:
        raise UserError(f"--output {output} cannot be written ({error.strerror}).") from error
    try:
        with (staging / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield str(staging / "new")
            _check(output, _names_in(target), overwrite)
            with contextlib.suppress(FileNotFoundError):
                os.rename(target, staging / "old")
            os.rename(staging / "new", target)
    finally:
        _restore(staging, target)
        shutil.rmtree(staging, ignore_errors=True)


def _names_in(target: Path) -> list[str] | None:
    """None where there is nothing."""
    if not target.exists():
        return None
    return os.listdir(target) if target.is_dir() else [target.name]


def _check(output: str, names: Iterable[str] | None, overwrite: bool) -> None:
    if not names:
        return
    strange = sorted(name for name in names if not _OURS.fullmatch(name))
    if strange:
        raise UserError(
            f"--output {output} holds {strange[0]!r}, which is not of a job's output, and is not "
            "replaced: give another directory."
        )
    if not overwrite:
        state = "" if SUMMARY_FILE in names else f" of a job that did not end (no {SUMMARY_FILE})"
        raise UserError(
            f"--output {output} exists already{state}: give another directory, or --overwrite to "
            "replace it whole."
        )


def _clear_url(output: str, overwrite: bool) -> None:
    try:
        found = [metadata.path for metadata in FileSystems.match([f"{output}/*"])[0].metadata_list]
        _check(output, [path.rpartition("/")[2] for path in found], overwrite)
        # The summary first: what is left of a job is never taken for the whole of it.
        for path in sorted(found, key=lambda path: not path.endswith(f"/{SUMMARY_FILE}")):
            FileSystems.delete([path])
        with contextlib.suppress(OSError):
            FileSystems.mkdirs(output)
    except (OSError, ValueError) as error:
        raise UserError(f"--output {output} cannot be written ({error}).") from error


def _recover(target: Path) -> None:
    """Removes what dead runs left next to the target."""
    for staging in target.parent.glob(f".{target.name}-*.batch"):
        with contextlib.suppress(OSError), (staging / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _restore(staging, target)
            shutil.rmtree(staging, ignore_errors=True)


def _restore(staging: Path, target: Path) -> None:
    """Puts back what was to be replaced and was not."""
    if (staging / "old").exists() and not target.exists():
        os.rename(staging / "old", target)


def discard(directory: str) -> None:
    """Removes what a job has written so far, where this process ends before its block does."""
    if not is_url(directory):
        staging = Path(directory).parent
        shutil.rmtree(staging / "new", ignore_errors=True)
        shutil.rmtree(staging, ignore_errors=True)
