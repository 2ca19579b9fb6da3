"""Small and read-only disks for tests, where this process may mount them."""

import contextlib
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

# No user can make a directory here, on any Linux.
_UNWRITABLE = Path("/proc/exports")


@contextlib.contextmanager
def disk(directory: Path, options: str) -> Iterator[Path | None]:
    """A tmpfs at `directory`; None where mounting is not allowed, which is warned of."""
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(directory)]
    try:
        result = subprocess.run(command, capture_output=True, text=True)
        reason = result.stderr.strip() if result.returncode else ""
    except FileNotFoundError as error:
        reason = str(error)
    if reason:
        warnings.warn(f"no disk could be mounted ({reason}): another test case", stacklevel=2)
        yield None
        return
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


@contextlib.contextmanager
def read_only_disk(directory: Path) -> Iterator[Path]:
    """A directory that nobody can write to, not even root."""
    with disk(directory, "ro") as mounted:
        yield mounted or _UNWRITABLE
