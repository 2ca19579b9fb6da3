from collections.abc import Sequence
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from bert.encoder.precision import BFLOAT16, FLOAT32, INT8, INT8_SUMS
from bert.errors import UserError
from exporter.serving import gate
from exporter.serving.op_tables import OpTables
from exporter.serving.release import parse_release
from exporter.text.engine.wordpiece import CLASSIC_OP, FAST_OP


@pytest.fixture(scope="module")
def tables() -> OpTables:
    return OpTables()


def write_graph(directory: Path, ops: Sequence[str], function_ops: Sequence[str] = ()) -> Path:
    """A SavedModel of nothing but nodes with these ops, some of them in a function `helper`.

    The signature `text` needs the first node of the graph, and no signature the others.
    """
    saved_model = saved_model_pb2.SavedModel()
    meta_graph = saved_model.meta_graphs.add()
    meta_graph.meta_info_def.tags.append("serve")
    graph = meta_graph.graph_def
    for op in ops:
        graph.node.add(name=f"node_{op.lower()}", op=op)
    function = graph.library.function.add()
    function.signature.name = "helper"
    for op in function_ops:
        function.node_def.add(name=op.lower(), op=op)
    if ops:
        meta_graph.signature_def["text"].outputs["y"].name = f"{graph.node[0].name}:0"
    (directory / "saved_model.pb").write_bytes(saved_model.SerializeToString())
    return directory


@pytest.mark.parametrize("in_function", [False, True])
def test_an_op_of_one_release_only(tables: OpTables, tmp_path: Path, in_function: bool) -> None:
    ops = ["TFText>RoundRobinTrim"]
    directory = write_graph(tmp_path, [] if in_function else ops, ops if in_function else [])
    with pytest.raises(UserError) as told:
        gate.check(directory, parse_release("2.19.1"), tables)
    for part in ("TFText>RoundRobinTrim", "--target_serving", "2.19.1", "2.20.0"):
        assert part in str(told.value)
    report = gate.check(directory, parse_release("2.20.0"), tables)
    assert report.oldest_release == "2.20.0"


def test_the_signatures_that_reach_it_are_named(tables: OpTables, tmp_path: Path) -> None:
    directory = write_graph(tmp_path, ["TFText>RoundRobinTrim"])
    with pytest.raises(UserError, match=r"RoundRobinTrim, which the signature text reaches: give"):
        gate.check(directory, parse_release("2.19.1"), tables)
    # The server loads the whole graph, so an op for nobody counts as well.
    directory = write_graph(tmp_path, ["MatMul", "TFText>RoundRobinTrim"])
    with pytest.raises(UserError, match="RoundRobinTrim, which no signature reaches, but"):
        gate.check(directory, parse_release("2.19.1"), tables)


def test_the_release_that_is_advised_has_all_ops(tables: OpTables, tmp_path: Path) -> None:
    directory = write_graph(tmp_path, ["FastBertNormalize", "MatMul", "TFText>RoundRobinTrim"])
    with pytest.raises(UserError) as told:
        gate.check(directory, parse_release("2.11.0"), tables)
    for part in ("2.11.1 cannot run the op FastBertNormalize", "nor TFText>RoundRobinTrim"):
        assert part in str(told.value)
    assert str(told.value).endswith("give --target_serving=2.20.0 or newer.")


def test_an_attribute_that_older_releases_ignore(tables: OpTables, tmp_path: Path) -> None:
    """The products of a gradient have been told by attributes since TensorFlow 2.14."""
    write_graph(tmp_path, ["MatMul"])
    file = tmp_path / "saved_model.pb"
    saved_model = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    (node,) = saved_model.meta_graphs[0].graph_def.node
    node.attr["transpose_a"].b = True
    node.attr["_a_note"].b = True
    file.write_bytes(saved_model.SerializeToString())
    assert gate.check(tmp_path, parse_release("2.12.0"), tables).oldest_release == "2.5.1"
    node.attr["grad_a"].b = True
    file.write_bytes(saved_model.SerializeToString())
    with pytest.raises(
        UserError, match=r"2\.1\d\.\d ignores grad_a of the op MatMul, which the sig"
    ):
        gate.check(tmp_path, parse_release("2.12.0"), tables)
    # Written out, its default changes nothing.
    op = saved_model.meta_graphs[0].meta_info_def.stripped_op_list.op.add(name="MatMul")
    op.attr.add(name="grad_a").default_value.b = True
    file.write_bytes(saved_model.SerializeToString())
    assert gate.check(tmp_path, parse_release("2.12.0"), tables).oldest_release == "2.5.1"


