"""Runs a SavedModel's warm-up records and requests in a process that may die of them.

    python -m exporter.check.trial DIRECTORY PROGRESS_FILE [STEP,...] LOAD_SECONDS REQUEST_SECONDS

Step 0 replays the warm-up records; each further step sends one request. The process writes a line
of JSON before and after each step. If it dies, its parent knows the step that killed it and starts
another process with the next one. An alarm of the kernel kills it when a step takes too long: no
Python code runs while TensorFlow computes.
"""

import dataclasses
import json
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from exporter.check.limits import Limits
from exporter.check.requests import Request, requests
from exporter.runtime.fresh_process import ProcessTimeout, run_module
from exporter.runtime.replay import replay_warmup
from exporter.runtime.servable import Servable
from exporter.runtime.status import Code, StatusError
from exporter.serving.reachability import called_signatures

_WARMUP_STEP = 0
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


def try_model(directory: Path, signatures: Mapping[str, SignatureDef], limits: Limits) -> Trial:
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
            death = _run_process(directory, progress, waiting, limits)
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
    warmup = done.get(_WARMUP_STEP) or _late_warmup(limits.timeout)
    return Trial(
        warmup_records=warmup.get("records"),
        warmup_error=warmup.get("error") or warmup.get("death"),
        requests_left=sum(step != _WARMUP_STEP for step in waiting),
        outcomes=tuple(
            (request, _outcome(done[step]))
            for step, request in enumerate(sent, start=1)
            if step in done
        ),
    )


def _late_warmup(seconds: float) -> dict[str, Any]:
    return {"error": f"the warm-up records have no end within {seconds:g} s"}


def _is_told_by(killer: Request | None, request: Request | None, late: bool) -> bool:
    """Whether `request` is left out, since it would die for the same reason as `killer`."""
    if killer is None or request is None or killer.signature != request.signature:
        return False
    return late or (killer.wrong_shape and request.wrong_shape)


def _run_process(
    directory: Path, progress: Path, steps: Sequence[int], limits: Limits
) -> str | None:
    """Runs the steps in a process: the signal that ended it, None if it came to its end."""
    try:
        result = run_module(
            "exporter.check.trial",
            *(str(directory), str(progress), json.dumps(list(steps))),
            *(str(limits.load), str(limits.request)),
            seconds=max(limits.left(), 0.0),
        )
    except ProcessTimeout:
        return _TIME_OVER
    if result.returncode > 0:
        raise RuntimeError(f"exporter.check.trial failed: {result.stderr.strip()}")
    return signal.Signals(-result.returncode).name if result.returncode else None


def run_steps(
    directory: str, progress_file: str, steps: str, load_seconds: str, request_seconds: str
) -> None:
    """What the process does: loads the model, and writes what became of each step.

    Args:
      directory: of the SavedModel.
      progress_file: gets the lines.
      steps: a list in JSON.
      load_seconds: after which the process is killed while it loads, or replays the warm-up.
      request_seconds: after which it is killed while it answers a request.
    """
    with open(progress_file, "a", encoding="utf-8") as progress:

        def tell(**line: object) -> None:
            progress.write(json.dumps(line) + "\n")
            progress.flush()

        _set_alarm(float(load_seconds))
        try:
            servable = Servable(Path(directory), checks_shapes=False)
        # A SavedModel may be broken in any way.
        except Exception as error:
            message = " ".join(str(error).split())
            tell(load_error=f"{type(error).__name__}: {message}")
            _set_alarm(0)
            return
        tell(loaded=True)
        signatures = called_signatures(servable.signatures)
        sent = [request for name in signatures for request in requests(name, signatures[name])]
        for step in json.loads(steps):
            tell(step=step)
            is_warmup = step == _WARMUP_STEP
            _set_alarm(float(load_seconds if is_warmup else request_seconds))
            if is_warmup:
                outcome = _replay(servable, Path(directory))
            else:
                outcome = _ask(servable, sent[step - 1])
            tell(step=step, outcome=outcome)
        _set_alarm(0)


def _set_alarm(seconds: float) -> None:
    """Kills this process after some seconds, unless set again; 0 for never."""
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _replay(servable: Servable, directory: Path) -> dict[str, Any]:
    try:
        return {"records": replay_warmup(servable, directory)}
    except StatusError as error:
        return {"error": error.message}


def _ask(servable: Servable, request: Request) -> dict[str, Any]:
    try:
        outputs = servable.predict(request.signature, request.inputs)
    except StatusError as error:
        return {"error": f"{Code(error.code).name}: {' '.join(error.message.split())}"}
    return {
        "answer": {
            name: [values.shape, _all_utf8(name, values), _all_finite(values)]
            for name, values in outputs.items()
        }
    }


def _all_utf8(name: str, values: np.ndarray) -> bool:
    # REST sends an output with a name in `_bytes` as base64.
    if values.dtype != object or name.endswith("_bytes"):
        return True
    try:
        for value in values.flat:
            value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _all_finite(values: np.ndarray) -> bool:
    return values.dtype.kind != "f" or bool(np.isfinite(values).all())


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


if __name__ == "__main__":
    run_steps(*sys.argv[1:])
