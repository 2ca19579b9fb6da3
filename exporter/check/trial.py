"""Runs a SavedModel's warm-up records and requests in a process that may die of them.

    python -m exporter.check.trial DIRECTORY PROGRESS_FILE [STEP,...]

Step 0 replays the warm-up records, the others are the requests. The process writes a line of
JSON before and after each, so that its parent knows which one killed it, and starts another
process behind that step.
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

from exporter.check.requests import Request, requests
from exporter.runtime.fresh_process import run_module
from exporter.runtime.replay import replay_warmup
from exporter.runtime.servable import Servable
from exporter.runtime.status import Code, StatusError
from exporter.serving.reachability import called_signatures

_WARMUP_STEP = 0


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a request came to: exactly one of the three."""

    answer: Mapping[str, "Output"] | None = None
    error: str | None = None
    """The server's error answer, with the name of its code in front."""

    death: str | None = None
    """The signal that ended the process, such as SIGSEGV."""


@dataclasses.dataclass(frozen=True)
class Output:
    """What matters of an output tensor."""

    shape: tuple[int, ...]
    all_utf8: bool
    all_finite: bool


@dataclasses.dataclass(frozen=True)
class Trial:
    """How a SavedModel behaved."""

    load_error: str | None = None
    """Why it could not be loaded here; nothing else was tried then."""

    warmup_records: int | None = None
    warmup_error: str | None = None
    outcomes: tuple[tuple[Request, Outcome], ...] = ()

    def outcomes_of(self, signature: str) -> list[tuple[Request, Outcome]]:
        """The requests to one signature, and what each came to."""
        return [
            (request, outcome)
            for request, outcome in self.outcomes
            if request.signature == signature
        ]


def try_model(directory: Path, signatures: Mapping[str, SignatureDef]) -> Trial:
    """Loads a SavedModel in processes of their own, replays its warm-up, sends the requests."""
    sent = [request for name in signatures for request in requests(name, signatures[name])]
    # Step 0 is the warm-up.
    steps: list[Request | None] = [None, *sent]
    waiting = list(range(len(steps)))
    done: dict[int, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="exporter-check-") as scratch:
        while waiting:
            progress = Path(scratch, "progress.jsonl")
            progress.unlink(missing_ok=True)
            death = _run_process(directory, progress, waiting)
            lines = []
            if progress.exists():
                lines = [json.loads(line) for line in progress.read_text().splitlines()]
            if not lines or "load_error" in lines[0]:
                return Trial(load_error=lines[0]["load_error"] if lines else death)
            done.update((line["step"], line["outcome"]) for line in lines if "outcome" in line)
            waiting = [step for step in waiting if step not in done]
            if waiting:
                killer, *others = waiting
                done[killer] = {"death": death}
                told = steps[killer]
                waiting = [step for step in others if not _is_told_by(told, steps[step])]
    warmup = done[_WARMUP_STEP]
    return Trial(
        warmup_records=warmup.get("records"),
        warmup_error=warmup.get("error") or warmup.get("death"),
        outcomes=tuple(
            (request, _outcome(done[step]))
            for step, request in enumerate(sent, start=1)
            if step in done
        ),
    )


def _is_told_by(killer: Request | None, request: Request | None) -> bool:
    """Whether a request would only die as another one did: a process for each is too many."""
    if killer is None or request is None or not (killer.wrong_shape and request.wrong_shape):
        return False
    return killer.signature == request.signature


def _run_process(directory: Path, progress: Path, steps: Sequence[int]) -> str | None:
    """Runs the steps; the signal that ended the process, or None if it came to its end."""
    result = run_module(
        "exporter.check.trial", str(directory), str(progress), json.dumps(list(steps))
    )
    if result.returncode > 0:
        raise RuntimeError(f"exporter.check.trial failed: {result.stderr.strip()}")
    return signal.Signals(-result.returncode).name if result.returncode else None


def run_steps(directory: str, progress_file: str, steps: str) -> None:
    """What the process does: loads the model, and writes what became of each step.

    `steps` is a list in JSON.
    """
    with open(progress_file, "a", encoding="utf-8") as progress:

        def tell(**line: object) -> None:
            progress.write(json.dumps(line) + "\n")
            progress.flush()

        try:
            servable = Servable(Path(directory), checks_shapes=False)
        # Whatever a SavedModel holds may be broken in any way.
        except Exception as error:
            message = " ".join(str(error).split())
            tell(load_error=f"{type(error).__name__}: {message}")
            return
        tell(loaded=True)
        signatures = called_signatures(servable.signatures)
        sent = [request for name in signatures for request in requests(name, signatures[name])]
        for step in json.loads(steps):
            tell(step=step)
            if step == _WARMUP_STEP:
                outcome = _replay(servable, Path(directory))
            else:
                outcome = _ask(servable, sent[step - 1])
            tell(step=step, outcome=outcome)


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
    # REST sends an output of such a name as base64.
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
        return Outcome(error=told.get("error"), death=told.get("death"))
    return Outcome(
        answer={
            name: Output(tuple(shape), all_utf8, all_finite)
            for name, (shape, all_utf8, all_finite) in told["answer"].items()
        }
    )


if __name__ == "__main__":
    run_steps(*sys.argv[1:])
