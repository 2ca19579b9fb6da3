"""Rewrites a saved graph so that older servers load it."""

from collections.abc import Iterable
from pathlib import Path

from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.protobuf import saved_model_pb2

from exporter.serving.graph_file import GRAPH_FILE

# TensorFlow from 2.10 on writes it into the function that saves variables, which no server
# runs; a server on TensorFlow 2.9 or older refuses a graph that holds it.
_SAVE_ONLY_OP = "DisableCopyOnRead"


def remove_save_only_ops(directory: Path) -> None:
    """Turns `DisableCopyOnRead` into `NoOp` in the graph and its functions."""
    file = directory / GRAPH_FILE
    saved_model = saved_model_pb2.SavedModel()
    saved_model.ParseFromString(file.read_bytes())
    for meta_graph in saved_model.meta_graphs:
        _rewrite(meta_graph.graph_def.node, in_function=False)
        for function in meta_graph.graph_def.library.function:
            _rewrite(function.node_def, in_function=True)
        stripped_ops = meta_graph.meta_info_def.stripped_op_list.op
        kept = [op for op in stripped_ops if op.name != _SAVE_ONLY_OP]
        del stripped_ops[:]
        stripped_ops.extend(kept)
    file.write_bytes(saved_model.SerializeToString())


def _rewrite(nodes: Iterable[NodeDef], in_function: bool) -> None:
    nodes = list(nodes)
    names = {node.name for node in nodes}
    for node in nodes:
        if node.op != _SAVE_ONLY_OP:
            continue
        inputs = [name.lstrip("^").split(":")[0] for name in node.input]
        node.op = "NoOp"
        node.attr.clear()
        del node.input[:]
        # A function's arguments are no nodes, so nothing can wait for them.
        node.input.extend(f"^{name}" for name in inputs if not in_function or name in names)
