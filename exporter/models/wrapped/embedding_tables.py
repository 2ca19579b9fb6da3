"""EmbeddingTables: how many ids, segments and positions a SavedModel has vectors for."""

import dataclasses
from collections.abc import Iterable

import tensorflow as tf

from exporter.models.wrapped.saved_network import is_variable, node_name


@dataclasses.dataclass(frozen=True)
class EmbeddingTables:
    """The rows of each table; None where no variable, or several, have its name."""

    words: int | None
    segments: int | None
    positions: int | None


def find_tables(graph: tf.Graph, outputs: Iterable[str]) -> EmbeddingTables:
    """Recognises the tables behind the tensors `outputs` by what all BERTs call them."""
    nodes = [node_name(output) for output in outputs]
    source = tf.compat.v1.graph_util.extract_sub_graph(graph.as_graph_def(), nodes)
    matrices = {
        node.name: node.attr["shape"].shape.dim[0].size
        for node in source.node
        if is_variable(node) and len(node.attr["shape"].shape.dim) == 2
    }

    def rows(name: str) -> int | None:
        found = [rows for node, rows in matrices.items() if name in node]
        return found[0] if len(found) == 1 else None

    # google-research/bert and Hugging Face: token_type_embeddings; Model Garden: type_embeddings.
    return EmbeddingTables(
        rows("word_embedding"), rows("type_embedding"), rows("position_embedding")
    )
