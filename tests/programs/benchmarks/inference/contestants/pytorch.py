"""A classifier of transformers in PyTorch, run eagerly, and `tokenizers`.

python -m tests.programs.benchmarks.inference.contestants.pytorch DIRECTORY float32|bfloat16
"""

import inspect

import numpy as np

from tests.programs.benchmarks.inference.worker import Predict, arguments, serve

_THREADS = 2


def _load() -> Predict:
    import torch
    from transformers import AutoModelForSequenceClassification

    from tests.programs.benchmarks.inference.contestants.padded_rows import padded_rows

    given = arguments()
    torch.set_num_threads(_THREADS)
    model = AutoModelForSequenceClassification.from_pretrained(
        given.artefact, dtype=getattr(torch, given.option)
    ).eval()
    tokenize = padded_rows(given.artefact)
    inputs = inspect.signature(model.forward).parameters

    def predict(texts: list[str]) -> np.ndarray:
        features = {
            name: torch.from_numpy(rows) for name, rows in tokenize(texts).items() if name in inputs
        }
        with torch.inference_mode():
            return model(**features).logits.float().softmax(-1).numpy()

    return predict


if __name__ == "__main__":
    serve(_load)
