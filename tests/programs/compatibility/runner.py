"""Runs requests through a SavedModel in this process, by the loader named.

    python -m tests.programs.compatibility.runner LOADER [--forks]

Reads a list of requests a line on standard input and writes an answer a line on standard output,
both JSON, so that a process that dies leaves its answers and the reader knows which request it
was. With --forks every list is answered by a child process that loads the SavedModel for itself;
of one that dies there is a line with its `exit` code.

A request has `directory`, `signature`, `inputs` (name -> `tensor` and `value`) and `outputs`
(name -> tensor name); an answer has `outputs` (name -> value), or `error` and `message`, and
`memory_mb`, the most that the request took beyond what was resident before it. Runs on Linux,
Python 3.8 and newer.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.programs.compatibility.c_api import Library, SavedModelSession, StatusError
from tests.programs.compatibility.tensor_json import from_json, to_json

_MEMORY_LIMIT = 5 * 2**30

if TYPE_CHECKING:  # Python 3.8 cannot subscript these
    # request -> the values of its outputs by name; raises StatusError
    _Run = Callable[[dict[str, Any]], dict[str, np.ndarray]]


def _by_c_api() -> Callable[[Path], _Run]:
    """TF_LoadSessionFromSavedModel: what TensorFlow Serving does, with none of Python's checks."""
    library = Library()

    def load(directory: Path) -> _Run:
        session = SavedModelSession(library, directory)

        def run(request: dict[str, Any]) -> dict[str, np.ndarray]:
            feeds = {
                given["tensor"]: from_json(given["value"]) for given in request["inputs"].values()
            }
            names = list(request["outputs"])
            values = session.run(feeds, [request["outputs"][name] for name in names])
            return {name: values[index] for index, name in enumerate(names)}

        return run

    return load


def _by_session() -> Callable[[Path], _Run]:
    """The loader of TensorFlow 1, without the session's own check of shapes."""
    import tensorflow as tf
    import tensorflow_text  # noqa: F401

    tf1 = tf.compat.v1

    def load(directory: Path) -> _Run:
        session = tf1.Session(graph=tf.Graph())
        with session.graph.as_default(), _status_errors(tf):
            tf1.saved_model.load(session, ["serve"], str(directory))
        tensor = session.graph.get_tensor_by_name

        def run(request: dict[str, Any]) -> dict[str, np.ndarray]:
            feeds = {
                tensor(given["tensor"]).ref(): from_json(given["value"])
                for given in request["inputs"].values()
            }
            names = list(request["outputs"])
            fetches = [tensor(request["outputs"][name]) for name in names]
            with _status_errors(tf):
                values = session._do_run(None, [], fetches, feeds, None, None)
            return {name: values[index] for index, name in enumerate(names)}

        return run

    return load


def _by_saved_model_load() -> Callable[[Path], _Run]:
    """tf.saved_model.load and its signatures, as Python programs do."""
    import tensorflow as tf
    import tensorflow_text  # noqa: F401

    def load(directory: Path) -> _Run:
        with _status_errors(tf):
            loaded = tf.saved_model.load(str(directory))

        def run(request: dict[str, Any]) -> dict[str, np.ndarray]:
            # Kept here: the functions do not keep their model, and with it their variables.
            function = loaded.signatures[request["signature"]]
            inputs = {}
            for name, given in request["inputs"].items():
                value = from_json(given["value"])
                dtype = tf.string if value.dtype == object else value.dtype
                inputs[name] = tf.constant(value.tolist(), dtype, shape=value.shape)
            with _status_errors(tf):
                return {name: value.numpy() for name, value in function(**inputs).items()}

        return run

    return load


LOADERS = {
    "tf.saved_model.load": _by_saved_model_load,
    "session": _by_session,
    "C API": _by_c_api,
}


@contextlib.contextmanager
def _status_errors(tensorflow: Any) -> Iterator[None]:
    """Turns TensorFlow's Python errors into StatusError."""
    try:
        yield
    except tensorflow.errors.OpError as error:
        raise StatusError(error.error_code, error.message) from error
    except (FileNotFoundError, RuntimeError) as error:
        # What tf.saved_model.load makes of it: the one in 2.12, the other in 2.15.
        if "Op type not registered" not in str(error):
            raise
        raise StatusError(tensorflow.errors.NOT_FOUND, str(error)) from error


def _limit_memory() -> None:
    """A request that asks for too much fails before the machine suffers."""
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY_LIMIT, hard))


def _forget_peak_memory() -> int:
    """Makes Linux count the peak anew; the resident memory in kB now."""
    Path("/proc/self/clear_refs").write_text("5")
    return _memory("VmRSS")


def _memory(field: str) -> int:
    """A field of /proc/self/status in kB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field + ":"))


class _Answers:
    """Answers requests; a SavedModel is loaded by its first."""

    def __init__(self, load: Callable[[Path], _Run]) -> None:
        self._load = load
        self._loaded: dict[str, _Run] = {}

    def print(self, requests: list[dict[str, Any]]) -> None:
        """A line for each request."""
        for request in requests:
            print(json.dumps(self._answer(request)), flush=True)

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        directory = request["directory"]
        answer: dict[str, Any]
        memory = 0
        try:
            if directory not in self._loaded:
                self._loaded[directory] = self._load(Path(directory))
            memory = _forget_peak_memory()
            values = self._loaded[directory](request)
            answer = {"outputs": {name: to_json(value) for name, value in values.items()}}
        except StatusError as error:
            answer = {"error": error.code, "message": error.message}
        answer["memory_mb"] = (_memory("VmHWM") - memory) // 1024 if memory else 0
        return answer


def _print_from_a_child(answers: _Answers, requests: list[dict[str, Any]]) -> None:
    """The same from a process of its own, in which nothing is loaded yet but TensorFlow.

    TensorFlow starts its threads with the first session, so a fork before it is whole.
    """
    child = os.fork()
    if child == 0:
        code = 1
        try:
            answers.print(requests)
            code = 0
        except Exception:
            traceback.print_exc()
        finally:
            # Without the clean-up of an interpreter that is a copy.
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if status:
        signal_number = os.WTERMSIG(status)
        code = -signal_number if signal_number else os.WEXITSTATUS(status)
        print(json.dumps({"exit": code}), flush=True)


def main(loader: str, *options: str) -> None:
    """Answers every list of requests on standard input."""
    _limit_memory()
    answers = _Answers(LOADERS[loader]())
    for line in sys.stdin:
        requests = json.loads(line)
        if "--forks" in options:
            _print_from_a_child(answers, requests)
        else:
            answers.print(requests)


if __name__ == "__main__":
    main(*sys.argv[1:])
