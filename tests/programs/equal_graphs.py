"""Whether two SavedModels compute alike: equal ops in every function, and equal variables.

    python -m tests.programs.equal_graphs BEFORE AFTER

Names of nodes, functions and resources may differ, since tracing numbers them. Prints a line
for each comparison; the exit code is 1 if one of them differs.
"""

import collections
import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.framework.node_def_pb2 import NodeDef

from exporter.serving.graph_file import read_serving_graph

_Ops = frozenset[tuple[str, int]]
"""How often each op stands in a function"""


def functions(directory: Path) -> collections.Counter[_Ops]:
    """The ops of every function and of the graph itself; equal functions are counted."""
    graph = read_serving_graph(directory).graph_def
    bodies = [graph.node, *(function.node_def for function in graph.library.function)]
    return collections.Counter(_ops(body) for body in bodies)


def _ops(nodes: Iterable[NodeDef]) -> _Ops:
    return frozenset(collections.Counter(node.op for node in nodes).items())


def variables(directory: Path) -> collections.Counter[tuple[str, tuple[int, ...], str]]:
    """Data type, shape and SHA-256 of every variable's bytes."""
    reader = tf.train.load_checkpoint(str(directory / "variables" / "variables"))
    found: collections.Counter[tuple[str, tuple[int, ...], str]] = collections.Counter()
    for name, shape in reader.get_variable_to_shape_map().items():
        if name == "_CHECKPOINTABLE_OBJECT_GRAPH":
            continue
        value = reader.get_tensor(name)
        data = value.tobytes() if hasattr(value, "tobytes") else bytes(value)
        found[str(value.dtype), tuple(shape), hashlib.sha256(data).hexdigest()] += 1
    return found


def compare(name: str, old: collections.Counter[Any], new: collections.Counter[Any]) -> bool:
    """Prints whether the two hold the same items, and those that only one of them has."""
    if old == new:
        print(f"{name}: equal, {old.total()}")
        return True
    print(f"{name}: {(old - new).total()} only before, {(new - old).total()} only after")
    for item in old - new:
        print(f"  before: {_shown(item)}")
    for item in new - old:
        print(f"  after:  {_shown(item)}")
    return False


def main(before: Path, after: Path) -> int:
    """Compares functions and variables; the exit code."""
    equal = [
        compare("functions", functions(before), functions(after)),
        compare("variables", variables(before), variables(after)),
    ]
    return 0 if all(equal) else 1


def _shown(item: object) -> str:
    if isinstance(item, frozenset):
        counts = dict(item)
        return f"{sum(counts.values())} nodes: " + ", ".join(
            f"{op} {count}" for op, count in sorted(counts.items())
        )
    return str(item)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
