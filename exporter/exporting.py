"""The way of one export: read, write, gate, warm up, verify, publish."""

import contextlib
import os
from collections.abc import Sequence

import tensorflow as tf

from bert.encoder.precision import Precision
from exporter.artefact import saving
from exporter.artefact.sentences import read_rows
from exporter.artefact.warmup import default_rows, write_warmup
from exporter.models.location import local_path
from exporter.models.opened_model import OpenedModel
from exporter.models.opening import open_model
from exporter.options import ExportOptions
from exporter.progress import silent
from exporter.proof.valid_json import require_valid_json
from exporter.proof.verification import asked_signatures, verify, verify_loads
from exporter.publish import cannot_write, staged_version, version_number
from exporter.report import ExportReport
from exporter.serving import gate
from exporter.serving.op_tables import OpTables
from exporter.serving.release import Release


def export_checkpoint(options: ExportOptions) -> ExportReport:
    """Exports one checkpoint as one version; `exporter.export` describes the options.

    Raises:
      UserError: a mistake of the user's; nothing new is left in `export_dir`.
      VerificationError: the export does not answer as its witnesses do; likewise.
    """
    stage = options.stage or silent
    version = version_number(options.export_dir, options.version, options.allow_older_version)
    checkpoint = os.fspath(options.checkpoint)
    tables = OpTables()
    target = gate.target_release(options.target_serving, tables)
    precision = gate.runnable_precision(options.precision, target, tables)
    with contextlib.ExitStack() as stack:
        with stage(f"reading {checkpoint.rstrip('/').rsplit('/')[-1]}"):
            path = stack.enter_context(local_path(checkpoint))
            opened = open_model(path, options, checkpoint)
            require_valid_json(opened)
        text_pair = options.check_with(opened.model)
        warmup_rows = None
        if options.warmup_file is not None:
            warmup_rows = read_rows("--warmup_file", options.warmup_file, text_pair)
        elif options.warmup:
            warmup_rows = default_rows(text_pair)
        return _export(opened, options, version, text_pair, precision, target, tables, warmup_rows)


def _export(
    opened: OpenedModel,
    options: ExportOptions,
    version: int,
    text_pair: bool,
    precision: Precision,
    target: Release,
    tables: OpTables,
    warmup_rows: Sequence[tuple[bytes, ...]] | None,
) -> ExportReport:
    """Writes, checks and publishes a model that was read."""
    export_dir, stage = options.export_dir, options.stage or silent
    with staged_version(export_dir, version) as directory:
        with stage("tracing and saving"):
            try:
                word_piece_op = saving.fastest_word_piece_op(target, tables)
                proof = saving.Proof(
                    directory.with_name("proof"), asked_signatures(opened.model.task)
                )
                signatures = saving.write(
                    opened,
                    directory,
                    options,
                    text_pair,
                    precision,
                    word_piece_op,
                    proof if options.verify else None,
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
                    warmup_requests = write_warmup(
                        directory,
                        opened.model,
                        warmup_rows,
                        options.warmup_batch_size,
                        precision,
                    )
                except (OSError, tf.errors.OpError) as error:
                    raise cannot_write(export_dir, error) from error
        verification_report, load = None, None
        if options.verify:
            with stage("verifying in a fresh process") as advance:
                verification_report = verify(
                    proof.directory if proof.directory.exists() else directory,
                    opened,
                    text_pair,
                    options.verify_file,
                    precision,
                    options.strategy(opened.model),
                    advance,
                    options.question_settings(opened.model),
                    options.long_text_settings(opened.model, text_pair),
                )
                if not proof.directory.exists():
                    load = verification_report.load
        if load is None and warmup_rows is not None:
            with stage("replaying warm-up requests") as advance:
                load = verify_loads(directory, advance)
        report = ExportReport(
            version_directory=export_dir / str(version),
            opened=opened,
            text_pair=text_pair,
            long_texts=options.long_text_settings(opened.model, text_pair),
            signatures=signatures,
            default_signature=options.default_signature,
            precision=precision,
            calibration_file=options.calibration_file,
            gate=gate_report,
            warmup_requests=warmup_requests,
            verification=verification_report,
            load=load,
        )
        try:
            report.write(directory)
        except OSError as error:
            raise cannot_write(export_dir, error) from error
    return report
