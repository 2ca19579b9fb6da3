from pathlib import Path

import pytest
from tensorflow.core.protobuf import saved_model_pb2

from bert.errors import UserError
from exporter.serving import gate
from exporter.serving.op_tables import OpTables, parse_release
from exporter.text.wordpiece import CLASSIC_OP, FAST_OP


@pytest.fixture(scope="module")
def tables() -> OpTables:
    return OpTables()


def write_graph(directory: Path, ops: list[str], function_ops: list[str] = ()) -> Path:
    """A SavedModel of nothing but nodes with these ops, some of them in a function `helper`."""
    saved_model = saved_model_pb2.SavedModel()
    graph = saved_model.meta_graphs.add().graph_def
    for op in ops:
        graph.node.add(name=f"node_{op.lower()}", op=op)
    function = graph.library.function.add()
    function.signature.name = "helper"
    for op in function_ops:
        function.node_def.add(name=op.lower(), op=op)
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
    assert gate.graph_ops(directory) == ["MatMul", "Softmax"]
    report = gate.check(directory, parse_release("2.12.0"), tables)
    assert report.ops == ("MatMul", "Softmax")


@pytest.mark.parametrize(
    ("target", "op"),
    [
        ("2.5.1", CLASSIC_OP),
        ("2.7.4", CLASSIC_OP),
        ("2.8.0", CLASSIC_OP),
        ("2.9.3", CLASSIC_OP),
        ("2.10.0", FAST_OP),
        ("2.12.0", FAST_OP),
        ("2.20.0", FAST_OP),
    ],
)
def test_fastest_op(tables: OpTables, target: str, op: str) -> None:
    assert gate.fastest_word_piece_op(parse_release(target), tables) == op


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
