"""What an export may be asked for beside the checkpoint itself."""

import dataclasses
from collections.abc import Collection
from pathlib import Path

from bert.errors import UserError
from bert.model import TextModel
from exporter.contract import DEFAULT_SIGNATURES
from exporter.models.network import PRECISIONS

# TF Serving reads a version as an int64.
_LARGEST_VERSION = 2**63 - 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """The arguments of `exporter.export` that are not for reading the checkpoint."""

    version: int
    text_pair: bool
    default_signature: str
    top_k: int | None
    precision: str
    target_serving: str
    warmup: bool
    warmup_file: Path | None
    verify: bool
    verify_file: Path | None

    def check(self) -> None:
        """Raises a UserError for what is wrong whatever the model is."""
        _check_choice("default_signature", self.default_signature, DEFAULT_SIGNATURES)
        _check_choice("precision", self.precision, PRECISIONS)
        if not 0 <= self.version <= _LARGEST_VERSION:
            raise UserError(
                f"--version is {self.version}, where a number from 0 to {_LARGEST_VERSION} is "
                "expected: give such a number, or leave the flag out for the time of day."
            )
        if self.warmup_file is not None and not self.warmup:
            raise UserError("--warmup_file is given with --nowarmup: leave one of the two out.")
        if self.verify_file is not None and not self.verify_file.is_file():
            raise UserError(f"--verify_file {self.verify_file} does not exist: check the path.")

    def check_with(self, model: TextModel) -> None:
        """Raises a UserError for what does not fit the model."""
        num_labels = len(model.labels)
        if self.top_k is not None and not num_labels:
            raise UserError(
                f"--top_k is {self.top_k}, but the task of the model, {model.task}, has no labels: "
                "leave the flag out."
            )
        if self.top_k is not None and not 1 <= self.top_k <= num_labels:
            raise UserError(
                f"--top_k is {self.top_k}, where a number from 1 to {num_labels}, the classes of "
                "the checkpoint, is expected: give such a number, or leave the flag out for all."
            )


def _check_choice(flag: str, value: str, choices: Collection[str]) -> None:
    if value not in choices:
        raise UserError(
            f"--{flag} is {value!r}, where one of {', '.join(choices)} is expected: give one of "
            "these."
        )
