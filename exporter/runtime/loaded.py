"""The process that `reload.py` starts: a SavedModel as a server has it, and what it says of texts.

    python -m exporter.runtime.loaded DIRECTORY SCRATCH

SCRATCH gets `progress.jsonl`, a line of JSON for each step, and `load.json`, what loading took. If
it holds `request.json`, it gets `answer.npz`.
"""

import base64
import dataclasses
import json
import os
import sys
import time
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

import numpy as np

from exporter.contract import (
    FEATURE_INPUTS,
    FEATURES,
    INPUT_IDS,
    INPUT_MASK,
    TEXT,
    TOKENIZE,
)
from exporter.progress import Advance
from exporter.runtime.reload import ANSWER_FILE, LOAD_FILE, PROGRESS_FILE, REQUEST_FILE, Load
from exporter.runtime.replay import replay_warmup
from exporter.runtime.servable import Servable
from exporter.runtime.status import StatusError

_BATCH = 16


def _signature_of(output_name: str) -> str:
    """`tags/starts` -> "tags", `probabilities` -> "text"."""
    return output_name.rpartition("/")[0] or TEXT


def _storable(values: np.ndarray) -> np.ndarray:
    """The same values, texts as bytes of one length: an array of objects would be pickled."""
    return values.astype("S") if values.dtype == object else values


def _main(directory: str, scratch: str) -> None:
    with open(Path(scratch, PROGRESS_FILE), "w") as progress:

        def advance(*step: str | int) -> None:
            print(json.dumps(step), file=progress, flush=True)

        _run(Path(directory), advance, Path(scratch))


def _run(directory: Path, advance: Advance, scratch: Path) -> None:
    start = time.monotonic()
    servable = Servable(directory)
    signatures: dict[str, float] = {}

    def add(signature: str, seconds: float) -> None:
        signatures[signature] = signatures.get(signature, 0.0) + seconds

    try:
        replay_warmup(servable, directory, advance, add)
    except StatusError as error:
        sys.exit(" ".join(error.message.splitlines()))
    seconds = time.monotonic() - start
    # Linux counts in kibibytes.
    resident = getrusage(RUSAGE_SELF).ru_maxrss // 1024
    load = Load(round(seconds, 1), resident, os.cpu_count() or 1, signatures)
    (scratch / LOAD_FILE).write_text(json.dumps(dataclasses.asdict(load)))
    if (scratch / REQUEST_FILE).exists():
        _answer(servable, scratch, advance)


def _answer(servable: Servable, scratch: Path, advance: Advance) -> None:
    request = json.loads((scratch / REQUEST_FILE).read_text())
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
        for number, (row_ids, segment_ids) in enumerate(request["features"]):
            row = np.array([row_ids, [1] * len(row_ids), segment_ids], np.int32)[:, np.newaxis]
            given = dict(zip(FEATURE_INPUTS, row, strict=True))
            for name, values in servable.predict(FEATURES, given).items():
                answers[f"{run}/{FEATURES}/{name}/{number}"] = values
    np.savez(
        scratch / ANSWER_FILE, ids=np.concatenate(ids), lengths=np.concatenate(lengths), **answers
    )


if __name__ == "__main__":
    _main(*sys.argv[1:])
