"""ONNX Runtime on a fused graph, and `tokenizers`.

    python -m tests.programs.benchmarks.inference.contestants.onnx_runtime DIRECTORY

DIRECTORY holds model.onnx, vocab.txt and tokenizer_config.json.
"""

import numpy as np

from tests.programs.benchmarks.inference.worker import Predict, arguments, serve

_THREADS = 2


def _load() -> Predict:
    import onnxruntime

    from tests.programs.benchmarks.inference.contestants.padded_rows import padded_rows

    directory = arguments().artefact
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _THREADS
    session = onnxruntime.InferenceSession(
        directory / "model.onnx", options, providers=["CPUExecutionProvider"]
    )
    tokenize = padded_rows(directory)
    inputs = [node.name for node in session.get_inputs()]

    def predict(texts: list[str]) -> np.ndarray:
        features = tokenize(texts)
        (probabilities,) = session.run(["probabilities"], {name: features[name] for name in inputs})
        return probabilities

    return predict


if __name__ == "__main__":
    serve(_load)
