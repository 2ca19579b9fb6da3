"""The way of one export: read, write, gate, verify, publish."""

import time
from pathlib import Path

import tensorflow as tf

from bert.checkpoints import ReadOptions, read
from bert.errors import UserError
from exporter import saved_model
from exporter.progress import Stage
from exporter.publish import cannot_write, staged_version
from exporter.report import ExportReport
from exporter.serving import gate
from exporter.serving.op_tables import OpTables
from exporter.signatures import DEFAULT_SIGNATURES
from exporter.verification import verify

# TF Serving reads a version as an int64.
_LARGEST_VERSION = 2**63 - 1


def export_checkpoint(
    checkpoint: Path,
    export_dir: Path,
    read_options: ReadOptions,
    *,
    version: int | None,
    text_pair: bool,
    default_signature: str,
    top_k: int | None,
    target_serving: str,
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
    if version is None:
        version = int(time.time())
    if not 0 <= version <= _LARGEST_VERSION:
        raise UserError(
            f"--version is {version}, where a number from 0 to {_LARGEST_VERSION} is expected: "
            "give such a number, or leave the flag out for the time of day."
        )
    with stage(f"reading {checkpoint.name}"):
        model = read(checkpoint, read_options)
    num_labels = len(model.labels)
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
                    word_piece_op=gate.fastest_word_piece_op(target, tables),
                )
            # TensorFlow tells of a full disk by several classes of its own.
            except (OSError, tf.errors.OpError) as error:
                raise cannot_write(export_dir, error) from error
        with stage("checking the ops against TensorFlow Serving"):
            gate_report = gate.check(directory, target, tables)
        verification_report = None
        if verification:
            with stage("verifying in a fresh process"):
                verification_report = verify(directory, model, text_pair, verify_file)
        report = ExportReport(
            version_directory=export_dir / str(version),
            model=model,
            text_pair=text_pair,
            signatures=signatures,
            default_signature=default_signature,
            gate=gate_report,
            verification=verification_report,
        )
        try:
            report.write(directory)
        except OSError as error:
            raise cannot_write(export_dir, error) from error
    return report
