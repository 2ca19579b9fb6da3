"""Checks a written export against witnesses that share no code with it."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bert.errors import UserError
from bert.heads import HEADS
from bert.model import FineTunedModel
from bert.reference import ReferenceClassifier
from bert.tokenization import FullTokenizer
from exporter.adversarial_text import ADVERSARIAL_TEXTS
from exporter.reload import ReloadError, run_in_fresh_process

# float32 against float64, over 12 layers.
PROBABILITY_TOLERANCE = 1e-5

# The witness is a plain float64 program; these many texts keep it to some seconds.
_ADVERSARIAL_PROBABILITIES = 16
_FILE_PROBABILITIES = 32


class VerificationError(Exception):
    """The export does not answer as its witnesses do; it must not be served."""


@dataclasses.dataclass(frozen=True)
class VerificationReport:
    """What was compared, and the largest difference found."""

    texts_with_equal_ids: int
    texts_with_compared_probabilities: int
    largest_probability_difference: float


def verify(directory: Path, model: FineTunedModel, verify_file: Path | None) -> VerificationReport:
    """Loads the export in a fresh process and compares ids and probabilities.

    Ids against the Python reference tokenizer on the built-in adversarial texts and every
    line of `verify_file`; probabilities against the NumPy forward pass on a part of them.

    Raises:
      VerificationError: the export does not load, or an answer differs.
      UserError: `verify_file` cannot be read.
    """
    lines = _read_lines(verify_file) if verify_file else []
    texts = [*lines, *ADVERSARIAL_TEXTS]
    try:
        ids, answers = run_in_fresh_process(directory, texts, HEADS[model.task].output_name)
    except ReloadError as error:
        raise VerificationError(f"the export does not load in a fresh process: {error}") from error

    tokenizer = FullTokenizer(model.vocabulary, model.do_lower_case)
    for text, found in zip(texts, ids, strict=True):
        expected, _ = tokenizer.encode(text, None, model.max_seq_length)
        if found != expected:
            raise VerificationError(
                f"the ids of {_shown(text)} are {_shown(found)} in the export, but "
                f"{_shown(expected)} by the {model.tokenizer} reference tokenizer"
            )

    compared = [
        *range(min(len(lines), _FILE_PROBABILITIES)),
        *range(len(lines), len(lines) + _ADVERSARIAL_PROBABILITIES),
    ]
    witness = ReferenceClassifier(model.config, model.weights)
    largest = 0.0
    for index in compared:
        row = np.array([ids[index]])
        expected_answer = witness.probabilities(row, np.ones_like(row), np.zeros_like(row))[0]
        difference = float(np.abs(answers[index] - expected_answer).max())
        # Written so that NaN fails too.
        if not difference <= PROBABILITY_TOLERANCE:
            raise VerificationError(
                f"the probabilities of {_shown(texts[index])} differ by {difference:.1e} from the "
                f"NumPy forward pass, more than {PROBABILITY_TOLERANCE:.0e}"
            )
        largest = max(largest, difference)
    return VerificationReport(len(texts), len(compared), largest)


def _read_lines(file: Path) -> list[bytes]:
    try:
        lines = file.read_bytes().split(b"\n")
    except OSError as error:
        raise UserError(
            f"--verify_file {file} cannot be read ({error.strerror}): check the path."
        ) from error
    return lines[:-1] if lines[-1] == b"" else lines


def _shown(value: bytes | Sequence[int]) -> str:
    """A value short enough for one line."""
    shown = repr(value)
    return shown if len(shown) <= 120 else f"{shown[:117]}..."
