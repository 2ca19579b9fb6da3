"""Loads a SavedModel in a process of its own, as a server does, and runs texts through it.

    python -m exporter.reload DIRECTORY [REQUEST.json ANSWER.npz]

Nothing of the process that wrote the model is there, so what works here works on a server:
no variable, file or op is left over from tracing. As there, loading means a TensorFlow 1
session and a replay of the warm-up requests.
"""

import base64
import dataclasses
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bert.tasks import RowOutputs
from exporter.contract import INPUT_IDS, INPUT_MASK, TEXT, TOKENIZE
from exporter.runtime.fresh_process import ProcessTimeout, run_module

_MODULE = "exporter.runtime.reload"
_BATCH = 16


class ReloadError(Exception):
    """The artefact does not load or run; the message says what TensorFlow said."""


@dataclasses.dataclass(frozen=True)
class LoadTimes:
    """How many seconds a SavedModel took until it was ready."""

    session: float
    """until a session had its graph and variables"""

    signatures: Mapping[str, float]
    """the warm-up requests of each signature, in their order"""

    def __str__(self) -> str:
        """`load 0.7 s, serving_default 2.1 s`."""
        parts = {"load": self.session, **self.signatures}
        return ", ".join(f"{name} {seconds:.1f} s" for name, seconds in parts.items())


def load_in_fresh_process(directory: Path) -> LoadTimes:
    """Loads a SavedModel and replays its warm-up requests.

    Raises:
      ReloadError: one of the two failed.
    """
    return _times(run_checked(_MODULE, str(directory)))


def _times(printed: str) -> LoadTimes:
    return LoadTimes(**json.loads(printed.splitlines()[-1]))


def run_in_fresh_process(
    directory: Path,
    rows: Sequence[Sequence[bytes]],
    input_names: Sequence[str],
    output_names: Sequence[str],
    choices: Sequence[Mapping[str, int]] = ({},),
) -> tuple[list[list[int]], list[list[RowOutputs]], LoadTimes]:
    """Token ids and the `text` signature's outputs for every row, from a new process.

    Args:
      directory: a SavedModel, whose warm-up requests are replayed first.
      rows: the texts of each row, in the order of `input_names`.
      input_names: of the `text` signature.
      output_names: its outputs, and those of other signatures as `signature/output`.
      choices: the beginning of a resource's name -> an integer to assign to the resource first.
        Texts are run under each choice in turn; an empty one changes nothing.

    Returns:
      Ids of each row, for each choice the outputs of each row, and how long loading took.

    Raises:
      ReloadError: the process failed.
    """
    with tempfile.TemporaryDirectory(prefix="exporter-reload-") as scratch:
        request, answer = Path(scratch, "request.json"), Path(scratch, "answer.npz")
        columns = {
            name: [base64.b64encode(text).decode("ascii") for text in column]
            for name, column in zip(input_names, zip(*rows, strict=True), strict=True)
        }
        content = {
            "columns": columns,
            "output_names": list(output_names),
            "choices": [dict(choice) for choice in choices],
        }
        request.write_text(json.dumps(content))
        printed = run_checked(_MODULE, str(directory), str(request), str(answer))
        with np.load(answer) as arrays:
            split_ids = np.split(arrays["ids"], np.cumsum(arrays["lengths"])[:-1])
            outputs = [_rows(arrays, run, output_names) for run in range(len(choices))]
        return [ids.tolist() for ids in split_ids], outputs, _times(printed)


def _rows(arrays: Mapping[str, np.ndarray], run: int, names: Sequence[str]) -> list[RowOutputs]:
    """The outputs of each row, out of those of batches, which may be padded differently."""
    columns = []
    for name in names:
        batches = [key for key in arrays if key.startswith(f"{run}/{name}/")]
        batches.sort(key=lambda key: int(key.rsplit("/", 1)[1]))
        columns.append([row for key in batches for row in arrays[key]])
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def run_checked(module: str, *arguments: str) -> str:
    """Runs a module of this package in a process of its own, and returns what it printed.

    Raises:
      ReloadError: the process failed, or had to be killed.
    """
    try:
        result = run_module(module, *arguments)
    except ProcessTimeout as error:
        raise ReloadError(f"the process was killed: {error}") from error
    if result.returncode:
        lines = result.stderr.strip().splitlines() or [f"exit code {result.returncode}"]
        raise ReloadError(lines[-1])
    return result.stdout


def _signature_of(output_name: str) -> str:
    """`tags/starts` -> "tags", `probabilities` -> "text"."""
    return output_name.rpartition("/")[0] or TEXT


def _storable(values: np.ndarray) -> np.ndarray:
    """The same values, texts as bytes of one length: an array of objects would be pickled."""
    return values.astype("S") if values.dtype == object else values


def _main(directory: str, request_file: str = "", answer_file: str = "") -> None:
    from exporter.runtime.replay import replay_warmup
    from exporter.runtime.servable import Servable
    from exporter.runtime.status import StatusError

    start = time.perf_counter()
    servable = Servable(Path(directory))
    session = time.perf_counter() - start
    signatures: dict[str, float] = {}

    def add(signature: str, seconds: float) -> None:
        signatures[signature] = signatures.get(signature, 0.0) + seconds

    try:
        replay_warmup(servable, Path(directory), add)
    except StatusError as error:
        sys.exit(" ".join(error.message.splitlines()))
    print(json.dumps({"session": session, "signatures": signatures}))
    if not request_file:
        return
    request = json.loads(Path(request_file).read_text())
    columns = {
        name: np.array([base64.b64decode(text) for text in column], dtype=object)
        for name, column in request["columns"].items()
    }
    num_rows = len(next(iter(columns.values())))
    batches = [
        {name: column[start : start + _BATCH] for name, column in columns.items()}
        for start in range(0, num_rows, _BATCH)
    ]
    ids, lengths = [], []
    for batch in batches:
        tokens = servable.predict(TOKENIZE, batch)
        mask = tokens[INPUT_MASK].astype(bool)
        ids.append(tokens[INPUT_IDS][mask])
        lengths.append(mask.sum(axis=1))

    answers: dict[str, np.ndarray] = {}
    for run, choice in enumerate(request["choices"]):
        for resource, value in choice.items():
            servable.assign(resource, value)
        for number, batch in enumerate(batches):
            outputs = {
                signature: servable.predict(signature, batch)
                for signature in {_signature_of(name) for name in request["output_names"]}
            }
            for name in request["output_names"]:
                values = outputs[_signature_of(name)][name.rpartition("/")[2]]
                answers[f"{run}/{name}/{number}"] = _storable(values)
    np.savez(answer_file, ids=np.concatenate(ids), lengths=np.concatenate(lengths), **answers)


if __name__ == "__main__":
    _main(*sys.argv[1:])
