"""The old way: the original Python tokenizer, padding, and a SavedModel that takes features.

    python -m tests.programs.benchmarks.inference.contestants.saved_model_of_features \
        DIRECTORY [LENGTH]

Rows are padded to LENGTH tokens, without it to the longest of the request. vocab.txt lies in
the assets of the SavedModel.
"""

import numpy as np

from tests.programs.benchmarks.inference.worker import Predict, Refused, arguments, serve

_MAX_SEQ_LENGTH = 512


def _load() -> Predict:
    from exporter.runtime.servable import Servable
    from tests.oracles.original_tokenizer import original_tokenizer

    given = arguments()
    servable = Servable(given.artefact)
    vocabulary = given.artefact / "assets" / "vocab.txt"
    tokenize = original_tokenizer(vocabulary, do_lower_case=True)
    lines = vocabulary.read_text(encoding="utf-8").splitlines()
    cls, sep = lines.index("[CLS]"), lines.index("[SEP]")
    fixed = int(given.option or 0)

    def predict(texts: list[str]) -> np.ndarray:
        rows = [[cls, *tokenize(text.encode())[: _MAX_SEQ_LENGTH - 2], sep] for text in texts]
        longest = max(map(len, rows))
        if fixed and longest > fixed:
            raise Refused(f"{longest} tokens where rows are padded to {fixed}")
        input_ids = np.zeros((len(rows), fixed or longest), np.int32)
        input_mask = np.zeros_like(input_ids)
        for row, ids in enumerate(rows):
            input_ids[row, : len(ids)] = ids
            input_mask[row, : len(ids)] = 1
        features = {
            "input_ids": input_ids,
            "input_mask": input_mask,
            "segment_ids": np.zeros_like(input_ids),
        }
        return servable.predict("", features)["output"]

    return predict


if __name__ == "__main__":
    serve(_load)
