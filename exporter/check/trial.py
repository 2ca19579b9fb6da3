"""Runs a SavedModel's warm-up records and requests in processes that may die of them.

If a process dies, the step that it was at is its cause, and another process goes on with the next.
"""

import dataclasses
import functools
import json
import signal
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from exporter.check.limits import Limits
from exporter.check.requests import Request, requests
from exporter.check.steps import WARMUP_STEP
from exporter.progress import Advance, ignore
from exporter.runtime.fresh_process import ProcessTimeout, run_module

_ALARM = signal.SIGALRM.name
_TIME_OVER = "time over"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a request came to: exactly one of the four."""

    answer: Mapping[str, "Output"] | None = None
    error: str | None = None
    """the server's error answer, with the name of its code in front"""

    death: str | None = None
    """the signal that ended the process, such as SIGSEGV"""

    timeout: float | None = None
    """the seconds after which the process was killed"""


@dataclasses.dataclass(frozen=True)
class Output:
    """What the audit looks at in an output tensor."""

    shape: tuple[int, ...]
    all_utf8: bool
    all_finite: bool


@dataclasses.dataclass(frozen=True)
class Trial:
    """How a SavedModel behaved, at load and under the requests."""

    load_error: str | None = None
    """why it could not be loaded here; then nothing else was tried"""

    warmup_records: int | None = None
    warmup_error: str | None = None
    outcomes: tuple[tuple[Request, Outcome], ...] = ()
    requests_left: int = 0
    """the number of requests for which the time of the audit did not suffice"""

    def outcomes_of(self, signature: str) -> list[tuple[Request, Outcome]]:
        """The requests to one signature, each with its outcome."""
        return [
            (request, outcome)
            for request, outcome in self.outcomes
            if request.signature == signature
        ]


def try_model(
    directory: Path,
    signatures: Mapping[str, SignatureDef],
    limits: Limits,
    advance: Advance = ignore,
) -> Trial:
    """Loads a SavedModel in a process of its own, replays its warm-up and sends the requests."""
    sent = [request for name in signatures for request in requests(name, signatures[name])]
    # Step 0 is the warm-up.
    steps: list[Request | None] = [None, *sent]
    waiting = list(range(len(steps)))
    done: dict[int, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="exporter-check-") as scratch:
        while waiting and limits.left() > 0:
            progress = Path(scratch, "progress.jsonl")
            progress.unlink(missing_ok=True)
            follow = functools.partial(_tell_progress, progress, len(sent), advance)
            death = _run_process(directory, progress, waiting, limits, follow)
            lines = []
            if progress.exists():
                lines = [json.loads(line) for line in progress.read_text().splitlines()]
            if not lines or "load_error" in lines[0]:
                late = death in (_ALARM, _TIME_OVER)
                reason = f"no end within {limits.load:g} s" if late else death
                return Trial(load_error=lines[0]["load_error"] if lines else reason)
            done.update((line["step"], line["outcome"]) for line in lines if "outcome" in line)
            waiting = [step for step in waiting if step not in done]
            if waiting and death != _TIME_OVER:
                killer, *others = waiting
                late, told = death == _ALARM, steps[killer]
                done[killer] = {"timeout": limits.request} if late else {"death": death}
                if late and told is None:
                    done[killer] = _late_warmup(limits.load)
                waiting = [step for step in others if not _is_told_by(told, steps[step], late)]
    warmup = done.get(WARMUP_STEP) or _late_warmup(limits.timeout)
    return Trial(
        warmup_records=warmup.get("records"),
        warmup_error=warmup.get("error") or warmup.get("death"),
        requests_left=sum(step != WARMUP_STEP for step in waiting),
        outcomes=tuple(
            (request, _outcome(done[step]))
            for step, request in enumerate(sent, start=1)
            if step in done
        ),
    )


def _tell_progress(file: Path, num_requests: int, advance: Advance) -> None:
    """Passes on how far a process is, by the last line that it has written whole."""
    lines = file.read_text().split("\n")[:-1] if file.exists() else []
    last = json.loads(lines[-1]) if lines else {}
    if "at" in last:
        advance(*last["at"])
    elif last.get("step"):
        advance("request", last["step"] - 1, num_requests)


def _late_warmup(seconds: float) -> dict[str, Any]:
    return {"error": f"the warm-up records have no end within {seconds:g} s"}


def _is_told_by(killer: Request | None, request: Request | None, late: bool) -> bool:
    """Whether `request` is left out, since it would die for the same reason as `killer`."""
    if killer is None or request is None or killer.signature != request.signature:
        return False
    return late or (killer.wrong_shape and request.wrong_shape)


def _run_process(
    directory: Path,
    progress: Path,
    steps: Sequence[int],
    limits: Limits,
    watch: Callable[[], None],
) -> str | None:
    """Runs the steps in a process: the signal that ended it, None if it came to its end."""
    try:
        result = run_module(
            "exporter.check.steps",
            *(str(directory), str(progress), json.dumps(list(steps))),
            *(str(limits.load), str(limits.request)),
            seconds=max(limits.left(), 0.0),
            watch=watch,
        )
    except ProcessTimeout:
        return _TIME_OVER
    if result.returncode > 0:
        raise RuntimeError(f"exporter.check.steps failed: {result.stderr.strip()}")
    return signal.Signals(-result.returncode).name if result.returncode else None


def _outcome(told: Mapping[str, Any]) -> Outcome:
    if "answer" not in told:
        return Outcome(
            error=told.get("error"), death=told.get("death"), timeout=told.get("timeout")
        )
    return Outcome(
        answer={
            name: Output(tuple(shape), all_utf8, all_finite)
            for name, (shape, all_utf8, all_finite) in told["answer"].items()
        }
    )
