"""Where the time of a request goes, op by op, in the graph that a server runs.

TensorFlow's session traces the run and hands out the graph as grappler and the layout passes
left it, every function inlined. Its nodes are told apart by what feeds what:

  text      what the ids handed to the embedding tables are computed from: tokenization,
            truncation, packing, the order of the rows
  layout    further index arithmetic on the rows' lengths: places in padded attention, masks
  encoder   the embedding tables and all that follows from them
  weights   reading weights, and constants

Op time is from the start of a kernel to its end; two kernels may run at once.
"""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from exporter.serving.servable import Servable

TEXT, LAYOUT, ENCODER, WEIGHTS = STAGES = ("text", "layout", "encoder", "weights")

_TRACED_RUNS = 15
_TIMED_RUNS = 30
_GATHERS = ("ResourceGather", "GatherV2", "Gather")
# What a table passes on its way to the gather.
_PASSED_ON = ("Identity", "Enter", "ReadVariableOp", "Cast", "Switch", "Merge", "RefEnter")
_HOLDERS = ("VarHandleOp", "Const", "VariableV2")


class Node(NamedTuple):
    """One node of the optimised graph, with its time in one request."""

    name: str
    kind: str
    """the op, with what is fused into it"""
    stage: str
    milliseconds: float
    """median over the traced runs; a node inside a loop may run several times in each"""
    runs: int


class Profile(NamedTuple):
    """One request, looked at closely."""

    nodes: list[Node]
    latency_ms: float
    """median of the request without any tracing"""
    busy_ms: float
    """of a traced run: the time in which at least one kernel ran"""
    span_ms: float
    """of a traced run: from the first kernel's start to the last one's end"""

    def stage_ms(self, stage: str) -> float:
        return sum(node.milliseconds for node in self.nodes if node.stage == stage)

    @property
    def total_ms(self) -> float:
        return sum(node.milliseconds for node in self.nodes)

    @property
    def text_share(self) -> float:
        """Tokenization, packing and layout, of all op time."""
        return (self.stage_ms(TEXT) + self.stage_ms(LAYOUT)) / self.total_ms

    def by_kind(self, stage: str) -> list[tuple[str, int, float]]:
        """(kind, executions, milliseconds) of a stage's ops, the most expensive first."""
        runs: dict[str, int] = defaultdict(int)
        times: dict[str, float] = defaultdict(float)
        for node in self.nodes:
            if node.stage == stage:
                runs[node.kind] += node.runs
                times[node.kind] += node.milliseconds
        return sorted(((kind, runs[kind], times[kind]) for kind in runs), key=lambda row: -row[2])


class GraphProfiler:
    """One text signature of a SavedModel in a session, traced."""

    def __init__(self, directory: Path, signature: str = "text") -> None:
        """Loads the SavedModel; the signature has one input, texts."""
        self._servable = Servable(directory)
        self._session = self._servable._session
        definition = self._servable.signature(signature)
        (self._feed,) = (info.name for info in definition.inputs.values())
        self._fetches = [info.name for info in definition.outputs.values()]
        self._graph: tf.compat.v1.GraphDef | None = None

    def optimised_graph(self) -> tf.compat.v1.GraphDef:
        """The graph that runs for the signature, as its first request leaves it."""
        if self._graph is None:
            options = tf.compat.v1.RunOptions(output_partition_graphs=True)
            metadata = self._run(["a film"], options)
            (self._graph,) = metadata.partition_graphs
        return self._graph

    def op_counts(self) -> list[tuple[str, int]]:
        """(kind, nodes) of the optimised graph, the most numerous first."""
        counts: dict[str, int] = defaultdict(int)
        for node in self.optimised_graph().node:
            counts[_kind(node)] += 1
        return sorted(counts.items(), key=lambda row: -row[1])

    def profile(self, texts: Sequence[str]) -> Profile:
        """Times one request: without tracing, then kernel by kernel."""
        graph = self.optimised_graph()
        stages = _stages(graph)
        kinds = {node.name: _kind(node) for node in graph.node}
        for _ in range(3):
            self._run(texts)
        latencies = []
        for _ in range(_TIMED_RUNS):
            start = perf_counter()
            self._run(texts)
            latencies.append((perf_counter() - start) * 1e3)

        options = tf.compat.v1.RunOptions(trace_level=tf.compat.v1.RunOptions.FULL_TRACE)
        times: dict[str, list[float]] = defaultdict(list)
        runs: dict[str, int] = {}
        busy, spans = [], []
        for _ in range(_TRACED_RUNS):
            executions = _executions(self._run(texts, options))
            of_run: dict[str, list[float]] = defaultdict(list)
            for name, start, end in executions:
                of_run[name].append((end - start) / 1e3)
            for name, values in of_run.items():
                times[name].append(sum(values))
                runs[name] = len(values)
            busy.append(_covered(executions) / 1e3)
            first = min(start for _, start, _ in executions)
            spans.append((max(end for _, _, end in executions) - first) / 1e3)
        nodes = [
            Node(name, kinds[name], stages[name], statistics.median(values), runs[name])
            for name, values in times.items()
            if name in kinds
        ]
        medians = map(statistics.median, (latencies, busy, spans))
        return Profile(nodes, *medians)

    def _run(
        self, texts: Sequence[str], options: tf.compat.v1.RunOptions | None = None
    ) -> tf.compat.v1.RunMetadata:
        metadata = tf.compat.v1.RunMetadata() if options else None
        feed = np.array([text.encode() for text in texts], object)
        self._session.run(self._fetches, {self._feed: feed}, options=options, run_metadata=metadata)
        return metadata