def test_an_op_that_went_away_in_between(tables: OpTables, tmp_path: Path) -> None:
    """The target has it, but a later release has not."""
    directory = write_graph(tmp_path, [FAST_OP])
    with pytest.raises(UserError, match=r"2\.7\.4.*2\.(8|9)\.\d.*FastWordpiece.*2\.10\.0"):
        gate.check(directory, parse_release("2.7.4"), tables)
    assert gate.check(directory, parse_release("2.10.0"), tables).oldest_release == "2.10.0"


def test_an_op_that_no_release_has(tables: OpTables, tmp_path: Path) -> None:
    directory = write_graph(tmp_path, ["MatMul", "MyOwnOp"])
    with pytest.raises(UserError, match="MyOwnOp"):
        gate.check(directory, parse_release("2.12.0"), tables)


def test_calls_of_functions_are_no_ops(tables: OpTables, tmp_path: Path) -> None:
    directory = write_graph(tmp_path, ["MatMul", "helper"], ["Softmax"])
    report = gate.check(directory, parse_release("2.12.0"), tables)
    assert report.ops == ("MatMul", "Softmax")


def test_the_form_of_a_precision(tables: OpTables) -> None:
    for target, form in (((2, 12, 0), INT8_SUMS), ((2, 16, 1), INT8_SUMS), ((2, 17, 0), INT8)):
        assert gate.runnable_precision(INT8, target, tables).name == form
    for name in (FLOAT32, BFLOAT16):
        assert gate.runnable_precision(name, (2, 5, 1), tables).name == name


def test_targets(tables: OpTables) -> None:
    assert gate.target_release("2.12", tables) == (2, 12, 0)
    for text in ("2.5.1", "2.20.0"):
        assert gate.target_release(text, tables) == parse_release(text)
    for text in ("2.4.4", "2.5.0", "1.15.0", "2.20.1", "2.21.0", "3.0.0", "newest", "", "2.12.x"):
        with pytest.raises(UserError, match="--target_serving"):
            gate.target_release(text, tables)


def test_the_export_has_only_ops_of_the_release(tables: OpTables, tiny_export: Path) -> None:
    report = gate.check(tiny_export, parse_release("2.12.0"), tables)
    assert report.oldest_release == "2.10.0"
    assert FAST_OP in report.ops
    assert CLASSIC_OP not in report.ops


@pytest.mark.parametrize("dynamic", [True, False])
def test_a_growing_tensor_array(tables: OpTables, tmp_path: Path, dynamic: bool) -> None:
    """It loads on 2.12, and every request fails there: the list grows by a newer attribute."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def doubled(x: tf.Tensor) -> dict[str, tf.Tensor]:
        size = tf.shape(x)[0]
        start = tf.TensorArray(tf.float32, 0 if dynamic else size, dynamic, element_shape=[])
        _, filled = tf.while_loop(
            lambda i, array: i < size,
            lambda i, array: (i + 1, array.write(i, 2 * x[i])),
            [0, start],
        )
        return {"y": filled.stack()}

    module = tf.Module()
    module.doubled = doubled
    tf.saved_model.save(module, str(tmp_path), signatures={"doubled": doubled})
    if dynamic:
        with pytest.raises(UserError, match=r"2\.12\.2 ignores resize_if.*doubled.*=2\.13\.0 or"):
            gate.check(tmp_path, parse_release("2.12.0"), tables)
        assert gate.check(tmp_path, parse_release("2.13.0"), tables).oldest_release == "2.13.0"
    else:
        gate.check(tmp_path, parse_release("2.12.0"), tables)
