from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from exporter.artefact.rewriting import remove_save_only_ops, share_signatures
from exporter.runtime.servable import Servable
from exporter.serving.graph_file import read_serving_graph
from exporter.serving.reachability import op_uses

_OP = "DisableCopyOnRead"


def read(directory: Path) -> saved_model_pb2.SavedModel:
    saved_model = saved_model_pb2.SavedModel()
    saved_model.ParseFromString((directory / "saved_model.pb").read_bytes())
    return saved_model


def holds_op(directory: Path) -> bool:
    """Whether a node has the op, or the list of the ops that a loader must have names it."""
    stripped = [
        op.name
        for meta_graph in read(directory).meta_graphs
        for op in meta_graph.meta_info_def.stripped_op_list.op
    ]
    return _OP in op_uses(read_serving_graph(directory)) or _OP in stripped


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A small model with variables, as TensorFlow writes it."""
    module = tf.Module()
    module.scale = tf.Variable(3.0)
    module.offset = tf.Variable([1.0, 2.0])
    module.call = tf.function(
        lambda x: {"y": x * module.scale + module.offset},
        input_signature=[tf.TensorSpec([2], tf.float32, "x")],
    )
    tf.saved_model.save(module, str(tmp_path), signatures=module.call)
    return tmp_path


def test_the_op_goes_and_the_model_stays(saved: Path, tmp_path: Path) -> None:
    assert holds_op(saved)
    remove_save_only_ops(saved)
    assert not holds_op(saved)
    assert "NoOp" in op_uses(read_serving_graph(saved))
    loaded = tf.saved_model.load(str(saved))
    answer = loaded.signatures["serving_default"](x=tf.constant([1.0, 10.0]))["y"]
    assert answer.numpy().tolist() == [4.0, 32.0]
    # The function that it was written into still saves.
    tf.saved_model.save(loaded, str(tmp_path / "again"))
    again = tf.saved_model.load(str(tmp_path / "again"))
    assert again.offset.numpy().tolist() == [1.0, 2.0]


def test_nothing_waits_for_what_is_not_there(saved: Path) -> None:
    remove_save_only_ops(saved)
    for meta_graph in read(saved).meta_graphs:
        for function in meta_graph.graph_def.library.function:
            names = {node.name for node in function.node_def}
            names |= {argument.name for argument in function.signature.input_arg}
            for node in function.node_def:
                for source in node.input:
                    assert source.lstrip("^").split(":")[0] in names
                if node.op == "NoOp":
                    assert all(source.startswith("^") for source in node.input)
                    assert "T" not in node.attr


def test_a_second_time_changes_nothing(saved: Path) -> None:
    remove_save_only_ops(saved)
    content = (saved / "saved_model.pb").read_bytes()
    remove_save_only_ops(saved)
    assert read(saved) == saved_model_pb2.SavedModel.FromString(content)


def test_exports_are_without_it(tiny_export: Path) -> None:
    assert not holds_op(tiny_export)


def test_equal_signatures_share_their_tensors(tmp_path: Path) -> None:
    module = tf.Module()
    module.scale = tf.Variable(3.0)
    module.call = tf.function(
        lambda x: {"y": x * module.scale}, input_signature=[tf.TensorSpec([2], tf.float32, "x")]
    )
    signatures = {"serving_default": module.call, "one": module.call, "two": module.call}
    tf.saved_model.save(module, str(tmp_path), signatures=signatures)
    nodes_before = len(read_serving_graph(tmp_path).graph_def.node)
    share_signatures(tmp_path, {"serving_default": "one"})
    graph = read_serving_graph(tmp_path)
    assert graph.signature_def["serving_default"] == graph.signature_def["one"]
    assert graph.signature_def["one"] != graph.signature_def["two"]
    assert len(graph.graph_def.node) == nodes_before - 2
    servable = Servable(tmp_path)
    for name in signatures:
        answer = servable.predict(name, {"x": np.array([1, 10], np.float32)})
        assert answer["y"].tolist() == [3.0, 30.0]
    for function in tf.saved_model.load(str(tmp_path)).signatures.values():
        assert function(x=tf.constant([1.0, 10.0]))["y"].numpy().tolist() == [3.0, 30.0]


def test_exports_have_one_encoder_and_share_the_default(tiny_export: Path) -> None:
    graph = read_serving_graph(tiny_export)
    assert graph.signature_def["serving_default"] == graph.signature_def["text"]
    # All signatures call the same functions that hold the layers: for each premise one, and the
    # loop in it.
    kinds = [{node.op for node in f.node_def} for f in graph.graph_def.library.function]
    with_products = [kind for kind in kinds if "BatchMatMulV2" in kind]
    # Its weights are read before it, so that nothing in it has a state.
    loops = ["StatelessWhile" in kind for kind in with_products]
    assert (loops.count(True), loops.count(False)) == (3, 3)
