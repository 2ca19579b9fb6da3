"""SavedNetwork: the part of a SavedModel's graph behind one output, and its variables' values."""

import dataclasses
from collections.abc import Collection, Iterable, Mapping

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.function_pb2 import FunctionDef
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.framework.node_def_pb2 import NodeDef

from bert.errors import UserError
from exporter.serving.reachability import called_functions

# Variables of TensorFlow 1, whose output is the value, and resource variables, whose output is
# a handle.
_VALUE_VARIABLES = frozenset({"Variable", "VariableV2"})
_HANDLE_VARIABLE = "VarHandleOp"
# Of nodes, without meaning elsewhere: colocation with nodes that are left out, and the names of
# gradients, which nobody asks for.
_ATTRIBUTES_LEFT_OUT = ("_class", "_gradient_op_type")
# So that no function has the name of one of ours.
_FUNCTION_PREFIX = "wrapped_"


@dataclasses.dataclass(frozen=True)
class SavedNetwork:
    """A graph from feature tensors to one output, without its inputs and variables."""

    graph_def: GraphDef

    handles: Mapping[str, np.ndarray]
    """node of a variable -> its value, where the graph takes the variable's handle"""

    values: Mapping[str, np.ndarray]
    """node of a variable -> its value, where the graph takes the value"""

    inputs: Mapping[str, str]
    """what the input means -> its tensor, of those that the output depends on"""

    output: str
    """a tensor"""


def cut_network(
    session: tf.compat.v1.Session, inputs: Mapping[str, str], output: str, directory: str
) -> SavedNetwork:
    """Takes out of a loaded SavedModel what is behind `output`, unchanged.

    Args:
      session: has its graph and the values of its variables.
      inputs: what each input means -> its tensor.
      output: a tensor.
      directory: of the SavedModel, for messages.

    Raises:
      UserError: the output depends on something else than the inputs and variables.
    """
    graph = session.graph
    source = tf.compat.v1.graph_util.extract_sub_graph(graph.as_graph_def(), [node_name(output)])
    fed = {node_name(tensor) for tensor in inputs.values()}
    variables = {node.name: node for node in source.node if is_variable(node)}
    for node in source.node:
        if node.op == "Placeholder" and node.name not in fed:
            raise UserError(
                f"--checkpoint {directory}: its output depends on the placeholder {node.name!r}, "
                "which its signature does not name: export the model for inference."
            )
    present = {node.name for node in source.node}
    _leave_out(source, fed | variables.keys())
    with graph.as_default():
        fetches = {name: _value(graph, node) for name, node in variables.items()}
    try:
        values = session.run(fetches)
    except tf.errors.FailedPreconditionError as error:
        raise UserError(
            f"--checkpoint {directory}: a variable has no value ({_first_line(error)}): the "
            "SavedModel is not whole, export or copy it once more."
        ) from error
    by_handle = {name for name, node in variables.items() if node.op == _HANDLE_VARIABLE}
    return SavedNetwork(
        graph_def=source,
        handles={name: value for name, value in values.items() if name in by_handle},
        values={name: value for name, value in values.items() if name not in by_handle},
        inputs={
            meaning: tensor for meaning, tensor in inputs.items() if node_name(tensor) in present
        },
        output=output,
    )


def is_variable(node: NodeDef) -> bool:
    """Whether it is a variable, of TensorFlow 1 or a resource."""
    return node.op == _HANDLE_VARIABLE or node.op in _VALUE_VARIABLES


def _value(graph: tf.Graph, variable: NodeDef) -> tf.Tensor:
    tensor = graph.get_tensor_by_name(f"{variable.name}:0")
    if variable.op != _HANDLE_VARIABLE:
        return tensor
    return tf.raw_ops.ReadVariableOp(resource=tensor, dtype=variable.attr["dtype"].type)


def _leave_out(graph_def: GraphDef, names: Iterable[str]) -> None:
    """Removes nodes that something of ours will stand for, and functions that nobody calls."""
    names = frozenset(names)
    nodes = [_copy(node) for node in graph_def.node if node.name not in names]
    controls = {f"^{name}" for name in names}
    for node in nodes:
        inputs = [source for source in node.input if source not in controls]
        del node.input[:]
        node.input.extend(inputs)
    library = {function.signature.name: function for function in graph_def.library.function}
    called: dict[str, FunctionDef] = {}
    waiting = list(nodes)
    while waiting:
        for name in called_functions(waiting.pop()):
            if name in library and name not in called:
                called[name] = FunctionDef.FromString(library[name].SerializeToString())
                waiting.extend(called[name].node_def)
    for function in called.values():
        function.signature.name = _FUNCTION_PREFIX + function.signature.name
    for node in [*nodes, *(node for function in called.values() for node in function.node_def)]:
        _make_portable(node, called.keys())
    del graph_def.node[:]
    graph_def.node.extend(nodes)
    graph_def.library.Clear()
    graph_def.library.function.extend(called.values())


def _copy(node: NodeDef) -> NodeDef:
    return NodeDef.FromString(node.SerializeToString())


def _make_portable(node: NodeDef, functions: Collection[str]) -> None:
    node.device = ""
    for name in _ATTRIBUTES_LEFT_OUT:
        node.attr.pop(name, None)
    if node.op in functions:
        node.op = _FUNCTION_PREFIX + node.op
    for value in node.attr.values():
        for function in [value.func] if value.HasField("func") else value.list.func:
            if function.name in functions:
                function.name = _FUNCTION_PREFIX + function.name


def node_name(tensor: str) -> str:
    """`a:0` -> `a`."""
    return tensor.split(":")[0]


def _first_line(error: tf.errors.OpError) -> str:
    return next(iter(str(error.message).splitlines()), "")
