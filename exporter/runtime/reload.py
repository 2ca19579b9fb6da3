"""Loads a SavedModel in a process of its own, as a server does, and runs texts through it.

    python -m exporter.runtime.reload DIRECTORY SCRATCH

Nothing of the process that wrote the model is there, so what works here works on a server:
no variable, file or op is left over from tracing. As there, loading means a TensorFlow 1
session and a replay of the warm-up requests.

SCRATCH gets `progress.jsonl`, a line of JSON for each step, and `load.json`, what loading took. If
it holds `request.json`, it gets `answer.npz`.
"""

import base64
import dataclasses
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bert.tasks import RowOutputs
from exporter.contract import INPUT_IDS, INPUT_MASK, TEXT, TOKENIZE
from exporter.progress import Advance, ignore
from exporter.runtime.fresh_process import ProcessTimeout, run_module

if TYPE_CHECKING:
    from exporter.runtime.servable import Servable

_MODULE = "exporter.runtime.reload"
_BATCH = 16
_SCRATCH_PREFIX = "exporter-reload-"
_PROGRESS_FILE, _LOAD_FILE = "progress.jsonl", "load.json"
_REQUEST_FILE, _ANSWER_FILE = "request.json", "answer.npz"


class ReloadError(Exception):
    """The artefact does not load or run; the message says what TensorFlow said."""


@dataclasses.dataclass(frozen=True)
class Load:
    """What loading a SavedModel took, with the replay of its warm-up requests."""

    seconds: float
    resident_megabytes: int
    """most memory of the process, Python and TensorFlow included"""

    processors: int
    """how many there were"""


class Answers(NamedTuple):
    """What a fresh process said of each row."""

    ids: list[list[int]]
    outputs: list[list[RowOutputs]]
    """for each choice, of each row"""

    load: Load


def load_in_fresh_process(directory: Path, advance: Advance = ignore) -> Load:
    """Loads a SavedModel and replays its warm-up requests.

    Raises:
      ReloadError: one of the two failed.
    """
    with tempfile.TemporaryDirectory(prefix=_SCRATCH_PREFIX) as scratch:
        return _run_here(directory, Path(scratch), advance)


def run_in_fresh_process(
    directory: Path,
    rows: Sequence[Sequence[bytes]],
    input_names: Sequence[str],
    output_names: Sequence[str],
    choices: Sequence[Mapping[str, int]] = ({},),
    advance: Advance = ignore,
) -> Answers:
    """Token ids and the `text` signature's outputs for every row, from a new process.

    Args:
      directory: a SavedModel, whose warm-up requests are replayed first.
      rows: the texts of each row, in the order of `input_names`.
      input_names: of the `text` signature.
      output_names: its outputs, and those of other signatures as `signature/output`.
      choices: the beginning of a resource's name -> an integer to assign to the resource first.
        Texts are run under each choice in turn; an empty one changes nothing.
      advance: is told of each warm-up request, and of each batch of texts.

    Raises:
      ReloadError: the process failed.
    """
    with tempfile.TemporaryDirectory(prefix=_SCRATCH_PREFIX) as scratch:
        columns = {
            name: [base64.b64encode(text).decode("ascii") for text in column]
            for name, column in zip(input_names, zip(*rows, strict=True), strict=True)
        }
        content = {
            "columns": columns,
            "output_names": list(output_names),
            "choices": [dict(choice) for choice in choices],
        }
        Path(scratch, _REQUEST_FILE).write_text(json.dumps(content))
        load = _run_here(directory, Path(scratch), advance)
        with np.load(Path(scratch, _ANSWER_FILE)) as arrays:
            split_ids = np.split(arrays["ids"], np.cumsum(arrays["lengths"])[:-1])
            outputs = [_rows(arrays, run, output_names) for run in range(len(choices))]
        return Answers([ids.tolist() for ids in split_ids], outputs, load)


def _run_here(directory: Path, scratch: Path, advance: Advance) -> Load:
    watch = _follow(scratch / _PROGRESS_FILE, advance)
    run_checked(_MODULE, str(directory), str(scratch), watch=watch)
    return Load(**json.loads((scratch / _LOAD_FILE).read_text()))


