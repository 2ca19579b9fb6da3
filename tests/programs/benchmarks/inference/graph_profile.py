"""Where the time of a request goes, op by op, in the graph that a server runs.

TensorFlow's session traces the run: every kernel that ran, in the graph as grappler and the layout
passes left it and in the functions that it calls.

Op time is from the start of a kernel to its end; two kernels may run at once. The calls of
functions are left out, being the time of other ops.
"""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from exporter.runtime.servable import Servable
from tests.programs.benchmarks.inference.graph_stages import (
    ANSWER,
    LAYOUT,
    TEXT,
    ExecutedOp,
    parse_label,
    stages_of,
)
from tests.programs.benchmarks.inference.worker import Row

_TRACED_RUNS = 15
_TIMED_RUNS = 30


class Node(NamedTuple):
    """One node of the optimised graph, with its time in one request."""

    name: str
    kind: str
    """the op's type"""
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

    @property
    def share_outside_encoder(self) -> float:
        """The text's, and what is made of the encoder's last product, of all op time."""
        return self.text_share + self.stage_ms(ANSWER) / self.total_ms

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

    def __init__(
        self,
        directory: Path,
        signature: str = "text",
        text_names: Sequence[str] = (),
        traced_runs: int = _TRACED_RUNS,
        timed_runs: int = _TIMED_RUNS,
    ) -> None:
        """Loads the SavedModel.

        Args:
          directory: of the version.
          signature: takes texts.
          text_names: its inputs, where it has several.
          traced_runs: of each request, whose medians are told.
          timed_runs: likewise, without tracing.
        """
        self._servable = Servable(directory)
        self._session = self._servable._session
        definition = self._servable.signature(signature)
        names = text_names or [*definition.inputs]
        self._feeds = [definition.inputs[name].name for name in names]
        self._traced_runs, self._timed_runs = traced_runs, timed_runs
        self._fetches = [info.name for info in definition.outputs.values()]

    def profile(self, texts: Sequence[Row]) -> Profile:
        """Times one request: without tracing, then kernel by kernel."""
        for _ in range(3):
            self._run(texts)
        latencies = []
        for _ in range(self._timed_runs):
            start = perf_counter()
            self._run(texts)
            latencies.append((perf_counter() - start) * 1e3)

        options = tf.compat.v1.RunOptions(trace_level=tf.compat.v1.RunOptions.FULL_TRACE)
        runs = [_executed(self._run(texts, options)) for _ in range(self._traced_runs)]
        stages = stages_of(runs[0])
        kinds = {op.name: op.kind for op in runs[0]}
        own = [[op for op in run if not op.calls_a_function] for run in runs]
        times: dict[str, list[float]] = defaultdict(list)
        executions: dict[str, int] = {}
        for run in own:
            of_run: dict[str, list[float]] = defaultdict(list)
            for op in run:
                of_run[op.name].append((op.end - op.start) / 1e3)
            for name, values in of_run.items():
                times[name].append(sum(values))
                executions[name] = len(values)
        nodes = [
            Node(name, kinds[name], stages[name], statistics.median(values), executions[name])
            for name, values in times.items()
            if name in kinds
        ]
        busy = [_covered(run) / 1e3 for run in own]
        spans = [(max(op.end for op in run) - min(op.start for op in run)) / 1e3 for run in own]
        return Profile(nodes, *map(statistics.median, (latencies, busy, spans)))

    def _run(
        self, texts: Sequence[Row], options: tf.compat.v1.RunOptions | None = None
    ) -> tf.compat.v1.RunMetadata:
        metadata = tf.compat.v1.RunMetadata() if options else None
        self._session.run(self._fetches, self._fed(texts), options=options, run_metadata=metadata)
        return metadata

    def _fed(self, texts: Sequence[Row]) -> Mapping[str, np.ndarray]:
        """An input's tensor -> its texts."""
        rows = [[row] if isinstance(row, str) else row for row in texts]
        columns = zip(*rows, strict=True)
        return {
            feed: np.array([text.encode() for text in column], object)
            for feed, column in zip(self._feeds, columns, strict=True)
        }


def _executed(metadata: tf.compat.v1.RunMetadata) -> list[ExecutedOp]:
    return [
        ExecutedOp(
            *parse_label(node.timeline_label),
            node.all_start_micros + node.op_start_rel_micros,
            node.all_start_micros + node.op_end_rel_micros,
        )
        for device in metadata.step_stats.dev_stats
        for node in device.node_stats
    ]


def _covered(executed: Iterable[ExecutedOp]) -> int:
    """The length of the union of the times, in microseconds."""
    total, reached = 0, 0
    for op in sorted(executed, key=lambda op: op.start):
        total += max(0, op.end - max(op.start, reached))
        reached = max(reached, op.end)
    return total
