"""Graphs that were made quick to load have less in them, and answer as before."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.protobuf.config_pb2 import ConfigProto
from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig

from bert.encoder.calls import as_call
from exporter.artefact.quick_loading import drop_annotations, optimise_calls_once, share_constants
from exporter.contract import GRAPH_FILE, SERVING_DEFAULT
from exporter.runtime.servable import Servable
from exporter.serving.graph_file import read_serving_graph


class _Module(tf.Module):
    """A branch that gives a constant, one that waits for it, three equal constants, and a call."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)], autograph=False)
    def run(self, values: tf.Tensor) -> dict[str, tf.Tensor]:
        twos = [tf.constant(2.0, name=f"two_{index}") for index in range(3)]
        # As many bits, but another type.
        integer = tf.constant(0x40000000, name="integer")
        with tf.control_dependencies([twos[0], twos[1]]):
            doubled = as_call(tf.identity)(values * twos[1]) + twos[2]
        chosen = tf.cond(tf.size(values) > 2, lambda: twos[2], lambda: tf.constant(3.0))
        return {"doubled": doubled, "chosen": chosen, "two": twos[1], "integer": integer}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    module = _Module()
    tf.saved_model.save(module, str(tmp_path), signatures=module.run)
    return tmp_path


def test_equal_constants_become_one(saved: Path) -> None:
    before = _constants(saved)
    expected = _answers(saved)
    share_constants(saved)
    after = _constants(saved)
    assert before.count(2.0) >= 3
    assert after.count(2.0) == before.count(2.0) - 2
    assert sorted(set(after)) == sorted(set(before))
    assert (saved / GRAPH_FILE).is_file()
    _check_answers(saved, expected)


def test_nothing_that_only_python_reads(saved: Path) -> None:
    expected = _answers(saved)
    named = "_user_specified_name"
    functions = read_serving_graph(saved).graph_def.library.function
    assert any("_output_shapes" in node.attr for node in _nodes(saved))
    assert any(named in a.attr for f in functions for a in f.arg_attr.values())
    drop_annotations(saved)
    assert not any("_output_shapes" in node.attr for node in _nodes(saved))
    assert not any(node.HasField("experimental_type") for node in _nodes(saved))
    functions = read_serving_graph(saved).graph_def.library.function
    assert not any(named in a.attr for f in functions for a in f.arg_attr.values())
    _check_answers(saved, expected)


def test_calls_are_optimised_once(saved: Path) -> None:
    expected = _answers(saved)
    optimise_calls_once(saved)
    calls = [node for node in _nodes(saved) if node.op.endswith("PartitionedCall")]
    assert len(calls) > 1
    for call in calls:
        config = ConfigProto.FromString(call.attr["config_proto"].s)
        options = config.graph_options.rewrite_options
        assert options.meta_optimizer_iterations == RewriterConfig.ONE
        # What makes one kernel of several stays on.
        assert options.remapping == RewriterConfig.DEFAULT
        assert not options.disable_meta_optimizer
    _check_answers(saved, expected)


def _check_answers(directory: Path, expected: list[dict[str, np.ndarray]]) -> None:
    """That a session and TensorFlow 2 answer so."""
    for found, wanted in zip(_answers(directory), expected, strict=True):
        assert found.keys() == wanted.keys()
        for name, values in wanted.items():
            np.testing.assert_array_equal(found[name], values)
    reloaded = tf.saved_model.load(str(directory)).signatures[SERVING_DEFAULT]
    assert reloaded(values=tf.constant([1.0]))["doubled"].numpy() == [4.0]


def _nodes(directory: Path) -> list[NodeDef]:
    functions = read_serving_graph(directory).graph_def.library.function
    return [node for function in functions for node in function.node_def]


def _constants(directory: Path) -> list[float]:
    """The scalar constants of all functions, whatever their type."""
    tensors = [
        tf.make_ndarray(node.attr["value"].tensor)
        for node in _nodes(directory)
        if node.op == "Const"
    ]
    return [float(tensor) for tensor in tensors if tensor.ndim == 0 and tensor.dtype.kind in "fi"]


def _answers(directory: Path) -> list[dict[str, np.ndarray]]:
    servable = Servable(directory)
    requests = (np.ones(2, np.float32), np.ones(3, np.float32))
    return [servable.predict(SERVING_DEFAULT, {"values": values}) for values in requests]
