"""Constants of a function that are equal become one node, and answers stay what they were."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from exporter.artefact.rewriting import share_constants
from exporter.contract import GRAPH_FILE, SERVING_DEFAULT
from exporter.runtime.servable import Servable
from exporter.serving.graph_file import read_serving_graph


class _Module(tf.Module):
    """A branch that gives a constant, one that waits for it, and three equal constants."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)], autograph=False)
    def run(self, values: tf.Tensor) -> dict[str, tf.Tensor]:
        twos = [tf.constant(2.0, name=f"two_{index}") for index in range(3)]
        # As many bits, but another type.
        integer = tf.constant(0x40000000, name="integer")
        with tf.control_dependencies([twos[0], twos[1]]):
            doubled = tf.identity(values * twos[1]) + twos[2]
        chosen = tf.cond(tf.size(values) > 2, lambda: twos[2], lambda: tf.constant(3.0))
        return {"doubled": doubled, "chosen": chosen, "two": twos[1], "integer": integer}


def test_equal_constants_become_one(tmp_path: Path) -> None:
    module = _Module()
    tf.saved_model.save(module, str(tmp_path), signatures=module.run)
    before = _constants(tmp_path)
    expected = _answers(tmp_path)
    share_constants(tmp_path)
    after = _constants(tmp_path)
    assert before.count(2.0) >= 3
    assert after.count(2.0) == before.count(2.0) - 2
    assert sorted(set(after)) == sorted(set(before))
    for found, wanted in zip(_answers(tmp_path), expected, strict=True):
        assert found.keys() == wanted.keys()
        for name, values in wanted.items():
            np.testing.assert_array_equal(found[name], values)
    assert (tmp_path / GRAPH_FILE).is_file()
    reloaded = tf.saved_model.load(str(tmp_path)).signatures[SERVING_DEFAULT]
    assert reloaded(values=tf.constant([1.0]))["doubled"].numpy() == [4.0]


def _constants(directory: Path) -> list[float]:
    """The scalar constants of all functions, whatever their type."""
    functions = read_serving_graph(directory).graph_def.library.function
    tensors = [
        tf.make_ndarray(node.attr["value"].tensor)
        for function in functions
        for node in function.node_def
        if node.op == "Const"
    ]
    return [float(tensor) for tensor in tensors if tensor.ndim == 0 and tensor.dtype.kind in "fi"]


def _answers(directory: Path) -> list[dict[str, np.ndarray]]:
    servable = Servable(directory)
    requests = (np.ones(2, np.float32), np.ones(3, np.float32))
    return [servable.predict(SERVING_DEFAULT, {"values": values}) for values in requests]
