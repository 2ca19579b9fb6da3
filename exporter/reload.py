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
    directory: Path, texts: Sequence[bytes], answer_name: str
) -> tuple[list[list[int]], np.ndarray]:
    """Token ids and the `text` signature's answer for every text, from a new process.

    Returns:
      Ids of each text, and float32 [texts, ...].

    Raises:
      ReloadError: the process failed.
    """
    with tempfile.TemporaryDirectory(prefix="exporter-reload-") as scratch:
        request, answer = Path(scratch, "request.json"), Path(scratch, "answer.npz")
        encoded = [base64.b64encode(text).decode("ascii") for text in texts]
        request.write_text(json.dumps({"texts": encoded, "answer_name": answer_name}))
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
            ids = np.split(arrays["ids"], np.cumsum(arrays["lengths"])[:-1])
            return [row.tolist() for row in ids], arrays["answers"]


def _main(directory: str, request_file: str, answer_file: str) -> None:
    import tensorflow as tf

    from exporter.text.registration import register_text_ops

    register_text_ops()
    request = json.loads(Path(request_file).read_text())
    texts = [base64.b64decode(text) for text in request["texts"]]
    signatures = tf.saved_model.load(directory).signatures
    ids, lengths, answers = [], [], []
    for start in range(0, len(texts), _BATCH):
        batch = tf.constant(texts[start : start + _BATCH])
        tokens = signatures["tokenize"](text=batch)
        mask = tokens["input_mask"].numpy().astype(bool)
        ids.append(tokens["input_ids"].numpy()[mask])
        lengths.append(mask.sum(axis=1))
        answers.append(signatures["text"](text=batch)[request["answer_name"]].numpy())
    np.savez(
        answer_file,
        ids=np.concatenate(ids),
        lengths=np.concatenate(lengths),
        answers=np.concatenate(answers),
    )


if __name__ == "__main__":
    _main(*sys.argv[1:])
