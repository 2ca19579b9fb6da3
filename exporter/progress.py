"""Progress on standard error: a bar on a terminal, else a line every few seconds."""

import contextlib
import dataclasses
import math
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TextIO, TypeVar

from tqdm import tqdm

T = TypeVar("T")

Advance = Callable[[str, int, int], None]
"""told how far a stage is: `advance("request", 12, 40)`, twelve of forty requests are done"""

Stage = Callable[[str], AbstractContextManager[Advance]]

# On a terminal a bar changes twice a second. A log gets its first line after two seconds, and one
# every four: nobody waits for more than five, though a library may hold Python up for a while.
_BAR_SECONDS = 0.5
_FIRST_LINE_SECONDS = 2.0
_LINE_SECONDS = 4.0
_LEAST_SECONDS = 0.5

# When the last line was written; a program begins in silence.
_last_line = time.monotonic()


@contextlib.contextmanager
def stage(name: str) -> Iterator[Advance]:
    """Shows progress while the stage runs, and leaves a line with its seconds."""
    start = time.monotonic()
    with waiting(name) as advance:
        yield advance
    _say(f"{name:<46}{time.monotonic() - start:6.1f} s", sys.stderr)


@contextlib.contextmanager
def waiting(name: str) -> Iterator[Advance]:
    """Shows progress while the block runs; a block of less than two seconds leaves nothing."""
    count = _Count(name)
    stop = threading.Event()
    with _standard_error() as stream:
        show = _show_bar if stream.isatty() else _write_lines
        thread = threading.Thread(
            target=show, args=(count, stream, stop), name="progress", daemon=True
        )
        thread.start()
        try:
            yield count.advance
        finally:
            stop.set()
            thread.join()


@contextlib.contextmanager
def silent(name: str) -> Iterator[Advance]:
    """Shows nothing; for Python callers."""
    del name
    yield ignore


def ignore(what: str, done: int, total: int) -> None:
    """Takes progress that nobody is to see."""
    del what, done, total


def counted(items: Iterable[T], what: str, total: int, advance: Advance) -> Iterator[T]:
    """The items, each told of when it has been dealt with."""
    advance(what, 0, total)
    for done, item in enumerate(items, start=1):
        yield item
        advance(what, done, total)


@dataclasses.dataclass
class _Count:
    """How far a stage is. One thread counts, another looks."""

    name: str
    started: float = dataclasses.field(default_factory=time.monotonic)
    what: str = ""
    done: int = 0
    total: int = 0
    told: float = 0.0
    """when `done` changed"""

    durations: list[float] = dataclasses.field(default_factory=list)
    """seconds of each step that is done"""

    def advance(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if what != self.what:
            self.durations, self.told, self.done = [], now, done
        if done > self.done:
            steps = done - self.done
            self.durations += [(now - self.told) / steps] * steps
            self.told = now
        self.what, self.done, self.total = what, done, total

    def words(self) -> str:
        """`request 12 of 40, about 20 s left`, or the seconds where nothing is counted."""
        now = time.monotonic()
        if not self.total:
            return f"{now - self.started:.0f} s"
        counted = f"{self.what} {min(self.done + 1, self.total)} of {self.total}"
        if not self.durations or self.done >= self.total:
            return f"{counted}, {now - self.started:.0f} s"
        # The first request of a signature takes a hundred times as long as others, and most of
        # these come early: the mean says far too much for the rest, and the median too little.
        step = math.sqrt(statistics.mean(self.durations) * statistics.median(self.durations))
        return f"{counted}, about {step * (self.total - self.done):.0f} s left"


def _show_bar(count: _Count, stream: TextIO, stop: threading.Event) -> None:
    with tqdm(desc=count.name, file=stream, leave=False, bar_format="{desc}") as bar:
        while not stop.wait(_BAR_SECONDS):
            bar.total, bar.n = count.total or None, count.done
            blocks = "|{bar:20}| " if count.total else " "
            bar.bar_format = f"{{desc}} {blocks}{count.words()}"
            bar.refresh()


def _write_lines(count: _Count, stream: TextIO, stop: threading.Event) -> None:
    wait = _FIRST_LINE_SECONDS
    while True:
        # A short stage before this one may have said nothing.
        due = _last_line + _LINE_SECONDS - time.monotonic()
        if stop.wait(min(wait, max(_LEAST_SECONDS, due))):
            return
        _say(f"{count.name}: {count.words()}", stream)
        wait = _LINE_SECONDS


def _say(line: str, stream: TextIO) -> None:
    global _last_line
    print(line, file=stream, flush=True)
    _last_line = time.monotonic()


@contextlib.contextmanager
def _standard_error() -> Iterator[TextIO]:
    """A stream of its own to where standard error leads now.

    File descriptor 2 may lead elsewhere for a while: TensorFlow's notes are held back so.
    """
    try:
        descriptor = os.dup(sys.stderr.fileno())
    # A program, or a test, may have put something else in its place.
    except (OSError, ValueError):
        yield sys.stderr
        return
    with open(descriptor, "w", encoding=sys.stderr.encoding, errors="replace") as stream:
        yield stream
