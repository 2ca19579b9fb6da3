"""Runs a module of this package in a Python process of its own, bounded in time and memory."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

DEFAULT_SECONDS = 1800.0
"""More than the largest BERT takes to load, replay its warm-up and answer, on a busy machine."""

# TensorFlow, its thread stacks and its allocators, without any model.
_BASE_MEMORY = 2 << 30
_SHARE_OF_AVAILABLE_MEMORY = 0.75

_WATCH_SECONDS = 0.5


class ProcessTimeout(Exception):
    """The process did not end in time, and was killed; `seconds` is the time it had."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no end within {seconds:.0f} s")
        self.seconds = seconds


def run_module(
    name: str,
    *arguments: str,
    seconds: float = DEFAULT_SECONDS,
    watch: Callable[[], None] = lambda: None,
) -> subprocess.CompletedProcess[str]:
    """Runs `python -m name arguments` without TensorFlow's own messages, and keeps what it prints.

    `watch` is called about twice a second while it runs.

    The process finds this package whatever its current directory is. It leads a group of its own;
    however this function ends, by an interrupt too, the group has ended.

    Raises:
      ProcessTimeout: it runs for more than `seconds`.
    """
    package_root = str(Path(__file__).resolve().parents[2])
    search_path = os.pathsep.join(filter(None, [package_root, os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", name, *arguments]
    with subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": search_path, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            _limit_memory(process.pid)
            output, errors = _watched(process, seconds, watch)
        finally:
            # The group has gone if the process ended by itself and left no other behind.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            # `Popen` itself does not reap it after a KeyboardInterrupt.
            process.wait()
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def _watched(
    process: subprocess.Popen[str], seconds: float, watch: Callable[[], None]
) -> tuple[str, str]:
    """What the process printed, when it has ended.

    Raises:
      ProcessTimeout: it runs for more than `seconds`.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            return process.communicate(
                timeout=max(0.0, min(_WATCH_SECONDS, end - time.monotonic()))
            )
        except subprocess.TimeoutExpired:
            if time.monotonic() >= end:
                raise ProcessTimeout(seconds) from None
            watch()


def memory_limit() -> int:
    """The bytes that a process may have: three quarters of what is available, and a base."""
    pages = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError):
        # The kernel's estimate; unlike free pages it counts caches that it would give up.
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                pages = int(line.split()[1]) << 10
    return _BASE_MEMORY + int(_SHARE_OF_AVAILABLE_MEMORY * pages)


def _limit_memory(pid: int) -> None:
    # RLIMIT_AS would count address space that allocators reserve a thread and never use.
    # Only Linux limits another process; elsewhere time is the only bound.
    limit = memory_limit()
    if hasattr(resource, "prlimit"):
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_DATA, (limit, limit))
