"""A SavedModel that takes texts, loaded as a server does: ours, and transformers' TF model.

python -m tests.programs.benchmarks.inference.contestants.saved_model_of_texts DIRECTORY SIGNATURE
"""

import numpy as np

from tests.programs.benchmarks.inference.worker import Predict, arguments, serve


def _load() -> Predict:
    from exporter.runtime.replay import replay_warmup
    from exporter.runtime.servable import Servable

    given = arguments()
    servable = Servable(given.artefact)
    replay_warmup(servable, given.artefact)
    (name,) = servable.signature(given.option).inputs

    def predict(texts: list[str]) -> np.ndarray:
        values = np.array([text.encode() for text in texts], object)
        (answer,) = servable.predict(given.option, {name: values}).values()
        return answer

    return predict


if __name__ == "__main__":
    serve(_load)
