"""An audit for a release, and the kinds of its findings."""

from pathlib import Path

from exporter.check.audit import audit
from exporter.check.findings import Audit
from exporter.check.limits import DEFAULT_TIMEOUT
from exporter.serving.op_tables import OpTables
from exporter.serving.release import parse_release


def audited(directory: Path, target: str = "2.12.0") -> Audit:
    return audit(directory, parse_release(target), OpTables(), DEFAULT_TIMEOUT)


def kinds(report: Audit) -> set[tuple[str, str, tuple[str, ...]]]:
    return {(f.severity.value, f.kind, f.signatures) for f in report.findings}
