"""Loads a SavedModel in a process of its own, as a server does, and runs texts through it.

    python -m exporter.reload DIRECTORY [REQUEST.json ANSWER.npz]

Nothing of the process that wrote the model is there, so what works here works on a server:
no variable, file or op is left over from tracing. As there, loading means a TensorFlow 1
session and a replay of the warm-up requests.
"""

import base64
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from exporter.fresh_process import run_module

_BATCH = 16


class ReloadError(Exception):
    """The artefact does not load or run; the message says what TensorFlow said."""


def load_in_fresh_process(directory: Path) -> None:
    """Loads a SavedModel and replays its warm-up requests.

    Raises:
      ReloadError: one of the two failed.
    """
    _run(str(directory))


def run_in_fresh_process(
    directory: Path, rows: Sequence[Sequence[bytes]], input_names: Sequence[str], answer_name: str
) -> tuple[list[list[int]], np.ndarray]:
    """Token ids and the `text` signature's answer for every row, from a new process.

    Args:
      directory: a SavedModel, whose warm-up requests are replayed first.
      rows: the texts of each row, in the order of `input_names`.
      input_names: of the `text` signature.
      answer_name: its output.

    Returns:
      Ids of each row, and float32 [rows, ...].

    Raises:
      ReloadError: the process failed.
    """
    with tempfile.TemporaryDirectory(prefix="exporter-reload-") as scratch:
        request, answer = Path(scratch, "request.json"), Path(scratch, "answer.npz")
        columns = {
            name: [base64.b64encode(text).decode("ascii") for text in column]
            for name, column in zip(input_names, zip(*rows, strict=True), strict=True)
        }
        request.write_text(json.dumps({"columns": columns, "answer_name": answer_name}))
        _run(str(directory), str(request), str(answer))
        with np.load(answer) as arrays:
            split_ids = np.split(arrays["ids"], np.cumsum(arrays["lengths"])[:-1])
            return [ids.tolist() for ids in split_ids], arrays["answers"]


def _run(*arguments: str) -> None:
    result = run_module("exporter.reload", *arguments)
    if result.returncode:
        lines = result.stderr.strip().splitlines() or [f"exit code {result.returncode}"]
        raise ReloadError(lines[-1])


def _main(directory: str, request_file: str = "", answer_file: str = "") -> None:
    from exporter.serving.replay import replay_warmup
    from exporter.serving.servable import Servable
    from exporter.serving.status import StatusError

    servable = Servable(Path(directory))
    try:
        replay_warmup(servable, Path(directory))
    except StatusError as error:
        sys.exit(" ".join(error.message.splitlines()))
    if not request_file:
        return
    request = json.loads(Path(request_file).read_text())
    columns = {
        name: np.array([base64.b64decode(text) for text in column], dtype=object)
        for name, column in request["columns"].items()
    }
    num_rows = len(next(iter(columns.values())))
    ids, lengths, answers = [], [], []
    for start in range(0, num_rows, _BATCH):
        batch = {name: column[start : start + _BATCH] for name, column in columns.items()}
        tokens = servable.predict("tokenize", batch)
        mask = tokens["input_mask"].astype(bool)
        ids.append(tokens["input_ids"][mask])
        lengths.append(mask.sum(axis=1))
        answers.append(servable.predict("text", batch)[request["answer_name"]])
    np.savez(
        answer_file,
        ids=np.concatenate(ids),
        lengths=np.concatenate(lengths),
        answers=np.concatenate(answers),
    )


if __name__ == "__main__":
    _main(*sys.argv[1:])
