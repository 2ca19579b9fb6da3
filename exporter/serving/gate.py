"""The op gate: refuses what the user's server could not run."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from tensorflow.core.protobuf import saved_model_pb2

from bert.errors import UserError
from exporter.serving.op_tables import OpTables, Release, format_release, parse_release
from exporter.text.wordpiece import CLASSIC_OP, FAST_OP

GRAPH_FILE = "saved_model.pb"


@dataclasses.dataclass(frozen=True)
class GateReport:
    """What the gate found in a graph that it let through."""

    ops: tuple[str, ...]
    oldest_release: str


def target_release(text: str, tables: OpTables) -> Release:
    """Reads `--target_serving`.

    Raises:
      UserError: no release, or one that the tables do not cover.
    """
    releases = tables.releases
    try:
        target = parse_release(text)
    except ValueError as error:
        raise UserError(
            f"--target_serving is {text!r}, where a TensorFlow Serving release such as 2.12.0 is "
            "expected: give the oldest release that must run the export."
        ) from error
    if not releases[0] <= target <= releases[-1]:
        raise UserError(
            f"--target_serving is {text}, but the op tables cover {format_release(releases[0])} to "
            f"{format_release(releases[-1])}: give a release among these."
        )
    return target


def fastest_word_piece_op(target: Release, tables: OpTables) -> str:
    """The fastest WordPiece op that every release from `target` on has."""
    releases = tables.from_release_on(target)
    return CLASSIC_OP if tables.lacking(FAST_OP, releases) else FAST_OP


def check(directory: Path, target: Release, tables: OpTables) -> GateReport:
    """Checks every op of a SavedModel's graph and functions.

    Raises:
      UserError: a release from `target` on lacks one of them.
    """
    ops = graph_ops(directory)
    for op in ops:
        lacking = tables.lacking(op, tables.from_release_on(target))
        if lacking:
            since = tables.oldest_release([op])
            fix = f"give --target_serving={format_release(since)} or newer" if since else "none has"
            raise UserError(
                f"--target_serving is {format_release(target)}, but TensorFlow Serving "
                f"{format_release(lacking[-1])} cannot run the op {op} of the export: {fix}."
            )
    oldest = tables.oldest_release(ops)
    assert oldest is not None, "the target was just found able to run every op"
    return GateReport(tuple(ops), format_release(oldest))


def graph_ops(directory: Path) -> list[str]:
    """The op types of a SavedModel's graph and functions, sorted."""
    saved_model = saved_model_pb2.SavedModel()
    saved_model.ParseFromString((directory / GRAPH_FILE).read_bytes())
    ops: set[str] = set()
    for meta_graph in saved_model.meta_graphs:
        library: Mapping = {f.signature.name: f for f in meta_graph.graph_def.library.function}
        ops.update(node.op for node in meta_graph.graph_def.node)
        ops.update(node.op for function in library.values() for node in function.node_def)
        ops.difference_update(library)
    return sorted(ops)
