"""The audit: ops, signatures, warm-up records and requests, each against what a server does."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from exporter.check.findings import Audit, Finding, Severity, merge_signatures
from exporter.check.limits import Limits
from exporter.check.signature_rules import fixed_rows, rank, signature_findings
from exporter.check.trial import Trial, try_model
from exporter.progress import Advance, ignore
from exporter.runtime.status import Code
from exporter.serving import gate
from exporter.serving.effects import ops_with_effects
from exporter.serving.graph_file import read_serving_graph
from exporter.serving.op_tables import OpTables
from exporter.serving.reachability import OpUse, called_signatures, op_uses
from exporter.serving.release import Release, format_release

# The TensorFlow that runs the audit reports an op or attribute newer than itself in these words.
_TOO_NEW_HERE = re.compile(r"Op type not registered|No op named|NodeDef mentions attr")

# These ops crash on a wrong rank.
_OPS_THAT_TRUST_RANKS = ("FastBertNormalize", "FastWordpieceTokenizeWithOffsets")
_GUARD_OP = "EnsureShape"
_GUARD = "tf.ensure_shape on every input"

_NOT_UTF8 = "bytes that are not UTF-8 (an output named '..._bytes' is sent in base64)"
_NOT_FINITE = "NaN or Infinity"

_NO_MEMORY = Code.RESOURCE_EXHAUSTED.name

_PARSING_OPS = ("ParseExample", "ParseExampleV2", "ParseSingleExample")


def audit(
    directory: Path,
    target: Release,
    tables: OpTables,
    timeout: float,
    advance: Advance = ignore,
) -> Audit:
    """Audits the SavedModel in `directory`, which runs in processes of its own.

    A graph with ops that do more than compute is never loaded. The verdict is there `timeout`
    seconds after the start, or a few more. `advance` is told of each request.

    Raises:
      UserError: there is no SavedModel that a server would load.
    """
    meta_graph = read_serving_graph(directory)
    signatures = called_signatures(meta_graph.signature_def)
    uses = op_uses(meta_graph)
    effects = ops_with_effects(meta_graph)
    trial = Trial() if effects else try_model(directory, signatures, Limits(timeout), advance)
    findings = [
        *_op_findings(uses, target, tables),
        *_effect_findings(effects),
        *_static_findings(signatures),
        *_load_findings(trial, uses),
        *_warmup_findings(trial, directory),
        *_time_findings(trial, timeout),
        *(finding for name in signatures for finding in _request_findings(name, trial, uses)),
        *(
            finding
            for name, signature in signatures.items()
            for finding in _shape_findings(name, signature, trial)
        ),
    ]
    oldest = gate.oldest_release(uses, tables)
    return Audit(
        directory=directory,
        target_serving=format_release(target),
        oldest_release=format_release(oldest) if oldest else None,
        signatures=tuple(signatures),
        warmup_records=trial.warmup_records,
        requests_tried=len(trial.outcomes),
        tensorflow=tf.__version__,
        findings=merge_signatures(findings),
    )


def _op_findings(uses: Mapping[str, OpUse], target: Release, tables: OpTables) -> Iterator[Finding]:
    for blocking in gate.blocking_ops(uses, target, tables):
        since = format_release(blocking.since) if blocking.since else None
        runs = f"it runs on {since} and newer" if since else "no release runs it for good"
        where = "" if blocking.signatures else f" (an op {blocking.reach()})"
        yield Finding(
            Severity.BLOCKER,
            "op_not_available",
            f"TensorFlow Serving {format_release(blocking.newest_without)} {blocking.fault()}"
            f"{where}; {runs}",
            blocking.signatures,
            op=blocking.op,
            first_release=since,
        )


def _effect_findings(effects: Mapping[str, tuple[str, ...]]) -> Iterator[Finding]:
    for op, signatures in effects.items():
        where = "" if signatures else ", as soon as the model is loaded"
        yield Finding(
            Severity.HAZARD,
            "effect",
            f"the op {op} does more than compute (it may read or write files, run Python or reach "
            f"other machines){where}; nothing of the model was run",
            signatures,
            op=op,
        )


def _time_findings(trial: Trial, timeout: float) -> Iterator[Finding]:
    if trial.requests_left:
        yield Finding(
            Severity.WARNING,
            "not_tried",
            f"{trial.requests_left} requests were not tried, since the {timeout:g} s of the audit "
            "were over: give it more with --timeout",
        )


def _static_findings(signatures: Mapping[str, SignatureDef]) -> Iterator[Finding]:
    if not signatures:
        yield Finding(
            Severity.WARNING, "no_signature", "it has no signature, so no client calls it"
        )
    for name, signature in signatures.items():
        yield from signature_findings(name, signature)


def _load_findings(trial: Trial, uses: Mapping[str, OpUse]) -> Iterator[Finding]:
    if trial.load_error is None:
        return
    if not _TOO_NEW_HERE.search(trial.load_error):
        yield Finding(Severity.BLOCKER, "load", f"it does not load ({trial.load_error})")
        return
    yield Finding(
        Severity.WARNING,
        "not_tried",
        f"warm-up records and requests were not tried, since TensorFlow {tf.__version__} here "
        f"cannot load it ({trial.load_error})",
    )
    for op in _OPS_THAT_TRUST_RANKS:
        for name in uses[op].signatures if op in uses else ():
            if not _reaches(name, [_GUARD_OP], uses):
                yield Finding(
                    Severity.WARNING,
                    "not_guarded",
                    f"the op {op} ends the server where it gets a wrong rank, and no {_GUARD_OP} "
                    "stands before it",
                    (name,),
                    op=op,
                )


def _warmup_findings(trial: Trial, directory: Path) -> Iterator[Finding]:
    if trial.warmup_error is not None:
        message = trial.warmup_error.replace(f"{directory}/", "")
        yield Finding(
            Severity.BLOCKER,
            "warmup",
            f"the version fails to load, and a server that starts with it ends: {message}",
        )


def _request_findings(name: str, trial: Trial, uses: Mapping[str, OpUse]) -> Iterator[Finding]:
    """Findings from the answers to the requests of one signature."""
    # kind of fault, output -> the requests that show it
    not_json: dict[tuple[str, str, str], list[str]] = {}
    too_large: list[tuple[str, str]] = []
    for request, outcome in trial.outcomes_of(name):
        sent = request.description
        if outcome.death is not None:
            fix = f"; {_GUARD} makes it an error answer" if request.wrong_shape else ""
            message = f"{sent} ends the server ({outcome.death}){fix}"
            yield Finding(Severity.HAZARD, "crash", message, (name,))
        if outcome.timeout is not None:
            message = f"{sent} has no answer within {outcome.timeout:g} s"
            yield Finding(Severity.HAZARD, "no_answer", message, (name,))
        if outcome.error is not None and outcome.error.startswith(_NO_MEMORY):
            too_large.append((sent, outcome.error))
        # Only the maker of a model knows which features its tf.Examples have.
        if (
            outcome.error is not None
            and request.ordinary
            and not outcome.error.startswith(_NO_MEMORY)
            and not _reaches(name, _PARSING_OPS, uses)
        ):
            message = f"{sent} is refused ({outcome.error})"
            yield Finding(Severity.WARNING, "request_refused", message, (name,))
        for key, output in sorted((outcome.answer or {}).items()):
            if not output.all_utf8:
                not_json.setdefault(("not_utf8", key, _NOT_UTF8), []).append(sent)
            if not output.all_finite:
                not_json.setdefault(("not_finite", key, _NOT_FINITE), []).append(sent)
    if too_large:
        (first, error), *others = too_large
        more = f", as {len(others)} other requests do" if others else ""
        message = f"{first} needs more memory than there is here{more} ({error})"
        yield Finding(Severity.HAZARD, "memory", message, (name,))
    for (kind, key, what), sent_texts in not_json.items():
        more = f" and {len(sent_texts) - 1} other requests" if len(sent_texts) > 1 else ""
        message = (
            f"the output {key!r} holds {what} after {sent_texts[0]}{more}, which makes the REST "
            "answer invalid JSON"
        )
        yield Finding(Severity.HAZARD, kind, message, (name,))


def _reaches(name: str, ops: Iterable[str], uses: Mapping[str, OpUse]) -> bool:
    return any(name in uses[op].signatures for op in ops if op in uses)


def _shape_findings(name: str, signature: SignatureDef, trial: Trial) -> Iterator[Finding]:
    """Findings from the shapes of a signature's answers."""
    answers = [
        (request, outcome.answer)
        for request, outcome in trial.outcomes_of(name)
        if outcome.answer is not None
    ]
    for request, answer in answers:
        for key, output in sorted(answer.items()):
            told = fixed_rows(signature.outputs[key]) or rank(signature.outputs[key]) == 0
            if request.wrong_shape or not request.rows or told:
                continue
            if output.shape[:1] != (request.rows,):
                yield Finding(
                    Severity.WARNING,
                    "rest_output",
                    f"the output {key!r} has the shape {list(output.shape)} for {request.rows} "
                    "instances, so REST refuses the request in row format",
                    (name,),
                )
    wrong = [request.description for request, _ in answers if request.wrong_shape]
    if wrong:
        yield Finding(
            Severity.WARNING,
            "wrong_shape_answered",
            f"requests of a wrong shape are answered: {', '.join(wrong)} ({_GUARD} refuses them)",
            (name,),
        )
