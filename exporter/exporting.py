"""The way of one export: read, write, gate, warm up, verify, publish."""

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from bert.checkpoints import ReadOptions
from bert.errors import UserError
from bert.model import TextModel
from exporter import saved_model
from exporter.network import PRECISIONS
from exporter.opening import open_model
from exporter.progress import Stage
from exporter.publish import cannot_write, staged_version
from exporter.report import ExportReport
from exporter.serving import gate
from exporter.serving.op_tables import OpTables
from exporter.serving.release import Release
from exporter.serving.warmup import default_rows, read_rows, write_warmup
from exporter.signatures import DEFAULT_SIGNATURES
from exporter.valid_json import require_valid_json
from exporter.verification import verify, verify_loads
from exporter.wrapped.location import local_path

# TF Serving reads a version as an int64.
_LARGEST_VERSION = 2**63 - 1


def export_checkpoint(
    checkpoint: str,
    export_dir: Path,
    read_options: ReadOptions,
    *,
    version: int | None,
    text_pair: bool,
    default_signature: str,
    top_k: int | None,
    precision: str,
    target_serving: str,
    warmup: bool,
    warmup_file: Path | None,
    verification: bool,
    verify_file: Path | None,
    stage: Stage,
) -> ExportReport:
    """Exports one checkpoint as one version; `exporter.export` describes the arguments.

    Raises:
      UserError: a mistake of the user's; nothing new is left in `export_dir`.
      VerificationError: the export does not answer as its witnesses do; likewise.
    """
    tables = OpTables()
    target = gate.target_release(target_serving, tables)
    if default_signature not in DEFAULT_SIGNATURES:
        raise UserError(
            f"--default_signature is {default_signature!r}, where one of "
            f"{', '.join(DEFAULT_SIGNATURES)} is expected: give one of these."
        )
    if precision not in PRECISIONS:
        raise UserError(
            f"--precision is {precision!r}, where one of {', '.join(PRECISIONS)} is expected: give "
            "one of these."
        )
    if version is None:
        version = int(time.time())
    if not 0 <= version <= _LARGEST_VERSION:
        raise UserError(
            f"--version is {version}, where a number from 0 to {_LARGEST_VERSION} is expected: "
            "give such a number, or leave the flag out for the time of day."
        )
    if warmup_file is not None and not warmup:
        raise UserError("--warmup_file is given with --nowarmup: leave one of the two out.")
    warmup_rows = read_rows(warmup_file, text_pair) if warmup_file else default_rows(text_pair)
    with contextlib.ExitStack() as stack:
        with stage(f"reading {checkpoint.rstrip('/').rsplit('/')[-1]}"):
            path = stack.enter_context(local_path(checkpoint))
            model = open_model(path, read_options, checkpoint)
            require_valid_json(model)
        return _export(
            model,
            export_dir,
            version=version,
            text_pair=text_pair,
            default_signature=default_signature,
            top_k=top_k,
            precision=precision,
            target=target,
            tables=tables,
            warmup_rows=warmup_rows if warmup else None,
            verification=verification,
            verify_file=verify_file,
            stage=stage,
        )


def _export(
    model: TextModel,
    export_dir: Path,
    *,
    version: int,
    text_pair: bool,
    default_signature: str,
    top_k: int | None,
    precision: str,
    target: Release,
    tables: OpTables,
    warmup_rows: Sequence[tuple[bytes, ...]] | None,
    verification: bool,
    verify_file: Path | None,
    stage: Stage,
) -> ExportReport:
    """Writes, checks and publishes a model that was read."""
    num_labels = len(model.labels)
    if top_k is not None and not num_labels:
        raise UserError(
            f"--top_k is {top_k}, but the task of the model, {model.task}, has no labels: leave "
            "the flag out."
        )
    if top_k is not None and not 1 <= top_k <= num_labels:
        raise UserError(
            f"--top_k is {top_k}, where a number from 1 to {num_labels}, the classes of the "
            "checkpoint, is expected: give such a number, or leave the flag out for all."
        )
    if verify_file is not None and not verify_file.is_file():
        raise UserError(f"--verify_file {verify_file} does not exist: check the path.")

    with staged_version(export_dir, version) as directory:
        with stage("tracing and saving"):
            try:
                signatures = saved_model.write(
                    model,
                    directory,
                    text_pair=text_pair,
                    default_signature=default_signature,
                    top_k=top_k or num_labels,
                    precision=precision,
                    word_piece_op=gate.fastest_word_piece_op(target, tables),
                )
            # TensorFlow tells of a full disk by several classes of its own.
            except (OSError, tf.errors.OpError) as error:
                raise cannot_write(export_dir, error) from error
        with stage("checking the ops against TensorFlow Serving"):
            gate_report = gate.check(directory, target, tables)
        warmup_requests = 0
        if warmup_rows is not None:
            with stage("writing warm-up requests"):
                try:
                    warmup_requests = write_warmup(directory, model, warmup_rows)
                except (OSError, tf.errors.OpError) as error:
                    raise cannot_write(export_dir, error) from error
        verification_report = None
        if verification:
            with stage("verifying in a fresh process"):
                verification_report = verify(directory, model, text_pair, verify_file, precision)
        elif warmup_rows is not None:
            with stage("replaying warm-up requests"):
                verify_loads(directory)
        report = ExportReport(
            version_directory=export_dir / str(version),
            model=model,
            text_pair=text_pair,
            signatures=signatures,
            default_signature=default_signature,
            precision=precision,
            gate=gate_report,
            warmup_requests=warmup_requests,
            verification=verification_report,
        )
        try:
            report.write(directory)
        except OSError as error:
            raise cannot_write(export_dir, error) from error
    return report
