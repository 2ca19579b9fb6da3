"""Makes a fine-tuned BERT answer plain text on a TensorFlow Serving deployment."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.progress import Stage
    from exporter.report import ExportReport

__all__ = ["export"]


def export(
    checkpoint: str | os.PathLike[str],
    export_dir: str | os.PathLike[str],
    *,
    version: int | None = None,
    bert_config_file: str | os.PathLike[str] | None = None,
    vocab_file: str | os.PathLike[str] | None = None,
    do_lower_case: bool | None = None,
    tokenizer: str | None = None,
    max_seq_length: int | None = None,
    task: str | None = None,
    text_pair: bool = False,
    labels: Sequence[str] | None = None,
    top_k: int | None = None,
    default_signature: str = "text",
    precision: str = "float32",
    target_serving: str = "2.12.0",
    warmup: bool = True,
    warmup_file: str | os.PathLike[str] | None = None,
    verify: bool = True,
    verify_file: str | os.PathLike[str] | None = None,
    stage: Stage | None = None,
) -> ExportReport:
    """Turns a checkpoint into a SavedModel version that answers text.

    The same as `python -m exporter`, whose flags have the names of the arguments.

    Args:
      checkpoint: a TensorFlow 1 checkpoint's prefix, a directory that holds one, or one of
        transformers or sentence-transformers; or a SavedModel that takes features, as a
        directory, a tar archive or a handle of TensorFlow Hub.
      export_dir: base path of the served model; a version directory is made in it.
      version: the version number; None is the time in Unix seconds.
      bert_config_file: None is beside the checkpoint.
      vocab_file: None is beside the checkpoint.
      do_lower_case: None is tokenizer_config.json's, else what the vocabulary tells.
      tokenizer: the library whose ids the model was trained on; None goes by checkpoint.
      max_seq_length: truncation length in tokens, with [CLS] and [SEP].
      task: None goes by checkpoint.
      text_pair: whether the inputs are `text_a` and `text_b` instead of `text`.
      labels: names in class order; None is `0`, `1`, ...
      top_k: how many labels the `labels` signature returns; None is all.
      default_signature: what `serving_default` is.
      precision: what weights are kept and multiplied in, `float32` or `bfloat16`.
      target_serving: the oldest TensorFlow Serving release that must run the export.
      warmup: whether a server gets warm-up requests, which it runs when it loads the model.
      warmup_file: their sentences, one a line; None is some of our own.
      verify: whether to check ids and probabilities in a fresh process.
      verify_file: more lines to check.
      stage: a context manager around each stage, for progress; None is silent.

    Returns:
      What was exported; `version_directory` is where it lies.

    Raises:
      bert.errors.UserError: a mistake of the user's, in one sentence.
      exporter.proof.verification.VerificationError: the export answers wrongly.
      In both cases nothing new is left in `export_dir`.
    """
    from exporter.package_conflict import check_bert_package

    check_bert_package()
    from bert.checkpoints.options import ReadOptions
    from exporter.exporting import export_checkpoint
    from exporter.options import ExportOptions
    from exporter.progress import silent

    return export_checkpoint(
        os.fspath(checkpoint),
        Path(export_dir),
        ReadOptions(
            bert_config_file=_path(bert_config_file),
            vocab_file=_path(vocab_file),
            do_lower_case=do_lower_case,
            tokenizer=tokenizer,
            max_seq_length=max_seq_length,
            task=task,
            labels=tuple(labels) if labels is not None else None,
        ),
        ExportOptions(
            version=int(time.time()) if version is None else version,
            text_pair=text_pair,
            default_signature=default_signature,
            top_k=top_k,
            precision=precision,
            target_serving=target_serving,
            warmup=warmup,
            warmup_file=_path(warmup_file),
            verify=verify,
            verify_file=_path(verify_file),
        ),
        stage or silent,
    )


def _path(value: str | os.PathLike[str] | None) -> Path | None:
    return None if value is None else Path(value)
