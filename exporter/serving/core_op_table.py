"""The core ops that TensorFlow releases register, with their attributes.

`scripts/build_op_tables` writes the two files. One lists the ops of each release. The other lists
the attributes of each op, at its first release and at each release that changed them. Of the
OPS_WITH_KERNELS it lists the kernels too, as if each were an attribute: `kernel(T1=qint8, ...)`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from exporter.serving.release import Release, format_release, parse_release

Attributes = frozenset[str]

# Optimizers make these ops, people do not, so releases have a kernel for some types alone.
OPS_WITH_KERNELS = frozenset({"_QuantizedMatMul", "_MklQuantizedMatMulWithBias"})

KERNEL = "kernel("
"""how the name of a kernel begins"""

KERNEL_LABEL = "_kernel"
"""the attribute by which a node asks for a kernel with a label; without it, it gets one without"""

_DATA = Path(__file__).parent / "data"
_OPS_FILE = "core_ops_by_tensorflow_release.json"
_ATTRIBUTES_FILE = "core_op_attributes.json"


class CoreOpTable:
    """The attributes of every op, for every release that was read."""

    def __init__(self, ops: Mapping[Release, Mapping[str, Attributes]]) -> None:
        self._ops = dict(sorted(ops.items()))

    @classmethod
    def load(cls, directory: Path = _DATA) -> "CoreOpTable":
        """Reads the two files."""
        names = _read(directory / _OPS_FILE)
        changes = {
            op: sorted((parse_release(name), frozenset(row)) for name, row in rows.items())
            for op, rows in _read(directory / _ATTRIBUTES_FILE).items()
        }
        return cls(
            {
                release: {op: _latest(changes[op], release) for op in ops}
                for release, ops in ((parse_release(name), ops) for name, ops in names.items())
            }
        )

    @property
    def releases(self) -> list[Release]:
        """The releases that were read, oldest first."""
        return list(self._ops)

    def ops(self, release: Release) -> Mapping[str, Attributes]:
        """The ops of a release that was read, and the attributes of each."""
        return self._ops[release]

    def merged(self, release: Release, ops: Mapping[str, Iterable[str]]) -> "CoreOpTable":
        """The table with `release` added, or replaced where the table has it."""
        return CoreOpTable(
            {**self._ops, release: {op: frozenset(names) for op, names in ops.items()}}
        )

    def save(self, directory: Path = _DATA) -> None:
        """Writes the two files."""
        names = {format_release(release): sorted(ops) for release, ops in self._ops.items()}
        changes: dict[str, dict[str, list[str]]] = {}
        for release, ops in self._ops.items():
            for op, attributes in ops.items():
                rows = changes.setdefault(op, {})
                row = sorted(attributes)
                if not rows or list(rows.values())[-1] != row:
                    rows[format_release(release)] = row
        _write(directory / _OPS_FILE, names)
        _write(directory / _ATTRIBUTES_FILE, dict(sorted(changes.items())))


def kernel_name(attributes: Mapping[str, str]) -> str:
    """`{"T2": "qint8", "T1": "qint8"}` -> "kernel(T1=qint8, T2=qint8)"."""
    told = ", ".join(f"{name}={value}" for name, value in sorted(attributes.items()))
    return f"{KERNEL}{told})"


def _latest(rows: Sequence[tuple[Release, Attributes]], release: Release) -> Attributes:
    return [attributes for since, attributes in rows if since <= release][-1]


def _read(file: Path) -> dict:
    return json.loads(file.read_text(encoding="utf-8"))


def _write(file: Path, table: Mapping[str, object]) -> None:
    # One value a line, so that another release is a small diff.
    file.write_text(json.dumps(table, indent=0) + "\n", encoding="utf-8")
