"""OpenVINO, with openvino-tokenizers in front.

    python -m tests.programs.benchmarks.inference.contestants.openvino_texts DIRECTORY PRECISION

DIRECTORY is what build_openvino wrote; PRECISION is that of arithmetic, f32 or bf16.
"""

import numpy as np

from tests.programs.benchmarks.inference.worker import Predict, arguments, serve

_THREADS = 2


def _load() -> Predict:
    import openvino
    import openvino_tokenizers  # noqa: F401, registers the ops of tokenizers

    given, core = arguments(), openvino.Core()
    options = {"INFERENCE_PRECISION_HINT": given.option, "INFERENCE_NUM_THREADS": _THREADS}
    tokenize = core.compile_model(given.artefact / "tokenizer.xml", "CPU")
    classify = core.compile_model(given.artefact / "model.xml", "CPU", options)
    names = [name for each in classify.inputs for name in each.names]

    def predict(texts: list[str]) -> np.ndarray:
        features = tokenize(texts)
        logits = classify({name: features[name] for name in names})[0]
        exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
        return exponents / exponents.sum(axis=1, keepdims=True)

    return predict


if __name__ == "__main__":
    serve(_load)
