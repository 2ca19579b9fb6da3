"""The op gate: refuses ops that the user's server cannot run."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from bert.encoder.precision import PRECISIONS, Precision
from bert.errors import UserError
from exporter.serving.core_op_table import KERNEL
from exporter.serving.graph_file import read_serving_graph
from exporter.serving.op_tables import OpTables
from exporter.serving.reachability import OpUse, op_uses
from exporter.serving.release import Release, format_release, parse_release


@dataclasses.dataclass(frozen=True)
class GateReport:
    """The gate's findings on a graph that it let through."""

    ops: tuple[str, ...]
    oldest_release: str


@dataclasses.dataclass(frozen=True)
class BlockingOp:
    """An op that a release from the target on cannot run."""

    op: str
    newer_attributes: tuple[str, ...]
    """empty where the op itself is missing, else the attributes that its older form ignores"""

    signatures: tuple[str, ...]
    """the signatures that reach it; none where only saving or initialisation does"""

    newest_without: Release
    """the newest release that cannot run it"""

    since: Release | None
    """the oldest release from which on every release runs it, if there is one"""

    def fault(self) -> str:
        """A verb and its object, to stand after the name of `newest_without`."""
        kernels = [name for name in self.newer_attributes if name.startswith(KERNEL)]
        if kernels:
            return f"has no {kernels[0]} of the op {self.op}"
        if self.newer_attributes:
            # The C API of 2.5.3, 2.8.4 and 2.12.0 logs such an attribute and goes on.
            return f"ignores {' and '.join(self.newer_attributes)} of the op {self.op}"
        return f"cannot run the op {self.op}"

    def reach(self) -> str:
        """A relative clause, to stand after the name of the op."""
        if not self.signatures:
            return "which no signature reaches, but a server loads all the same"
        if len(self.signatures) == 1:
            return f"which the signature {self.signatures[0]} reaches"
        return f"which the signatures {', '.join(self.signatures)} reach"


def target_release(text: str, tables: OpTables) -> Release:
    """Reads `--target_serving`.

    Raises:
      UserError: it is not a release, or one that the tables do not cover.
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


def runnable_precision(name: str, target: Release, tables: OpTables) -> Precision:
    """The precision that `--precision` names, by ops that every release from `target` on has.

    Where none of its forms is such, `check` refuses what is made of the last.
    """
    precision = PRECISIONS[name]
    while precision.op and precision.older:
        if not tables.lacking(precision.op, tables.from_release_on(target)):
            break
        precision = PRECISIONS[precision.older]
    return precision


def check(directory: Path, target: Release, tables: OpTables) -> GateReport:
    """Checks every op of a SavedModel's graph and functions.

    Raises:
      UserError: a release from `target` on lacks one of them.
    """
    uses = op_uses(read_serving_graph(directory))
    blocking = blocking_ops(uses, target, tables)
    oldest = oldest_release(uses, tables)
    if blocking:
        first, *others = blocking
        more = f" (nor {', '.join(other.op for other in others)})" if others else ""
        fix = "no release that the tables cover can"
        if oldest is not None:
            fix = f"give --target_serving={format_release(oldest)} or newer"
        raise UserError(
            f"--target_serving is {format_release(target)}, but TensorFlow Serving "
            f"{format_release(first.newest_without)} {first.fault()}, {first.reach()}{more}: {fix}."
        )
    assert oldest is not None, "the target was just found able to run every op"
    return GateReport(tuple(uses), format_release(oldest))


def blocking_ops(uses: Mapping[str, OpUse], target: Release, tables: OpTables) -> list[BlockingOp]:
    """The ops that some release from `target` on cannot run, by name."""
    releases = tables.from_release_on(target)
    blocking = []
    for op, use in uses.items():
        lacking = tables.lacking(op, releases, use.attributes)
        if not lacking:
            continue
        newest = lacking[-1]
        newer = []
        if not tables.lacking(op, [newest]):
            newer = [name for name in use.attributes if tables.lacking(op, [newest], [name])]
        blocking.append(
            BlockingOp(
                op,
                tuple(sorted(newer)),
                use.signatures,
                newest,
                tables.oldest_release({op: use.attributes}),
            )
        )
    return blocking


def oldest_release(uses: Mapping[str, OpUse], tables: OpTables) -> Release | None:
    """The oldest release from which on every release runs all the ops, if there is one."""
    return tables.oldest_release({op: use.attributes for op, use in uses.items()})
