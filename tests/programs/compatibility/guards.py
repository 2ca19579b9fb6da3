"""Asks a SavedModel the requests that end servers, and judges the answers."""

import dataclasses
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from tests.programs.compatibility.asking import Answer, ProcessDied, Signature, read_signatures
from tests.programs.compatibility.asking import process as start_process
from tests.programs.compatibility.guard_cases import Bounds, Case, cases, ordinary_inputs

# What one request of up to a megabyte, 200,000 tokens or 5,000 rows may take while it runs.
MEMORY_BOUND_MB = 600


@dataclasses.dataclass(frozen=True)
class Finding:
    """A case that went wrong, and how."""

    case: str
    signature: str
    fault: str

    def __str__(self) -> str:
        return f"{self.signature}, {self.case}: {self.fault}"


@dataclasses.dataclass(frozen=True)
class GuardReport:
    """What the cases came to."""

    requests: int
    findings: list[Finding]
    largest_memory_mb: int
    largest_case: str


def bounds_of(directory: Path) -> Bounds:
    """What the exported model takes, as the export itself says."""
    signatures = read_signatures(directory)
    report = json.loads((directory / "assets.extra" / "export.json").read_text())
    if "wrapped" in report:
        wrapped = report["wrapped"]
        positions = wrapped["length"] or wrapped["embedding_rows"]["positions"]
    else:
        positions = report["config"]["max_position_embeddings"]
    return Bounds(
        vocab_size=report["text"]["word_embedding_rows"],
        positions=positions,
        text_names=sorted(signatures["text"].inputs),
        tokenizer=report["text"]["tokenizer"],
    )


def check_guards(
    directory: Path,
    *,
    one_process_per_case: bool,
    python: Path = Path(sys.executable),
    signature_names: frozenset[str] | None = None,
) -> GuardReport:
    """Asks every case of every signature through the C API.

    After each the process has to give the ordinary request its known answer.

    Args:
      directory: an export.
      one_process_per_case: else one process for all, and the first case that ends it is the last.
      python: of the environment that runs them.
      signature_names: those to ask, or None for all.
    """
    bounds = bounds_of(directory)
    signatures = _different(
        signature
        for name, signature in read_signatures(directory).items()
        if signature_names is None or name in signature_names
    )
    ordinary = {
        signature.name: signature.request(ordinary_inputs(sorted(signature.inputs), bounds))
        for signature in signatures
    }
    with start_process("C API", python) as process:
        expected = {name: process.ask(request) for name, request in ordinary.items()}
    for name, answer in expected.items():
        assert answer.error is None, f"{name} refuses the ordinary request: {answer.message}"

    findings: list[Finding] = []
    requests, largest, largest_case = 0, 0, "none"
    with start_process("C API", python, forks=one_process_per_case) as process:
        for signature, name, case in _asked(signatures, bounds):
            requests += 1
            try:
                answer, after = process.ask_together(
                    signature.request(case.inputs), ordinary[signature.name]
                )
            except ProcessDied as error:
                findings.append(Finding(name, signature.name, f"the process died, {error}"))
                if one_process_per_case:
                    continue
                break
            if answer.memory_mb > largest:
                largest, largest_case = answer.memory_mb, f"{signature.name}, {name}"
            fault = (
                fault_of(answer, case)
                or _difference(after, expected[signature.name])
                or (answer.memory_mb > MEMORY_BOUND_MB and f"{answer.memory_mb} MB of memory")
            )
            if fault:
                findings.append(Finding(name, signature.name, fault))
    return GuardReport(requests, findings, largest, largest_case)


def _different(signatures: Iterable[Signature]) -> list[Signature]:
    """One of those that have the same tensors, which are one to a server."""
    by_tensors: dict[frozenset[tuple[str, str]], Signature] = {}
    for signature in signatures:
        tensors = frozenset({*signature.inputs.items(), *signature.outputs.items()})
        by_tensors.setdefault(tensors, signature)
    return list(by_tensors.values())


def _asked(
    signatures: Sequence[Signature], bounds: Bounds
) -> Iterator[tuple[Signature, str, Case]]:
    for signature in signatures:
        for name, case in cases(sorted(signature.inputs), bounds):
            yield signature, name, case


def fault_of(answer: Answer, case: Case) -> str | None:
    """What is wrong with an answer, if anything."""
    if isinstance(case.verdict, str):
        if answer.error == case.verdict:
            return None
        shapes = {name: value.shape for name, value in answer.outputs.items()}
        return f"{answer.error or shapes}, expected {case.verdict}"
    if answer.error is not None:
        return f"{answer.error}: {answer.message:.300}"
    for name, value in answer.outputs.items():
        if value.ndim < 1 or value.shape[0] != case.verdict:
            return f"{name} is {list(value.shape)}, expected {case.verdict} rows"
        if value.dtype == object:
            for text in value.flat:
                try:
                    text.decode("utf-8")
                except UnicodeDecodeError:
                    return f"{name} holds {text[:40]!r}, which is not UTF-8"
        elif not np.isfinite(value).all():
            return f"{name} is not finite"
    return None


def _difference(answer: Answer, expected: Answer) -> str | None:
    """How the ordinary request's answer after a case differs from the one before."""
    if answer.error is not None:
        return f"the ordinary request after it is {answer.error}: {answer.message:.300}"
    for name, value in expected.outputs.items():
        if not same(answer.outputs[name], value):
            return f"the ordinary request after it has another {name}"
    return None


def same(found: np.ndarray, expected: np.ndarray, tolerance: float = 1e-6) -> bool:
    """Equal ids and strings, floats no further apart than the tolerance."""
    if found.shape != expected.shape or found.dtype != expected.dtype:
        return False
    if found.dtype.kind == "f":
        return bool(np.allclose(found, expected, rtol=0, atol=tolerance))
    return bool(np.array_equal(found, expected))
