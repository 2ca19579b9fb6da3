"""Sends requests of wrong shapes to a SavedModel, as a server would, and prints the answers.

    python -m tests.exporter.artefact.wrong_shapes VERSION_DIRECTORY

A line of JSON each: signature, request, the code and message of the refusal or the shapes of
the outputs. TF Serving compares no shape with the signature's.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from exporter.runtime.servable import Servable
from exporter.runtime.status import Code, StatusError
from tests.exporter.example_protos import example_of

_TEXT_SIGNATURES = ("text", "serving_default", "labels", "embedding", "tokenize")
_TEXTS: tuple[Any, ...] = ("a", [["a", "b"], ["c", "d"]], [["a", "b"]], [["a"]], [[]], [[], []])
_IDS = [[2, 5, 3]]
_WRONG_IDS = {"a scalar": 1, "a vector": [2, 5, 3], "three axes": [_IDS], "nothing": []}
_FEATURES = ("input_ids", "input_mask", "segment_ids")


def _run(servable: Servable, name: str, inputs: dict[str, np.ndarray]) -> Any:
    try:
        outputs = servable.predict(name, inputs)
    except StatusError as error:
        return [Code(error.code).name, error.message]
    return [value.shape for value in outputs.values()]


def _main(directory: str) -> None:
    servable = Servable(Path(directory), checks_shapes=False)

    def ask(name: str, request: object, inputs: dict[str, np.ndarray]) -> None:
        print(json.dumps([name, request, *_run(servable, name, inputs)]), flush=True)

    for value in _TEXTS:
        texts = np.array(value, object)
        for name in _TEXT_SIGNATURES:
            ask(name, value, {"text": texts})
        examples = np.empty(texts.shape, object)
        examples.flat[:] = [example_of(text=text) for text in texts.flat]
        ask("classify", value, {"inputs": examples})
    for name in ("features", "features_with_label_ids"):
        more = {"label_ids": np.zeros([1], np.int32)} if name != "features" else {}
        for shape, wrong in _WRONG_IDS.items():
            for changed in (*_FEATURES, "all three"):
                inputs = {
                    key: np.array(wrong if changed in (key, "all three") else _IDS, np.int32)
                    for key in _FEATURES
                }
                ask(name, f"{changed}: {shape}", {**inputs, **more})

    # After all that, the session still answers.
    texts = np.array(["a film", "b"], object)
    for name in _TEXT_SIGNATURES:
        outputs = _run(servable, name, {"text": texts})
        assert all(shape[0] == 2 for shape in outputs), outputs
    examples = np.array([example_of(text=text) for text in texts], object)
    assert _run(servable, "classify", {"inputs": examples}) == [(2, 3), (2, 3)]
    ones = {key: np.ones([1, 3], np.int32) for key in _FEATURES}
    assert _run(servable, "features", ones) == [(1, 3)]
    print("alive")


if __name__ == "__main__":
    _main(sys.argv[1])
