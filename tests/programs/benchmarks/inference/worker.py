"""The process of one contestant: it answers commands, one line of JSON each, on a pipe.

It runs in the contestant's own environment, so that nothing but the standard library and NumPy
is imported here. Its own output would mix with the answers and goes to standard error.
"""

import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

# prctl(2): a signal to this process when its parent ends, however that happens.
_PR_SET_PDEATHSIG = 1
# proc(5), clear_refs: 5 sets the peak of resident memory back to what is resident now.
_RESET_PEAK = "5"

# A text, or a question and its context.
Row = str | tuple[str, str]
# Rows -> float [rows, labels], or other numbers that say what the answer is.
Predict = Callable[[list[Any]], np.ndarray]


class Refused(Exception):
    """A request that this contestant cannot answer; the message says why."""


def serve(load: Callable[[], Predict]) -> None:
    """Answers the commands of `contestant.Contestant` until the pipe is closed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    worker = _Worker(load)
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = getattr(worker, command.pop("do"))(**command)
        except Refused as error:
            answer = {"refused": str(error)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


class _Worker:
    """One method for each command."""

    def __init__(self, load: Callable[[], Predict]) -> None:
        self._load = load
        self._predict: Predict | None = None

    def load(self) -> dict[str, Any]:
        """The time until requests can be sent."""
        start = time.perf_counter()
        self._predict = self._load()
        return {"seconds": time.perf_counter() - start}

    def ask(self, texts: list[Any]) -> dict[str, Any]:
        """One request: its answer and its time."""
        seconds, numbers = self._timed(texts)
        return {
            "numbers": numbers.astype(float).ravel().tolist(),
            "shape": numbers.shape,
            "seconds": seconds,
        }

    def time(
        self, texts: list[Any], least_runs: int, most_runs: int, budget: float
    ) -> dict[str, Any]:
        """The times of a request sent again and again: until `budget` seconds are spent."""
        seconds: list[float] = []
        while len(seconds) < least_runs or (len(seconds) < most_runs and sum(seconds) < budget):
            seconds.append(self._timed(texts)[0])
        return {"seconds": seconds}

    def peak(self, texts: list[Any]) -> dict[str, Any]:
        """Resident bytes before a request, and their peak during it."""
        before = _resident("VmRSS")
        Path("/proc/self/clear_refs").write_text(_RESET_PEAK)
        seconds, _ = self._timed(texts)
        return {"before": before, "peak": _resident("VmHWM"), "seconds": seconds}

    def _timed(self, texts: list[Any]) -> tuple[float, np.ndarray]:
        assert self._predict is not None, "not loaded"
        start = time.perf_counter()
        numbers = self._predict(texts)
        return time.perf_counter() - start, numbers


class Arguments(NamedTuple):
    """What a contestant's process is started with."""

    artefact: Path
    option: str


def arguments() -> Arguments:
    """`python -m MODULE ARTEFACT [OPTION]`."""
    return Arguments(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")


def _resident(field: str) -> int:
    """A line of /proc/self/status, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.removesuffix("kB")) * 1024
    raise KeyError(field)