def _rows(arrays: Mapping[str, np.ndarray], run: int, names: Sequence[str]) -> list[RowOutputs]:
    """The outputs of each row, out of those of batches, which may be padded differently."""
    columns = []
    for name in names:
        batches = [key for key in arrays if key.startswith(f"{run}/{name}/")]
        batches.sort(key=lambda key: int(key.rsplit("/", 1)[1]))
        columns.append([row for key in batches for row in arrays[key]])
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def run_checked(module: str, *arguments: str, watch: Callable[[], None] = lambda: None) -> None:
    """Runs a module of this package in a process of its own; see `run_module`.

    Raises:
      ReloadError: the process failed, or had to be killed.
    """
    try:
        result = run_module(module, *arguments, watch=watch)
    except ProcessTimeout as error:
        raise ReloadError(f"the process was killed: {error}") from error
    if result.returncode:
        lines = result.stderr.strip().splitlines() or [f"exit code {result.returncode}"]
        raise ReloadError(lines[-1])


def _follow(file: Path, advance: Advance) -> Callable[[], None]:
    """A function that passes on how far the process is."""

    def look() -> None:
        # A line that is still being written has no end yet.
        lines = file.read_text().split("\n")[:-1] if file.exists() else []
        if lines:
            advance(*json.loads(lines[-1]))

    return look


def _signature_of(output_name: str) -> str:
    """`tags/starts` -> "tags", `probabilities` -> "text"."""
    return output_name.rpartition("/")[0] or TEXT


def _storable(values: np.ndarray) -> np.ndarray:
    """The same values, texts as bytes of one length: an array of objects would be pickled."""
    return values.astype("S") if values.dtype == object else values


def _main(directory: str, scratch: str) -> None:
    with open(Path(scratch, _PROGRESS_FILE), "w") as progress:

        def advance(*step: str | int) -> None:
            print(json.dumps(step), file=progress, flush=True)

        _run(Path(directory), advance, Path(scratch))


def _run(directory: Path, advance: Advance, scratch: Path) -> None:
    from exporter.runtime.replay import replay_warmup
    from exporter.runtime.servable import Servable
    from exporter.runtime.status import StatusError

    start = time.monotonic()
    servable = Servable(directory)
    try:
        replay_warmup(servable, directory, advance)
    except StatusError as error:
        sys.exit(" ".join(error.message.splitlines()))
    seconds = time.monotonic() - start
    # Linux counts in kibibytes.
    resident = getrusage(RUSAGE_SELF).ru_maxrss // 1024
    load = Load(round(seconds, 1), resident, os.cpu_count() or 1)
    (scratch / _LOAD_FILE).write_text(json.dumps(dataclasses.asdict(load)))
    if (scratch / _REQUEST_FILE).exists():
        _answer(servable, scratch, advance)


def _answer(servable: "Servable", scratch: Path, advance: Advance) -> None:
    request = json.loads((scratch / _REQUEST_FILE).read_text())
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
    steps = len(batches) * (1 + len(request["choices"]))
    for number, batch in enumerate(batches):
        advance("batch of texts", number, steps)
        tokens = servable.predict(TOKENIZE, batch)
        mask = tokens[INPUT_MASK].astype(bool)
        ids.append(tokens[INPUT_IDS][mask])
        lengths.append(mask.sum(axis=1))

    answers: dict[str, np.ndarray] = {}
    for run, choice in enumerate(request["choices"]):
        for resource, value in choice.items():
            servable.assign(resource, value)
        for number, batch in enumerate(batches):
            advance("batch of texts", (run + 1) * len(batches) + number, steps)
            outputs = {
                signature: servable.predict(signature, batch)
                for signature in {_signature_of(name) for name in request["output_names"]}
            }
            for name in request["output_names"]:
                values = outputs[_signature_of(name)][name.rpartition("/")[2]]
                answers[f"{run}/{name}/{number}"] = _storable(values)
    np.savez(
        scratch / _ANSWER_FILE, ids=np.concatenate(ids), lengths=np.concatenate(lengths), **answers
    )


if __name__ == "__main__":
    _main(*sys.argv[1:])
