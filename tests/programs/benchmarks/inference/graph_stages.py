"""What each op of a request is for, by what feeds what among the ops that ran.

text      what the ids handed to the embedding tables are computed from: tokenization,
          truncation, packing, the order of the rows
layout    further index arithmetic on the rows' lengths: places in padded attention, masks
encoder   the embedding tables and what follows from them, up to the last product of matrices, which
          is that of the head where there is one
answer    what is made of that product: activation, pooling, entities, spans
weights   reading weights, and constants
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

TEXT, LAYOUT, ENCODER, ANSWER, WEIGHTS = STAGES = (
    *("text", "layout", "encoder", "answer", "weights"),
)

_FUNCTION_CALLS = ("StatefulPartitionedCall", "PartitionedCall")
_RETURNED = " (returned)"
# In the name of every op that multiplies matrices.
_PRODUCT = "MatMul"
# How the session calls the argument of its own graph that stands for a fed tensor.
_FED = "_arg_"
# What a table passes on its way from the variable to the gather.
_PASSED_ON = ("Identity", "Enter", "Cast", "Switch", "Merge", "EnsureShape")


class ExecutedOp(NamedTuple):
    """One kernel's run as TensorFlow traced it."""

    name: str
    kind: str
    """the op's type"""
    inputs: tuple[str, ...]
    """names of the nodes whose tensors it takes"""
    start: int
    """microseconds"""
    end: int

    @property
    def calls_a_function(self) -> bool:
        """Whether its time is that of other ops."""
        return self.kind in _FUNCTION_CALLS


def parse_label(label: str) -> tuple[str, str, tuple[str, ...]]:
    """Name, op and data inputs of TensorFlow's "[cpu 0.4MB] name = Op(input:1, other, ^control)".

    What is in brackets, if anything, is memory.
    """
    name, _, call = label.rpartition("] ")[2].partition(" = ")
    kind, _, arguments = call.partition("(")
    inputs = (argument.strip() for argument in arguments.rstrip(")").split(","))
    return name, kind, tuple(each.split(":")[0] for each in inputs if each and each[0] != "^")


def stages_of(executed: Iterable[ExecutedOp]) -> dict[str, str]:
    """Node name -> stage.

    Raises:
      ValueError: no op looks up rows of a variable, so there is no encoder.
    """
    kinds: dict[str, str] = {}
    inputs: dict[str, tuple[str, ...]] = {}
    for op in executed:
        kinds[op.name], inputs[op.name] = op.kind, op.inputs
    tables = [name for name in kinds if _looks_up_weights(name, kinds, inputs)]
    if not tables:
        raise ValueError("nothing in the graph looks up rows of a table of weights")
    ids = [inputs[name][1] for name in tables]
    for name, kind in kinds.items():
        if kind == "ReadVariableOp":
            inputs[name] = ()
    for name in tables:
        inputs[name] = (inputs[name][1],)
    _join_functions(kinds, inputs)

    consumers: dict[str, list[str]] = defaultdict(list)
    for name, sources in inputs.items():
        for source in sources:
            consumers[source].append(name)
    text = _reachable(ids, inputs)
    fed = [name for name, kind in kinds.items() if kind == "_Arg" and name.startswith(_FED)]
    from_request = _reachable(fed, consumers)
    after_tables = _reachable(tables, consumers)
    products = [name for name in after_tables if _PRODUCT in kinds.get(name, "")]
    before_products = _reachable(products, inputs)
    stages = {}
    for name in kinds:
        if name in text and name in from_request:
            stages[name] = TEXT
        elif name in after_tables:
            stages[name] = ENCODER if name in before_products else ANSWER
        else:
            stages[name] = LAYOUT if name in from_request else WEIGHTS
    return stages


def _join_functions(kinds: Mapping[str, str], inputs: dict[str, tuple[str, ...]]) -> None:
    """Links the arguments and results of functions to the ops that called them.

    A trace does not say which call ran a function's ops; every function is taken for called by
    every call, which suits a graph whose functions are variants of one.
    """
    calls = tuple(name for name, kind in kinds.items() if kind in _FUNCTION_CALLS)
    results = tuple(
        name for name, kind in kinds.items() if kind == "_Retval" and not name.startswith("_retval")
    )
    for name, sources in list(inputs.items()):
        inputs[name] = tuple(each + _RETURNED if each in calls else each for each in sources)
        if kinds[name] == "_Arg" and not name.startswith(_FED):
            inputs[name] = calls
    for name in calls:
        inputs[name + _RETURNED] = results


def _looks_up_weights(
    name: str, kinds: Mapping[str, str], inputs: Mapping[str, Sequence[str]]
) -> bool:
    """Whether the node gathers rows of a variable."""
    if kinds[name] == "ResourceGather":
        return True
    if kinds[name] != "GatherV2":
        return False
    source = inputs[name][0]
    while kinds.get(source) in _PASSED_ON:
        source = inputs[source][0]
    return kinds.get(source) == "ReadVariableOp"


def _reachable(start: Iterable[str], edges: Mapping[str, Sequence[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = list(start)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(edges.get(name, ()))
    return seen
