"""Which signatures of a SavedModel reach which ops."""

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping

import tensorflow as tf
from tensorflow.core.framework.attr_value_pb2 import AttrValue
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef, SignatureDef

from exporter.serving.core_op_table import KERNEL_LABEL, OPS_WITH_KERNELS, kernel_name

# TensorFlow keeps the initialisation among the signatures, under names with this prefix; no client
# calls it.
_NOT_CALLED_PREFIX = "__saved_model_"

# Attributes that do not change what the op does.
_NAMES_FOR_PEOPLE = frozenset({("VarHandleOp", "debug_name")})


@dataclasses.dataclass(frozen=True)
class OpUse:
    """How a graph uses one op."""

    attributes: frozenset[str]
    """the attributes that a node with this op sets to another value than the default, and for one
    of OPS_WITH_KERNELS the kernels"""

    signatures: tuple[str, ...]
    """the signatures that reach such a node, sorted; none for saving and initialisation"""


def called_signatures(signatures: Mapping[str, SignatureDef]) -> Mapping[str, SignatureDef]:
    """The signatures that a client can call, by name."""
    return {
        name: signature
        for name, signature in sorted(signatures.items())
        if not name.startswith(_NOT_CALLED_PREFIX)
    }


def op_uses(meta_graph: MetaGraphDef) -> Mapping[str, OpUse]:
    """Every op of the graph and of its function library, whether a signature reaches it or not.

    A server registers the whole graph, so an op that no signature reaches counts as well.
    """
    nodes = _Nodes(meta_graph)
    defaults = {
        (op.name, attribute.name): attribute.default_value
        for op in meta_graph.meta_info_def.stripped_op_list.op
        for attribute in op.attr
        if attribute.HasField("default_value")
    }
    attributes: dict[str, set[str]] = {}
    for node in nodes.all():
        attributes.setdefault(node.op, set()).update(_set_attributes(node, defaults))
    signatures: dict[str, list[str]] = {}
    for name, signature in called_signatures(meta_graph.signature_def).items():
        for op in nodes.ops_behind(info.name for info in output_tensors(signature)):
            signatures.setdefault(op, []).append(name)
    return {
        op: OpUse(frozenset(names), tuple(signatures.get(op, ())))
        for op, names in sorted(attributes.items())
        if op not in nodes.functions
    }


def ops_behind(meta_graph: MetaGraphDef, tensors: Iterable[str]) -> set[str]:
    """The ops that compute `tensors`, those of called functions included."""
    nodes = _Nodes(meta_graph)
    return {op for op in nodes.ops_behind(tensors) if op not in nodes.functions}


class _Nodes:
    """The nodes of a graph by name, and those of its functions by function."""

    def __init__(self, meta_graph: MetaGraphDef) -> None:
        graph = meta_graph.graph_def
        self._graph = {node.name: node for node in graph.node}
        self.functions: Mapping[str, Collection[NodeDef]] = {
            function.signature.name: function.node_def for function in graph.library.function
        }

    def all(self) -> Iterator[NodeDef]:
        """The nodes of the graph and of all its functions."""
        yield from self._graph.values()
        for body in self.functions.values():
            yield from body

    def ops_behind(self, tensors: Iterable[str]) -> set[str]:
        """The ops that compute `tensors` of the main graph."""
        ops: set[str] = set()
        waiting = [_node_name(tensor) for tensor in tensors]
        seen = set(waiting)
        seen_functions: set[str] = set()
        while waiting:
            node = self._graph.get(waiting.pop())
            if node is None:
                continue
            ops |= self._ops_of(node, seen_functions)
            sources = {_node_name(source) for source in node.input} - seen
            seen |= sources
            waiting.extend(sources)
        return ops

    def _ops_of(self, node: NodeDef, seen_functions: set[str]) -> set[str]:
        """The op of a node, and those of the functions that it calls.

        All nodes of a function count, since a server instantiates the whole body before it prunes.
        """
        ops = {node.op}
        waiting = [node]
        while waiting:
            for name in called_functions(waiting.pop()):
                if name in self.functions and name not in seen_functions:
                    seen_functions.add(name)
                    ops.update(inner.op for inner in self.functions[name])
                    waiting.extend(self.functions[name])
        return ops


def _set_attributes(node: NodeDef, defaults: Mapping[tuple[str, str], AttrValue]) -> Iterator[str]:
    for name, value in node.attr.items():
        # A leading underscore marks a note that no op definition lists.
        if name.startswith("_") or (node.op, name) in _NAMES_FOR_PEOPLE:
            continue
        if value != defaults.get((node.op, name)):
            yield name
    if node.op in OPS_WITH_KERNELS:
        # Saving leaves out what is the default.
        values = {name: value for (op, name), value in defaults.items() if op == node.op}
        values |= node.attr
        told = {name: tf.as_dtype(each.type).name for name, each in values.items() if each.type}
        if KERNEL_LABEL in values:
            told[KERNEL_LABEL] = values[KERNEL_LABEL].s.decode()
        yield kernel_name(told)


def called_functions(node: NodeDef) -> Iterator[str]:
    """Names that may be functions of the library: the op itself, branches of `If` or `While`."""
    yield node.op
    for value in node.attr.values():
        if value.HasField("func"):
            yield value.func.name
        for function in value.list.func:
            yield function.name


def _node_name(tensor: str) -> str:
    return tensor.lstrip("^").split(":")[0]


def output_tensors(signature: SignatureDef) -> Iterator:
    """The outputs, with the parts of composite ones."""
    for info in signature.outputs.values():
        yield info
        yield from info.composite_tensor.components
        coo = info.coo_sparse
        for name in (coo.values_tensor_name, coo.indices_tensor_name, coo.dense_shape_tensor_name):
            if name:
                yield type(info)(name=name)
