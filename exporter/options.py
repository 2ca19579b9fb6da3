"""The options of an export, besides those for reading the checkpoint."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from bert.checkpoints.options import MODEL, ReadKeywords
from bert.command.options import File, StrPath, declared, option, require_valid
from bert.encoder.precision import FLOAT32, PRECISIONS
from bert.errors import UserError
from bert.model import FineTunedModel, TextModel
from exporter import contract
from exporter.contract import AGGREGATION_STRATEGIES, DEFAULT_SIGNATURES, FIRST, NONE, SIMPLE, TEXT
from exporter.progress import Stage
from exporter.publish import LARGEST_VERSION
from exporter.text.long_texts import LongTexts
from exporter.text.questions import QuestionKeywords

# The headings of `--help`.
_REQUIRED = "What is exported, and where to"
_EXPORT = "What the export is"
_CHECKS = "What is checked and warmed up"


@dataclasses.dataclass(frozen=True)
class ExportKeywords(QuestionKeywords, ReadKeywords[File]):
    """The arguments of `exporter.export`, and the flags of `python -m exporter`."""

    checkpoint: StrPath = dataclasses.field(
        metadata=declared(
            "the model: a TensorFlow checkpoint's prefix, or a directory with one; a directory of "
            "transformers or sentence-transformers; or a SavedModel that takes features, as a "
            "directory, a tar archive or a handle of TensorFlow Hub",
            group=_REQUIRED,
        )
    )
    export_dir: File = dataclasses.field(
        metadata=declared(
            "base path of the served model; a version directory is made in it", group=_REQUIRED
        )
    )
    _: dataclasses.KW_ONLY
    label_file: File | None = option(
        None,
        "a file with one class name a line, in class order, in place of labels",
        group=MODEL,
    )
    text_pair: bool | None = option(
        None,
        "whether the inputs are text_a and text_b in place of text",
        group=_EXPORT,
        unset="yes for a cross-encoder, no for other models",
    )
    version: int | None = option(
        None,
        "the version number",
        group=_EXPORT,
        unset="the time in Unix seconds, or the newest version and one where that is larger",
        least=0,
        most=LARGEST_VERSION,
        fix="give such a number, or leave the flag out for the time of day",
    )
    allow_older_version: bool = option(
        False,
        "whether the version number may be below the newest in export_dir, which servers prefer",
        group=_EXPORT,
    )
    top_k: int | None = option(
        None,
        "how many labels the signature labels returns, or how many words fill a mask",
        group=_EXPORT,
        unset=f"all labels, {contract.DEFAULT_TOP_K} words",
    )
    aggregation_strategy: str | None = option(
        None,
        "how tokens with labels become entities, as in the pipeline of transformers",
        group=_EXPORT,
        unset=f"{SIMPLE}; {FIRST} for checkpoints of run_classifier, where words have labels",
        choices=AGGREGATION_STRATEGIES,
    )
    default_signature: str = option(
        TEXT,
        "the signature that serving_default is the same as",
        group=_EXPORT,
        choices=DEFAULT_SIGNATURES,
    )
    signatures: Sequence[str] | None = option(
        None,
        "the signatures to export besides serving_default; each takes its time when a server loads "
        "the model, and those named here keep a copy of int8 weights for short rows",
        group=_EXPORT,
        unset="all that the model's task has",
    )
    precision: str = option(
        FLOAT32,
        "the type that weights are stored in",
        group=_EXPORT,
        choices=tuple(dict.fromkeys(each.flag_value for each in PRECISIONS.values())),
    )
    calibration_file: File | None = option(
        None,
        "sentences like those that clients will send, one a line, or two with a tab between them; "
        "int8 weights are scaled by what they lead to",
        group=_EXPORT,
        unset="built-in sentences",
    )
    target_serving: str = option(
        "2.12.0",
        "the oldest TensorFlow Serving release that must run the export",
        group=_CHECKS,
    )
    warmup: bool = option(
        True,
        "whether to write warm-up requests, which a server runs when it loads the model",
        group=_CHECKS,
    )
    warmup_file: File | None = option(
        None,
        "sentences for them, one a line, or two with a tab between them",
        group=_CHECKS,
        unset="built-in sentences",
    )
    warmup_batch_size: int = option(
        8,
        "most rows of a warm-up request; a server that batches requests needs a max_batch_size "
        "of at least as many",
        group=_CHECKS,
        least=1,
    )
    verify: bool = option(
        True,
        "whether to compare ids and answers in a fresh process",
        group=_CHECKS,
    )
    verify_file: File | None = option(
        None,
        "lines to compare besides the built-in ones",
        group=_CHECKS,
    )
    stage: Stage | None = option(
        None,
        "a context manager around each stage, for progress; it gives a function that is told "
        "what is done, how many of it and of how many",
        unset="silent",
        is_flag=False,
    )

    def check(self) -> None:
        """Checks everything that depends on no model.

        Raises:
          UserError: an option is wrong, or two contradict each other.
        """
        require_valid(self)
        if self.labels is not None and self.label_file is not None:
            raise UserError("--labels and --label_file are both given: give one of them.")
        if self.warmup_file is not None and not self.warmup:
            raise UserError("--warmup_file is given with --nowarmup: leave one of the two out.")
        if self.calibration_file is not None and not PRECISIONS[self.precision].is_calibrated:
            raise UserError(
                f"--calibration_file is given, but --precision is {self.precision}, which asks for "
                "none: leave the file out, or give --precision=int8."
            )
        if self.verify_file is not None and not Path(self.verify_file).is_file():
            raise UserError(f"--verify_file {self.verify_file} does not exist: check the path.")

    def check_with(self, model: TextModel) -> bool:
        """Raises a UserError for what does not fit the model, and says whether it takes pairs."""
        self.question_settings(model)
        if model.task.text_names and self.text_pair is not None:
            raise UserError(
                f"--text_pair is given, but the inputs of the task of the model, {model.task}, are "
                f"{' and '.join(model.task.text_names)}: leave the flag out."
            )
        if model.prompt and self.text_pair:
            raise UserError(
                "--text_pair is given, but the model puts a prompt before every text, which is not "
                "built for pairs: leave the flag out."
            )
        text_pair = model.takes_pairs if self.text_pair is None else self.text_pair
        if model.takes_pairs and not text_pair:
            raise UserError(
                "--text_pair is false, but the model, a cross-encoder, scores pairs of texts "
                f"({model.provenance['activation']}): leave the flag out."
            )
        if text_pair and isinstance(model, FineTunedModel) and model.config.type_vocab_size == 1:
            raise UserError(
                "--text_pair needs two rows of segment embeddings, and the model has 1 "
                f"({model.provenance['bert_config_file']}: type_vocab_size): leave the flag out, "
                "or give a model that was trained on pairs."
            )
        self._check_top_k(model)
        if self.aggregation_strategy is not None and not model.task.labels_tokens:
            raise UserError(
                f"--aggregation_strategy is {self.aggregation_strategy!r}, but the task of the "
                f"model, {model.task}, has no entities: leave the flag out."
            )
        if text_pair and model.task.is_of_one_text:
            raise UserError(
                f"--text_pair is given, but the task of the model, {model.task}, is of one text: "
                "leave the flag out."
            )
        self.long_text_settings(model, text_pair)
        return text_pair

    def _check_top_k(self, model: TextModel) -> None:
        if self.top_k is None:
            return
        most, what = len(model.labels) if model.task.labels_rows else 0, "classes"
        if model.task.fills_masks:
            most, what = len(model.vocabulary), "words"
        if not most:
            raise UserError(
                f"--top_k is {self.top_k}, but the task of the model, {model.task}, has no labels "
                "of whole texts: leave the flag out."
            )
        if not 1 <= self.top_k <= most:
            raise UserError(
                f"--top_k is {self.top_k}, where a number from 1 to {most}, the {what} of the "
                "checkpoint, is expected: give such a number, or leave the flag out."
            )

    def long_text_settings(self, model: TextModel, text_pair: bool) -> LongTexts:
        """What becomes of texts that are too long; a UserError where flags do not fit."""
        return self.long_texts(model, text_pair, merges=self.strategy(model) != NONE)

    def strategy(self, model: TextModel) -> str:
        """How labels of a model's tokens become entities: one of AGGREGATION_STRATEGIES."""
        return self.aggregation_strategy or (FIRST if model.labels_words else SIMPLE)

    def class_names(self) -> Sequence[str] | None:
        """The names given for the classes, in class order.

        Raises:
          UserError: `label_file` cannot be read.
        """
        if self.label_file is None:
            return self.labels
        try:
            lines = Path(self.label_file).read_text(encoding="utf-8-sig").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(
                f"--label_file {self.label_file} cannot be read ({error}): check the path."
            ) from error
        return [line.strip() for line in lines if line.strip()]


ExportOptions = ExportKeywords[Path]
"""the same with files as paths"""
