"""Loads a SavedModel in a process of its own, as a server does, and runs texts through it.

Nothing of the process that wrote the model is there, so what works here works on a server:
no variable, file or op is left over from tracing. As there, loading means a TensorFlow 1
session and a replay of the warm-up requests.

The process is `loaded.py`; the two speak by files of a directory.
"""

import base64
import dataclasses
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bert.tasks import RowOutputs
from exporter.contract import FEATURES
from exporter.progress import Advance, ignore
from exporter.runtime.fresh_process import ProcessTimeout, run_module

_MODULE = "exporter.runtime.loaded"
_SCRATCH_PREFIX = "exporter-reload-"
PROGRESS_FILE, LOAD_FILE = "progress.jsonl", "load.json"
REQUEST_FILE, ANSWER_FILE = "request.json", "answer.npz"


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

    signatures: Mapping[str, float]
    """the seconds of each signature's warm-up requests"""

    def __str__(self) -> str:
        """`12.4 s (serving_default 6.1, text 0.1, labels 3.0)`."""
        parts = ", ".join(f"{name} {seconds:.1f}" for name, seconds in self.signatures.items())
        return f"{self.seconds:.1f} s ({parts})"


class Answers(NamedTuple):
    """What a fresh process said of each row."""

    ids: list[list[int]]
    outputs: list[list[RowOutputs]]
    """for each choice, of each row"""

    load: Load

    of_features: list[list[RowOutputs]]
    """for each choice, of each row of features"""


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
    features: Sequence[Sequence[Sequence[int]]] = (),
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
      features: ids and segment ids of further rows, for the signature `features`.

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
            "features": list(features),
        }
        Path(scratch, REQUEST_FILE).write_text(json.dumps(content))
        load = _run_here(directory, Path(scratch), advance)
        with np.load(Path(scratch, ANSWER_FILE)) as arrays:
            split_ids = np.split(arrays["ids"], np.cumsum(arrays["lengths"])[:-1])
            runs = range(len(choices))
            outputs = [_rows(arrays, run, output_names) for run in runs]
            of_features = [_feature_rows(arrays, run, len(features)) for run in runs]
        return Answers([ids.tolist() for ids in split_ids], outputs, load, of_features)


def _run_here(directory: Path, scratch: Path, advance: Advance) -> Load:
    watch = _follow(scratch / PROGRESS_FILE, advance)
    run_checked(_MODULE, str(directory), str(scratch), watch=watch)
    return Load(**json.loads((scratch / LOAD_FILE).read_text()))


def _rows(arrays: Mapping[str, np.ndarray], run: int, names: Sequence[str]) -> list[RowOutputs]:
    """The outputs of each row, out of those of batches, which may be padded differently."""
    columns = []
    for name in names:
        batches = [key for key in arrays if key.startswith(f"{run}/{name}/")]
        batches.sort(key=lambda key: int(key.rsplit("/", 1)[1]))
        columns.append([row for key in batches for row in arrays[key]])
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _feature_rows(arrays: Mapping[str, np.ndarray], run: int, count: int) -> list[RowOutputs]:
    """The outputs of each row of features, which had a batch each."""
    rows: list[dict[str, np.ndarray]] = [{} for _ in range(count)]
    for key, values in arrays.items():
        if key.startswith(f"{run}/{FEATURES}/"):
            _, _, name, number = key.split("/")
            rows[int(number)][name] = values[0]
    return list(rows)


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
