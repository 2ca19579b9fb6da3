"""TensorFlow 2's object-graph checkpoints: variables by the attributes that lead to them.

`tf.train.Checkpoint` saves every variable under the first of the paths that lead to it, which
depends on the order in which a program named its objects. The graph that is saved beside the
variables knows all paths, so it is walked by attribute.
"""

from collections import deque
from collections.abc import Collection, Iterator
from pathlib import Path

from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import trackable_object_graph_pb2

from bert.checkpoints.tensorflow import files as tensorflow_files
from bert.checkpoints.tensorflow.files import StoredVariables
from bert.errors import UserError

GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
_VALUE = "VARIABLE_VALUE"


def sign(path: Path) -> str | None:
    """The file by which `path`, a prefix or directory, holds such a checkpoint, None if none."""
    found = tensorflow_files.sign(path)
    if found is None:
        return None
    try:
        is_object_graph = GRAPH in StoredVariables(tensorflow_files.find_prefix(path)).shapes
    except UserError:
        return None
    return found if is_object_graph else None


class TrackedObject:
    """One object of a checkpoint: what was saved, a model, a layer, a variable."""

    def __init__(
        self, graph: trackable_object_graph_pb2.TrackableObjectGraph, index: int = 0
    ) -> None:
        """Takes node `index` of the graph; 0 is the root."""
        self._graph = graph
        self._index = index
        self._children = {child.local_name: child.node_id for child in graph.nodes[index].children}

    def child(self, *names: str) -> "TrackedObject | None":
        """The object that attribute after attribute leads to, None if one of them is not there."""
        found = self
        for name in names:
            if name not in found._children:
                return None
            found = TrackedObject(self._graph, found._children[name])
        return found

    def children(self, names: Collection[str]) -> "list[TrackedObject]":
        """The objects that those of the attributes lead to that are there."""
        return [
            TrackedObject(self._graph, index)
            for name, index in self._children.items()
            if name in names
        ]

    @property
    def key(self) -> str | None:
        """The name in the checkpoint under which a variable's value is, None if it is none."""
        return next(
            (
                attribute.checkpoint_key
                for attribute in self._graph.nodes[self._index].attributes
                if attribute.name == _VALUE
            ),
            None,
        )

    def descendants(self) -> Iterator["TrackedObject"]:
        """This object and all that it leads to, each once, the nearest first."""
        seen, waiting = {self._index}, deque([self])
        while waiting:
            found = waiting.popleft()
            yield found
            for index in found._children.values():
                if index not in seen:
                    seen.add(index)
                    waiting.append(TrackedObject(self._graph, index))


def read_root(stored: StoredVariables) -> TrackedObject:
    """The object that was saved.

    Raises:
      UserError: the files cannot be read.
    """
    graph = trackable_object_graph_pb2.TrackableObjectGraph()
    try:
        graph.ParseFromString(stored.read_value(GRAPH))
        # An empty graph, or an edge to nowhere.
        is_whole = len(graph.nodes) > max(
            (child.node_id for node in graph.nodes for child in node.children), default=0
        )
    except (DecodeError, TypeError):
        is_whole = False
    if not is_whole:
        raise UserError(
            f"{stored}: the object graph {GRAPH!r} cannot be read: copy the checkpoint again."
        )
    return TrackedObject(graph)
