"""Sends requests of wrong shapes to a SavedModel, as a server would, and prints the answers.

    python -m tests.exporter.wrong_shapes VERSION_DIRECTORY

A line of JSON each: signature, request, "InvalidArgument" or the shapes of the outputs.
TF Serving compares no shape with the signature's, and neither does the session underneath
`Session.run`.
"""

import json
import sys
from typing import Any

import numpy as np
import tensorflow as tf

from exporter.text.registration import register_text_ops

_TEXT_SIGNATURES = ("text", "serving_default", "labels", "embedding", "tokenize")
_TEXTS = ("a", [["a", "b"], ["c", "d"]], [["a", "b"]], [["a"]], [[]], [[], []])
_IDS = [[2, 5, 3]]
_WRONG_IDS = {"a scalar": 1, "a vector": [2, 5, 3], "three axes": [_IDS], "nothing": []}
_FEATURES = ("input_ids", "input_mask", "segment_ids")

_tf1 = tf.compat.v1


class Session:
    """A SavedModel in a TensorFlow 1 session."""

    def __init__(self, directory: str) -> None:
        self._session = _tf1.Session(graph=tf.Graph())
        with self._session.graph.as_default():
            meta_graph = _tf1.saved_model.load(self._session, ["serve"], directory)
        self._signatures = meta_graph.signature_def

    def run(self, name: str, inputs: dict[str, np.ndarray]) -> Any:
        """The shapes of the outputs, or the name of the error."""
        graph, signature = self._session.graph, self._signatures[name]
        feeds = {
            graph.get_tensor_by_name(signature.inputs[key].name).ref(): value
            for key, value in inputs.items()
        }
        fetches = [graph.get_tensor_by_name(info.name) for info in signature.outputs.values()]
        try:
            outputs = self._session._do_run(None, [], fetches, feeds, None, None)
        except tf.errors.InvalidArgumentError:
            return "InvalidArgument"
        return [output.shape for output in outputs]


def _main(directory: str) -> None:
    register_text_ops()
    session = Session(directory)

    def ask(name: str, request: object, inputs: dict[str, np.ndarray]) -> None:
        print(json.dumps([name, request, session.run(name, inputs)]), flush=True)

    for name in _TEXT_SIGNATURES:
        for value in _TEXTS:
            ask(name, value, {"text": np.array(value, object)})
    for name in ("features", "features_with_label_ids"):
        more = {"label_ids": np.zeros([1], np.int32)} if name != "features" else {}
        for shape, value in _WRONG_IDS.items():
            for changed in (*_FEATURES, "all three"):
                inputs = {
                    key: np.array(value if changed in (key, "all three") else _IDS, np.int32)
                    for key in _FEATURES
                }
                ask(name, f"{changed}: {shape}", {**inputs, **more})

    # After all that, the session still answers.
    for name in _TEXT_SIGNATURES:
        outputs = session.run(name, {"text": np.array(["a film", "b"], object)})
        assert all(shape[0] == 2 for shape in outputs), outputs
    ones = {key: np.ones([1, 3], np.int32) for key in _FEATURES}
    assert session.run("features", ones) == [(1, 3)]
    print("alive")


if __name__ == "__main__":
    _main(sys.argv[1])
