"""Findings of an audit: as values, as text for people and as JSON."""

import dataclasses
import enum
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_WIDTH = 100

_WARMUP = {None: "not run, or failed", 0: "no records"}


class Severity(enum.Enum):
    """How much a finding matters; a blocker or a hazard fails the audit."""

    BLOCKER = "blocker"
    """The server does not load the version."""

    HAZARD = "hazard"
    """A request ends the server, or gets an answer that is not JSON."""

    WARNING = "warning"
    """A request gets an error, or an answer where it should get an error."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """One fault of a SavedModel."""

    severity: Severity
    kind: str
    """a stable name for programs, such as `op_not_available`"""

    message: str
    """a sentence, without the signatures"""

    signatures: tuple[str, ...] = ()
    """the signatures that it concerns; none where it concerns the whole model"""

    op: str | None = None
    first_release: str | None = None
    """for an op: the oldest release from which on every release runs it"""

    def to_json(self) -> dict[str, Any]:
        """The finding with stable keys."""
        return {**dataclasses.asdict(self), "severity": self.severity.value}


@dataclasses.dataclass(frozen=True)
class Audit:
    """The result of an audit."""

    directory: Path
    target_serving: str
    oldest_release: str | None
    """the oldest release from which on every release in the tables runs all ops, if there is one"""

    signatures: tuple[str, ...]
    warmup_records: int | None
    """how many records ran; None where the records or the model failed"""

    requests_tried: int
    tensorflow: str
    """the release of TensorFlow that ran the requests"""

    findings: tuple[Finding, ...]

    @property
    def passes(self) -> bool:
        """Whether the audit found nothing that would stop or crash the target server."""
        return all(finding.severity is Severity.WARNING for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """The audit with stable keys."""
        return {
            "directory": str(self.directory),
            "passes": self.passes,
            "target_serving": self.target_serving,
            "oldest_tensorflow_serving": self.oldest_release,
            "signatures": list(self.signatures),
            "warmup_records": self.warmup_records,
            "requests_tried": self.requests_tried,
            "tensorflow": self.tensorflow,
            "findings": [finding.to_json() for finding in self.findings],
        }

    def to_text(self) -> str:
        """The report for people, verdict first."""
        counts = {
            severity: sum(finding.severity is severity for finding in self.findings)
            for severity in Severity
        }
        told = ", ".join(
            f"{count} {severity.value}{'s' * (count > 1)}"
            for severity, count in counts.items()
            if count
        )
        oldest = f"TensorFlow Serving {self.oldest_release} and newer"
        rows = {
            "verdict": f"{'passes' if self.passes else 'FAILS'} for TensorFlow Serving "
            f"{self.target_serving} and newer: {told or 'nothing found'}",
            "ops run on": oldest
            if self.oldest_release
            else "no TensorFlow Serving that the tables cover",
            "signatures": ", ".join(self.signatures) or "none",
            "warm-up": _WARMUP.get(self.warmup_records)
            or f"{self.warmup_records} records, all run",
            "tried": f"{self.requests_tried} requests with TensorFlow {self.tensorflow}",
        }
        lines = [str(self.directory)]
        lines += [_row(f"  {name:<11} ", text) for name, text in rows.items()]
        for finding in self.findings:
            where = f"{', '.join(finding.signatures)}: " if finding.signatures else ""
            lines += ["", _row(f"{finding.severity.value:<8} ", f"{where}{finding.message}")]
        return "\n".join(lines)


def merge_signatures(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings that differ only in their signatures become one; the worst stand first."""
    merged: dict[Finding, list[str]] = {}
    for finding in findings:
        key = dataclasses.replace(finding, signatures=())
        names = merged.setdefault(key, [])
        names += [name for name in finding.signatures if name not in names]
    order = list(Severity)
    return tuple(
        sorted(
            (dataclasses.replace(key, signatures=tuple(names)) for key, names in merged.items()),
            key=lambda finding: order.index(finding.severity),
        )
    )


def _row(head: str, text: str) -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )
