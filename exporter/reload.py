"""Loads a SavedModel in a process of its own and runs texts through it.

    python -m exporter.reload DIRECTORY REQUEST.json ANSWER.npz

Nothing of the process that wrote the model is there, so what works here works on a server:
no variable, file or op is left over from tracing.
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

_BATCH = 16


class ReloadError(Exception):
    """The artefact does not load or run; the message says what TensorFlow said."""


def run_in_fresh_process(
    directory: Path, rows: Sequence[Sequence[bytes]], input_names: Sequence[str], answer_name: str
) -> tuple[list[list[int]], np.ndarray]:
    """Token ids and the `text` signature's answer for every row, from a new process.

    Args:
      directory: a SavedModel.
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
        package_root = str(Path(__file__).resolve().parent.parent)
        search_path = os.pathsep.join(filter(None, [package_root, os.environ.get("PYTHONPATH")]))
        command = [
            sys.executable,
            "-m",
            "exporter.reload",
            str(directory),
            str(request),
            str(answer),
        ]
        result = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": search_path, "TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
        )
        if result.returncode:
            lines = result.stderr.strip().splitlines() or [f"exit code {result.returncode}"]
            raise ReloadError(lines[-1])
        with np.load(answer) as arrays:
            split_ids = np.split(arrays["ids"], np.cumsum(arrays["lengths"])[:-1])
            return [ids.tolist() for ids in split_ids], arrays["answers"]


def _main(directory: str, request_file: str, answer_file: str) -> None:
    import tensorflow as tf

    from exporter.text.registration import register_text_ops

    register_text_ops()
    request = json.loads(Path(request_file).read_text())
    columns = {
        name: [base64.b64decode(text) for text in column]
        for name, column in request["columns"].items()
    }
    num_rows = len(next(iter(columns.values())))
    signatures = tf.saved_model.load(directory).signatures
    ids, lengths, answers = [], [], []
    for start in range(0, num_rows, _BATCH):
        batch = {
            name: tf.constant(column[start : start + _BATCH]) for name, column in columns.items()
        }
        tokens = signatures["tokenize"](**batch)
        mask = tokens["input_mask"].numpy().astype(bool)
        ids.append(tokens["input_ids"].numpy()[mask])
        lengths.append(mask.sum(axis=1))
        answers.append(signatures["text"](**batch)[request["answer_name"]].numpy())
    np.savez(
        answer_file,
        ids=np.concatenate(ids),
        lengths=np.concatenate(lengths),
        answers=np.concatenate(answers),
    )


if __name__ == "__main__":
    _main(*sys.argv[1:])
