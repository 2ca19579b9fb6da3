"""The SavedModel as it was, asked in a process of its own: the witness of a wrapped model.

    python -m exporter.models.wrapped.witness DIRECTORY SIGNATURE OUTPUT REQUEST.npz ANSWER.npz

REQUEST.npz holds each batch's inputs, under `BATCH/INPUT`.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from exporter.contract import INPUT_IDS, INPUT_MASK, SEGMENT_IDS
from exporter.models.opened_model import Row
from exporter.models.wrapped.model import WrappedModel
from exporter.models.wrapped.signature import FeatureSignature
from exporter.runtime.reload import run_checked

_BATCH = 4


def padded_inputs(signature: FeatureSignature, rows: Sequence[Row]) -> dict[str, np.ndarray]:
    """What a client of the SavedModel sends for rows: each input by its name, zeros behind."""
    columns = signature.length or max(len(row.ids) for row in rows)
    inputs = {
        given.name: np.zeros([len(rows), columns], given.dtype.as_numpy_dtype)
        for given in signature.inputs.values()
    }
    names = {meaning: given.name for meaning, given in signature.inputs.items()}
    for index, row in enumerate(rows):
        inputs[names[INPUT_IDS]][index, : len(row.ids)] = row.ids
        inputs[names[INPUT_MASK]][index, : len(row.ids)] = 1
        inputs[names[SEGMENT_IDS]][index, : len(row.ids)] = row.segment_ids
    for meaning, name in names.items():
        if meaning not in (INPUT_IDS, INPUT_MASK, SEGMENT_IDS):
            inputs[name] = inputs[name][:, 0]
    return inputs


def answers_of_original(model: WrappedModel, rows: Sequence[Row]) -> np.ndarray:
    """The answer for each row, by the SavedModel as it was: float64 [rows, ...].

    Raises:
      ReloadError: the process failed.
    """
    request = {}
    for start in range(0, len(rows), _BATCH):
        inputs = padded_inputs(model.signature, rows[start : start + _BATCH])
        request.update({f"{start}/{name}": values for name, values in inputs.items()})
    with tempfile.TemporaryDirectory(prefix="exporter-witness-") as scratch:
        request_file, answer_file = Path(scratch, "request.npz"), Path(scratch, "answer.npz")
        np.savez(request_file, **request)
        run_checked(
            "exporter.models.wrapped.witness",
            *(str(model.directory), model.signature.name, model.answer.output),
            *(str(request_file), str(answer_file)),
        )
        with np.load(answer_file) as arrays:
            return model.answer.finish_array(arrays["output"])


def _main(directory: str, signature: str, output: str, request: str, answer: str) -> None:
    from exporter.runtime.servable import Servable

    servable = Servable(Path(directory))
    batches: dict[int, dict[str, np.ndarray]] = {}
    with np.load(request) as arrays:
        for key, values in arrays.items():
            start, name = key.split("/", 1)
            batches.setdefault(int(start), {})[name] = values
    answers = [
        servable.predict(signature, inputs, [output])[output]
        for _, inputs in sorted(batches.items())
    ]
    np.savez(answer, output=np.concatenate(answers))


if __name__ == "__main__":
    _main(*sys.argv[1:])
