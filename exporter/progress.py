"""Progress on standard error: one line a stage, with its time."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

Stage = Callable[[str], AbstractContextManager[None]]


@contextlib.contextmanager
def stage(name: str) -> Iterator[None]:
    """Prints the name when the stage begins, and its seconds when it ends."""
    print(f"{name:<46}", end="", file=sys.stderr, flush=True)
    start = time.monotonic()
    try:
        yield
    except BaseException:
        print(file=sys.stderr, flush=True)
        raise
    print(f"{time.monotonic() - start:6.1f} s", file=sys.stderr, flush=True)


@contextlib.contextmanager
def silent(name: str) -> Iterator[None]:
    """Prints nothing; for Python callers."""
    del name
    yield
