"""Asks the signatures of a SavedModel in processes of other environments."""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from tensorflow.core.protobuf import saved_model_pb2

from tests.programs.compatibility.tensor_json import from_json, to_json
from tests.repository import ROOT

# The signature of an untraced function that initialises variables; no client calls it.
_INITIALISER = "__saved_model_init_op"
# A request that takes longer, loading included, counts as never answered: the process is
# killed (exit code -9).
_LONGEST_SECONDS = 900.0


class ProcessDied(Exception):
    """The process ended, or was ended, before it had answered; the message says how."""


@dataclasses.dataclass(frozen=True)
class Signature:
    """A signature of a SavedModel, and the tensors that stand for it in the graph."""

    directory: Path
    name: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]

    def request(self, inputs: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """What `runner` takes for these inputs, by name."""
        return {
            "directory": str(self.directory),
            "signature": self.name,
            "inputs": {
                name: {"tensor": tensor, "value": to_json(inputs[name])}
                for name, tensor in self.inputs.items()
            },
            "outputs": dict(self.outputs),
        }


@dataclasses.dataclass(frozen=True)
class Answer:
    """Outputs by name, or the name of an error code; and what memory the request took."""

    outputs: Mapping[str, np.ndarray]
    error: str | None
    message: str
    memory_mb: int


def read_signatures(directory: Path) -> dict[str, Signature]:
    """The signatures of a SavedModel, out of its graph file."""
    saved_model = saved_model_pb2.SavedModel()
    saved_model.ParseFromString((directory / "saved_model.pb").read_bytes())
    (meta_graph,) = saved_model.meta_graphs
    return {
        name: Signature(
            directory,
            name,
            {key: info.name for key, info in definition.inputs.items()},
            {key: info.name for key, info in definition.outputs.items()},
        )
        for name, definition in meta_graph.signature_def.items()
        if name != _INITIALISER
    }


class Process:
    """A process of `runner`."""

    def __init__(self, process: "subprocess.Popen[str]", errors: IO[bytes]) -> None:
        self._process, self._errors = process, errors

    def ask(self, request: Mapping[str, Any]) -> Answer:
        """One request, and its answer.

        Raises:
          ProcessDied: there is none.
        """
        return self.ask_together(request)[0]

    def ask_together(self, *requests: Mapping[str, Any]) -> list[Answer]:
        """Requests, and their answers; of a process that forks, all from one child.

        Raises:
          ProcessDied: one has none.
        """
        assert self._process.stdin is not None
        # Of a process that is gone, the exit code says more than the broken pipe.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(requests) + "\n")
            self._process.stdin.flush()
        return [self._read() for _ in requests]

    def _read(self) -> Answer:
        assert self._process.stdout is not None
        timer = threading.Timer(_LONGEST_SECONDS, self.kill)
        timer.start()
        line = self._process.stdout.readline()
        timer.cancel()
        found = json.loads(line or "{}")
        if "memory_mb" not in found:
            code = found["exit"] if line else self._process.wait()
            raise ProcessDied(f"exit code {code}: {self._last_words()}")
        return Answer(
            {name: from_json(value) for name, value in found.get("outputs", {}).items()},
            found.get("error"),
            found.get("message", ""),
            found["memory_mb"],
        )

    def kill(self) -> None:
        """Ends the process and its children."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "nothing on standard error"


@contextlib.contextmanager
def process(
    loader: str,
    python: Path = Path(sys.executable),
    *,
    forks: bool = False,
    variables: Mapping[str, str] = types.MappingProxyType({}),
) -> Iterator[Process]:
    """A process of `runner`, with more environment variables, that lives until the block ends."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", **variables}
    with (
        # A pipe that nobody reads would stop the process when it is full.
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            [
                python,
                "-m",
                "tests.programs.compatibility.runner",
                loader,
                *(["--forks"] if forks else []),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=ROOT,
            env=environment,
            start_new_session=True,
        ) as started,
    ):
        asking = Process(started, errors)
        try:
            yield asking
        finally:
            asking.kill()