def _executions(metadata: tf.compat.v1.RunMetadata) -> list[tuple[str, int, int]]:
    """(node, start, end) of every kernel that ran, in microseconds."""
    return [
        (
            node.node_name,
            node.all_start_micros + node.op_start_rel_micros,
            node.all_start_micros + node.op_end_rel_micros,
        )
        for device in metadata.step_stats.dev_stats
        for node in device.node_stats
    ]


def _covered(executions: Iterable[tuple[str, int, int]]) -> int:
    """The length of the union of the intervals."""
    total, reached = 0, 0
    for _, start, end in sorted(executions, key=lambda execution: execution[1]):
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total


def _kind(node: Any) -> str:
    fused = [name.decode() for name in node.attr["fused_ops"].list.s]
    dtype = node.attr["T"].type
    suffix = " bfloat16" if dtype == tf.bfloat16.as_datatype_enum else ""
    return node.op + (f"({'+'.join(fused)})" if fused else "") + suffix


def _stages(graph: tf.compat.v1.GraphDef) -> dict[str, str]:
    """Node name -> stage."""
    nodes = {node.name: node for node in graph.node}
    inputs = {node.name: _data_inputs(node.input) for node in graph.node}
    consumers: dict[str, list[str]] = defaultdict(list)
    for name, sources in inputs.items():
        for source in sources:
            consumers[source].append(name)

    tables = [node.name for node in graph.node if _looks_up_weights(node, nodes, inputs)]
    if not tables:
        raise ValueError("nothing in the graph looks up rows of a table of floats")
    text = _reachable((inputs[name][1] for name in tables), inputs)
    requests = [node.name for node in graph.node if node.op in ("_Recv", "Placeholder", "_Arg")]
    from_request = _reachable(requests, consumers)
    encoder = _reachable(tables, consumers)
    stages = {}
    for name in nodes:
        if name in text and name in from_request:
            stages[name] = TEXT
        elif name in encoder:
            stages[name] = ENCODER
        else:
            stages[name] = LAYOUT if name in from_request else WEIGHTS
    return stages


def _data_inputs(inputs: Iterable[str]) -> list[str]:
    return [name.split(":")[0] for name in inputs if not name.startswith("^")]


def _looks_up_weights(
    node: Any, nodes: Mapping[str, Any], inputs: Mapping[str, Sequence[str]]
) -> bool:
    """Whether the node gathers rows of a table of floats that belongs to the model."""
    if node.op not in _GATHERS:
        return False
    dtype = node.attr["dtype" if node.op == "ResourceGather" else "Tparams"].type
    source = inputs[node.name][0]
    while nodes[source].op in _PASSED_ON:
        source = inputs[source][0]
    return tf.as_dtype(dtype).is_floating and nodes[source].op in _HOLDERS


def _reachable(start: Iterable[str], edges: Mapping[str, Sequence[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = list(start)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(edges.get(name, ()))
    return seen
