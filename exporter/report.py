"""What an export says of itself: export.json inside it, and the closing summary."""

import dataclasses
import json
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bert.encoder.precision import Precision
from bert.model import TextModel
from exporter.artefact.model_card import model_card
from exporter.contract import CARD_FILE, REPORT_FILE, TEXT, text_inputs
from exporter.models.opened_model import OpenedModel
from exporter.proof.verification import VerificationReport
from exporter.runtime.reload import Load
from exporter.serving.gate import GateReport
from exporter.text.long_texts import CUT, WINDOWS, LongTexts
from exporter.text.profiles import PROFILES

# Of the labels that the summary shows.
_MOST_LABELS = 20
_LABEL_LENGTH = 60


@dataclasses.dataclass(frozen=True)
class ExportReport:
    """Everything about a finished export."""

    version_directory: Path
    opened: OpenedModel = dataclasses.field(repr=False)
    text_pair: bool
    long_texts: LongTexts
    signatures: tuple[str, ...]
    default_signature: str
    precision: Precision
    calibration_file: Path | None
    """what weights were scaled by; None for our own sentences, or for no scaling"""

    gate: GateReport = dataclasses.field(repr=False)
    warmup_requests: int
    verification: VerificationReport | None
    load: Load | None = dataclasses.field(repr=False)
    """what it took here, with the warm-up requests; None if it was not loaded"""

    @property
    def model(self) -> TextModel:
        """What was exported, as a plain value."""
        return self.opened.model

    def to_json(self) -> dict[str, Any]:
        """The content of `assets.extra/export.json`."""
        model = self.model
        return {
            "versions": {
                name: _installed_version(name)
                for name in ("bert-text-exporter", "tensorflow", "tensorflow-text", "numpy")
            },
            "source": dict(model.provenance),
            "task": model.task.name,
            "labels": list(model.labels),
            "text": {
                "tokenizer": model.tokenizer,
                "do_lower_case": model.do_lower_case,
                "tokenizer_settings": dataclasses.asdict(model.tokenizer_settings)
                if model.tokenizer_settings
                else None,
                "max_seq_length": model.max_seq_length,
                "text_pair": self.text_pair,
                **self._long_texts_to_json(),
                "unicode_version": PROFILES[model.tokenizer].unicode_version(),
                "vocabulary_lines": len(model.vocabulary),
                "word_embedding_rows": self.opened.word_embedding_rows,
            },
            **self.opened.network_to_json(),
            "signatures": list(self.signatures),
            "serving_default": self.default_signature,
            "precision": self.precision.flag_value,
            "calibration_file": str(self.calibration_file) if self.calibration_file else None,
            "ops": list(self.gate.ops),
            "oldest_tensorflow_serving": self.gate.oldest_release,
            "warmup_requests": self.warmup_requests,
            "load": dataclasses.asdict(self.load) if self.load else None,
            "verification": self._verification_to_json(),
        }

    def _long_texts_to_json(self) -> dict[str, Any]:
        # A context is always read in windows; how far these are apart depends on the question.
        if self.model.task.finds_spans:
            return {"long_text": WINDOWS}
        return dataclasses.asdict(self.long_texts)

    def _verification_to_json(self) -> dict[str, Any] | None:
        if self.verification is None:
            return None
        found = dataclasses.asdict(self.verification)
        return {name: value for name, value in found.items() if name != "load"}

    def write(self, directory: Path) -> None:
        """Writes export.json and the model card made from it into a SavedModel directory."""
        content = self.to_json()
        file = directory / REPORT_FILE
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
        name = self.version_directory.resolve().parent.name
        card = model_card(content, name, self._curl())
        (directory / CARD_FILE).write_text(card, encoding="utf-8")

    def summary(self) -> str:
        """The closing words of the command, with a curl line that works."""
        model = self.model
        casing = "uncased" if model.do_lower_case else "cased"
        named = ", ".join(self.signatures)
        rows = {
            "model": f"{model.provenance['kind']}, {self.opened.describe_network()}, "
            f"{self._task()}",
            "text": f"{model.tokenizer} tokenizer, {casing} ({model.provenance['do_lower_case']})",
            "length": f"{model.max_seq_length} tokens with [CLS] and [SEP] "
            f"({model.provenance['max_seq_length']}){self._longer()}",
            "vocabulary": f"{len(model.vocabulary)} lines for "
            f"{self.opened.word_embedding_rows or 'an unknown number of'} embedding rows",
            "precision": self._precision(),
            "signatures": named.replace(
                "serving_default", f"serving_default (= {self.default_signature})"
            ),
            "runs on": f"TensorFlow Serving {self.gate.oldest_release} and newer",
            "warm-up": self._warmed_up(),
            "verified": self._verified(),
        }
        lines = [f"  {name:<11} {text}" for name, text in rows.items()]
        head = f"Exported {self.version_directory}"
        if TEXT not in self.signatures:
            return "\n".join([head, *lines])
        return "\n".join([head, *lines, "", "Ask a server of it:", f"  {self._curl()}"])

    def _task(self) -> str:
        model = self.model
        if not model.task.has_head:
            return f"{model.task}: {self.opened.describe_embedding()}"
        activation = model.provenance.get("activation")
        if not model.labels:
            return f"{model.task}: {activation}" if activation else str(model.task)
        source = model.provenance.get("labels")
        told = f" ({source})" if source else ""
        return f"{model.task}: {printable_labels(model.labels)}{told}"

    def _longer(self) -> str:
        """What becomes of longer texts, where they are not just cut."""
        return "" if self.long_texts == CUT else f"; longer texts are {self.long_texts}"

    def _precision(self) -> str:
        precision = self.precision
        if not precision.is_calibrated:
            return precision.words
        return f"{precision.words}, smoothed by {self.calibration_file or 'built-in sentences'}"

    def _warmed_up(self) -> str:
        if not self.warmup_requests:
            return "none (--nowarmup)"
        return f"{self.warmup_requests} requests, replayed in a fresh process in {self.load}"

    def _verified(self) -> str:
        found = self.verification
        if found is None:
            return "not verified (--noverify)"
        compared = (
            f"ids equal on {found.texts_with_equal_ids} texts, "
            f"{self.model.task.answer_words} within "
            f"{found.largest_probability_difference:.1e} on "
            f"{found.texts_with_compared_probabilities}"
        )
        if self.precision.is_exact or self.model.task.choose is None:
            return compared
        return f"{compared}, of which {found.changed_labels} changed their label"

    def _curl(self) -> str:
        name = self.version_directory.resolve().parent.name
        address = f"localhost:8501/v1/models/{name}:predict"
        instance: str | dict[str, str] = "a stirring, funny film"
        if self.model.task.fills_masks:
            instance = f"a stirring, {self.model.mask_token()} film"
        names = text_inputs(self.model.task, self.text_pair)
        if len(names) > 1:
            texts = ("Is it any good?", "A stirring, funny film.")
            instance = dict(zip(names, texts, strict=True))
        body: dict[str, Any] = {"instances": [instance]}
        if self.default_signature != TEXT:
            body = {"signature_name": TEXT, **body}
        # Single quotes around the body: it must hold none.
        body_json = json.dumps(body, separators=(",", ":"))
        return f"curl -d '{body_json}' {address}"


def printable_labels(labels: Sequence[str]) -> str:
    r"""Labels for a terminal: the first 20 of them, 60 characters of each, nothing that acts.

    `("a", "\x1b[2J")` is `a, \x1b[2J` with a backslash in place of the escape character.
    """
    shown = [
        "".join(c if c.isprintable() else repr(c)[1:-1] for c in label[:_LABEL_LENGTH])
        + ("..." if len(label) > _LABEL_LENGTH else "")
        for label in labels[:_MOST_LABELS]
    ]
    if len(labels) > _MOST_LABELS:
        shown.append(f"... ({len(labels)} labels)")
    return ", ".join(shown)


def _installed_version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:  # run from a checkout that is not installed
        return None
