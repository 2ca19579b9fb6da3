"""ONNX Runtime on a fused graph, and `tokenizers`.

    python -m tests.programs.benchmarks.inference.contestants.onnx_runtime DIRECTORY

DIRECTORY holds model.onnx, vocab.txt and tokenizer_config.json.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tests.programs.benchmarks.inference.worker import Predict, arguments, serve

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_THREADS = 2


def open_session(directory: Path) -> "InferenceSession":
    """A session of the directory's model.onnx."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _THREADS
    return onnxruntime.InferenceSession(
        directory / "model.onnx", options, providers=["CPUExecutionProvider"]
    )


def _load() -> Predict:
    from tests.programs.benchmarks.inference.contestants.padded_rows import padded_rows

    directory = arguments().artefact
    session = open_session(directory)
    tokenize = padded_rows(directory)
    inputs = [node.name for node in session.get_inputs()]

    def predict(texts: list[str]) -> np.ndarray:
        features = tokenize(texts)
        (probabilities,) = session.run(["probabilities"], {name: features[name] for name in inputs})
        return probabilities

    return predict


if __name__ == "__main__":
    serve(_load)
