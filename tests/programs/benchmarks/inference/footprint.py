"""What a contestant costs beside its time: loading, the first request, disk and memory."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.programs.benchmarks.inference.artefacts import size_on_disk
from tests.programs.benchmarks.inference.contestant import Contestant
from tests.programs.benchmarks.inference.requests import Request
from tests.programs.benchmarks.inference.worker import Refused

_MEGABYTE = 1e6
# Small requests sent before the peak is looked at: the model's own memory is all there then.
_SETTLING = 3

Start = Callable[[], Contestant]


def loading(start: Start, artefact: Path, first: Request) -> dict[str, Any]:
    """A fresh process: seconds to load and of the first request, and the artefact's bytes."""
    contestant = start()
    try:
        load_seconds = contestant.load()
        _, first_seconds = contestant.ask(first.texts)
        steady = sorted(contestant.time(first.texts, 11, 11, 0.0))[5]
    finally:
        contestant.close()
    return {
        "load_seconds": load_seconds,
        "first_request_seconds": first_seconds,
        "steady_request_seconds": steady,
        "artefact_bytes": size_on_disk(artefact),
    }


def memory(start: Start, small: Request, large: Mapping[str, Request]) -> dict[str, Any]:
    """Peak of resident memory during each large request above the loaded model's, in bytes.

    Each is sent to a fresh process, which has answered a few small ones. None where the
    contestant refuses the request.
    """
    peaks: dict[str, Any] = {}
    for name, request in large.items():
        contestant = start()
        try:
            contestant.load()
            for _ in range(_SETTLING):
                contestant.ask(small.texts)
            try:
                answer = contestant.peak(request.texts)
            except Refused:
                peaks[name] = None
                continue
        finally:
            contestant.close()
        peaks[name] = {
            "loaded_bytes": answer["before"],
            "above_loaded_bytes": answer["peak"] - answer["before"],
            "seconds": answer["seconds"],
        }
        above = peaks[name]["above_loaded_bytes"] / _MEGABYTE
        print(f"{contestant.name}, {name}: {above:.0f} MB", file=sys.stderr, flush=True)
    return peaks
