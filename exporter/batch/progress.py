"""The progress line of a local run."""

import contextlib
import os
import threading
from collections.abc import Iterator

from tqdm import tqdm

from exporter.batch.model import is_url
from exporter.batch.writing.parts import rows_covered


@contextlib.contextmanager
def shown_progress(directory: str, output: str) -> Iterator[None]:
    """A line on standard error: rows of the parts that are there; none for an object store."""
    if is_url(directory):
        yield
        return
    stop = threading.Event()

    def show() -> None:
        with tqdm(
            desc=f"scoring to {output}", unit=" rows", unit_scale=False, mininterval=1
        ) as bar:
            while True:
                ended = stop.wait(0.5)
                with contextlib.suppress(OSError):
                    bar.update(rows_covered(os.listdir(directory)) - bar.n)
                if ended:
                    return

    thread = threading.Thread(target=show, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
