"""The versions under a base path: which are loaded, and which one answers a request."""

import contextlib
import dataclasses
import os
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import tensorflow as tf

from exporter.progress import Stage, silent
from exporter.runtime.replay import replay_warmup
from exporter.runtime.servable import Servable
from exporter.runtime.status import Code, StatusError, invalid_argument

_INT64 = range(-(2**63), 2**63)


@dataclasses.dataclass(frozen=True)
class VersionStatus:
    """The status of one version, in TF Serving's terms.

    `state` is LOADING, AVAILABLE, UNLOADING or END; `error` is None for the status OK.
    """

    version: int
    state: str
    error: StatusError | None = None


@dataclasses.dataclass
class _Version:
    """One version ever seen. `servable` is set while it is AVAILABLE or UNLOADING."""

    state: str
    error: StatusError | None = None
    servable: Servable | None = None
    in_flight: int = 0
    contents: frozenset[tuple[str, int, int]] = frozenset()


class VersionManager:
    """Keeps the newest version of a model loaded, and the versions that labels name.

    One thread calls `refresh` again and again; any thread may call the other methods.
    """

    def __init__(
        self,
        model_name: str,
        base_path: Path,
        labels: Mapping[str, int],
        stage: Stage = silent,
    ) -> None:
        self.model_name = model_name
        self.base_path = base_path
        self._labels = dict(labels)
        self._stage = stage
        self._versions: dict[int, _Version] = {}
        self._lock = threading.Lock()

    def refresh(self) -> list[VersionStatus]:
        """Looks at the base path, loads and unloads.

        A version is unloaded only when all wanted versions are loaded, so that the old one keeps
        answering while a new one is loading or broken. A version that failed is tried again when
        its files have changed. If the base path cannot be read, nothing changes.

        Returns:
          The status of each version that was loaded or failed to load.
        """
        try:
            found = version_directories(self.base_path)
        except OSError:
            return []
        wanted = {max(found), *(found.keys() & self._labels.values())} if found else set()
        loads = [self._load(number, found[number]) for number in sorted(wanted)]
        with self._lock:
            available = [n for n, v in self._versions.items() if v.state == "AVAILABLE"]
            if wanted.issubset(available):
                self._retire(set(available) - wanted)
        return [status for status in loads if status is not None]

    @contextlib.contextmanager
    def servable(
        self, model_name: str, version: int | None, label: str | None
    ) -> Iterator[tuple[int, Servable]]:
        """Gives the servable that a request names, with its version; the newest by default.

        The servable stays open until the block ends, even when a newer version takes its place.

        Raises:
          StatusError: NOT_FOUND for the name or version, INVALID_ARGUMENT for the label.
        """
        with self._lock:
            number, entry = self._find(model_name, version, label)
            entry.in_flight += 1
            servable = entry.servable
        assert servable is not None
        try:
            yield number, servable
        finally:
            with self._lock:
                entry.in_flight -= 1
                self._close_if_idle(entry)

    def status(self, model_name: str, version: int | None) -> list[VersionStatus]:
        """The status of one version, or of all, newest first.

        Raises:
          StatusError: NOT_FOUND where there is none.
        """
        with self._lock:
            statuses = [
                VersionStatus(number, entry.state, entry.error)
                for number, entry in sorted(self._versions.items(), reverse=True)
                if model_name == self.model_name and version in (None, number)
            ]
        if not statuses:
            which = "any versions" if version is None else f"version {version}"
            raise StatusError(Code.NOT_FOUND, f"could not find {which} of model {model_name}")
        return statuses

    def close(self) -> None:
        """Unloads every version; one that a request is using closes after that request."""
        with self._lock:
            self._retire({n for n, v in self._versions.items() if v.state == "AVAILABLE"})

    def _load(self, number: int, directory: Path) -> VersionStatus | None:
        known = self._versions.get(number)
        if known is not None and known.state == "AVAILABLE":
            return None
        contents = _contents(directory)
        if known is not None and known.error is not None and known.contents == contents:
            return None
        entry = _Version("LOADING", contents=contents)
        with self._lock:
            self._versions[number] = entry
        try:
            with self._stage(f"loading version {number}") as advance:
                # As in TF Serving, whose graphs must guard themselves.
                servable = Servable(directory, checks_shapes=False)
                try:
                    replay_warmup(servable, directory, advance)
                except BaseException:
                    servable.close()
                    raise
        # A directory may be broken in any way; the other versions go on.
        except Exception as error:
            with self._lock:
                entry.state, entry.error = "END", _load_error(error)
        else:
            with self._lock:
                entry.state, entry.servable = "AVAILABLE", servable
        return VersionStatus(number, entry.state, entry.error)

    def _find(
        self, model_name: str, version: int | None, label: str | None
    ) -> tuple[int, _Version]:
        if label is not None:
            if model_name != self.model_name or label not in self._labels:
                raise invalid_argument(f"unrecognized servable version label: {label}")
            version = self._labels[label]
        candidates = [
            number
            for number, entry in self._versions.items()
            if entry.state == "AVAILABLE" and version in (None, number)
        ]
        if model_name != self.model_name or not candidates:
            which = "latest version" if version is None else f"version {version}"
            raise StatusError(Code.NOT_FOUND, f"model {model_name}, {which}: no such servable")
        number = max(candidates)
        return number, self._versions[number]

    def _retire(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._versions[number].state = "UNLOADING"
            self._close_if_idle(self._versions[number])

    def _close_if_idle(self, entry: _Version) -> None:
        if entry.state == "UNLOADING" and entry.in_flight == 0 and entry.servable is not None:
            entry.servable.close()
            entry.servable = None
            entry.state = "END"


def version_directories(base_path: Path) -> dict[int, Path]:
    """The children of `base_path` whose name is a 64-bit integer, by that integer.

    As in TF Serving 2.19, the contents of a child do not matter, and of two names for one number
    ("1" and "01") the last in order wins.

    Raises:
      OSError: the base path cannot be read.
    """
    found = {}
    for child in sorted(base_path.iterdir()):
        if re.fullmatch(r"[ \t\n\r\f\v]*[+-]?[0-9]{1,20}[ \t\n\r\f\v]*", child.name):
            number = int(child.name)
            if number in _INT64:
                found[number] = child
    return found


def _contents(directory: Path) -> frozenset[tuple[str, int, int]]:
    """Name, size and time of change of every file; a retry waits until one of them differs."""
    files = set()
    for parent, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(parent, name)
            # A file may go while a directory is being written.
            with contextlib.suppress(OSError):
                stat = os.stat(path)
                files.add((path, stat.st_size, stat.st_mtime_ns))
    return frozenset(files)


def _load_error(error: Exception) -> StatusError:
    if isinstance(error, StatusError):
        return error
    if isinstance(error, tf.errors.OpError):
        return StatusError(Code(error.error_code), error.message)
    code = Code.NOT_FOUND if isinstance(error, OSError) else Code.UNKNOWN
    return StatusError(code, " ".join(str(error).split()) or type(error).__name__)
