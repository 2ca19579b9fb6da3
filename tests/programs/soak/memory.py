"""Watches the resident memory of a process."""

import dataclasses
import threading
import time
from pathlib import Path
from types import TracebackType

import numpy as np

_KILOBYTES_PER_MEGABYTE = 1024
_SECONDS_PER_HOUR = 3600


@dataclasses.dataclass(frozen=True)
class MemoryCurve:
    """Resident memory in MB over seconds."""

    seconds: np.ndarray
    megabytes: np.ndarray

    def from_second_on(self, start: float) -> "MemoryCurve":
        """The part after a warm-up."""
        late = self.seconds >= start
        return MemoryCurve(self.seconds[late], self.megabytes[late])

    def slope(self) -> float:
        """MB an hour, by least squares."""
        return float(np.polyfit(self.seconds, self.megabytes, 1)[0]) * _SECONDS_PER_HOUR

    def growth(self) -> float:
        """MB between the ends of the fitted line."""
        duration = self.seconds[-1] - self.seconds[0]
        return self.slope() / _SECONDS_PER_HOUR * float(duration)


class MemoryWatch:
    """Samples a process every second from `with` to its end."""

    def __init__(self, process_id: int, period: float = 1.0) -> None:
        self._status = Path(f"/proc/{process_id}/status")
        self._period = period
        self._samples: list[tuple[float, float]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def curve(self) -> MemoryCurve:
        """What was sampled."""
        seconds, megabytes = np.array(self._samples).T
        return MemoryCurve(seconds, megabytes)

    def __enter__(self) -> "MemoryWatch":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        start = time.monotonic()
        while not self._stop.wait(self._period):
            try:
                lines = self._status.read_text().splitlines()
            except OSError:
                return  # the process is gone, which others tell
            resident = next((line for line in lines if line.startswith("VmRSS:")), None)
            if resident is None:
                return
            megabytes = int(resident.split()[1]) / _KILOBYTES_PER_MEGABYTE
            self._samples.append((time.monotonic() - start, megabytes))
