"""Rewrites a saved graph: older servers load it, and equal signatures are one."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from exporter.contract import GRAPH_FILE

# TensorFlow from 2.10 on writes it into the function that saves variables, which no server
# runs; a server on TensorFlow 2.9 or older refuses a graph that holds it.
_SAVE_ONLY_OP = "DisableCopyOnRead"


def remove_save_only_ops(directory: Path) -> None:
    """Turns `DisableCopyOnRead` into `NoOp` in the graph and its functions."""
    with rewritten_graphs(directory) as meta_graphs:
        for meta_graph in meta_graphs:
            _rewrite(meta_graph.graph_def.node, in_function=False)
            for function in meta_graph.graph_def.library.function:
                _rewrite(function.node_def, in_function=True)
            stripped_ops = meta_graph.meta_info_def.stripped_op_list.op
            kept = [op for op in stripped_ops if op.name != _SAVE_ONLY_OP]
            del stripped_ops[:]
            stripped_ops.extend(kept)


def share_signatures(directory: Path, same_as: Mapping[str, str]) -> None:
    """Gives signatures the tensors of others that were saved from the same function.

    A server optimises a graph for every set of tensors that is asked for, and saving gives each
    signature its own.

    Args:
      directory: a SavedModel as `tf.saved_model.save` wrote it.
      same_as: signature -> the one whose tensors it gets.
    """
    with rewritten_graphs(directory) as meta_graphs:
        for meta_graph in meta_graphs:
            signatures = meta_graph.signature_def
            dropped = {
                tensor.name.split(":")[0]
                for name in same_as
                for tensors in (signatures[name].inputs, signatures[name].outputs)
                for tensor in tensors.values()
            }
            for name, other in same_as.items():
                signatures[name].CopyFrom(signatures[other])
            nodes = meta_graph.graph_def.node
            kept = [node for node in nodes if node.name not in dropped]
            del nodes[:]
            nodes.extend(kept)


@contextmanager
def rewritten_graphs(directory: Path) -> Iterator[Iterable[MetaGraphDef]]:
    """The graphs of a SavedModel, which is written with what became of them."""
    file = directory / GRAPH_FILE
    saved_model = SavedModel()
    saved_model.ParseFromString(file.read_bytes())
    yield saved_model.meta_graphs
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
