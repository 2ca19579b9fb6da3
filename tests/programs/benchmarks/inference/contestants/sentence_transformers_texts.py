"""sentence-transformers in PyTorch: what `encode` gives for the rows of a request.

python -m tests.programs.benchmarks.inference.contestants.sentence_transformers_texts DIRECTORY
"""

import numpy as np

from tests.programs.benchmarks.inference.worker import Predict, arguments, serve

_THREADS = 2


def _load() -> Predict:
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(_THREADS)
    model = SentenceTransformer(str(arguments().artefact), device="cpu")

    def predict(texts: list[str]) -> np.ndarray:
        return model.encode(texts, show_progress_bar=False)

    return predict


if __name__ == "__main__":
    serve(_load)
