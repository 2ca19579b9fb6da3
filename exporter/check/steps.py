"""What the process of a trial does: loads a SavedModel, replays its warm-up and sends requests.

    python -m exporter.check.steps DIRECTORY PROGRESS_FILE [STEP,...] LOAD_SECONDS REQUEST_SECONDS

Step 0 replays the warm-up records; each further step sends one request. A line of JSON is written
before and after each step, so that the parent knows the step that ended the process. An alarm of
the kernel kills it when a step takes too long: no Python code runs while TensorFlow computes.
"""

import json
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np

from exporter.check.requests import Request, requests
from exporter.progress import Advance
from exporter.runtime.replay import replay_warmup
from exporter.runtime.servable import Servable
from exporter.runtime.status import Code, StatusError
from exporter.serving.reachability import called_signatures

WARMUP_STEP = 0


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
            is_warmup = step == WARMUP_STEP
            _set_alarm(float(load_seconds if is_warmup else request_seconds))
            if is_warmup:
                outcome = _replay(servable, Path(directory), lambda *at: tell(at=at))
            else:
                outcome = _ask(servable, sent[step - 1])
            tell(step=step, outcome=outcome)
        _set_alarm(0)


def _set_alarm(seconds: float) -> None:
    """Kills this process after some seconds, unless set again; 0 for never."""
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _replay(servable: Servable, directory: Path, advance: Advance) -> dict[str, Any]:
    try:
        return {"records": replay_warmup(servable, directory, advance)}
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


if __name__ == "__main__":
    run_steps(*sys.argv[1:])
