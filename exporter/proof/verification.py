"""Checks a written export against witnesses that share no code with it."""

import dataclasses
import functools
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from bert.encoder.float32_threshold import ALWAYS, NEVER
from bert.encoder.heads import HEADS
from bert.errors import UserError
from bert.model import FineTunedModel, TextModel
from bert.reference import ReferenceModel
from bert.tasks import CLASSIFICATION, MULTILABEL
from exporter.contract import TEXT_INPUT, TEXT_PAIR_INPUTS
from exporter.models.network import FLOAT32
from exporter.models.wrapped.model import WrappedModel
from exporter.models.wrapped.witness import Row, answers_of_original
from exporter.proof.adversarial_text import ADVERSARIAL_TEXTS
from exporter.runtime.reload import ReloadError, load_in_fresh_process, run_in_fresh_process
from exporter.text.profiles import PROFILES

# float32 against float64, over 12 layers; of values above 1, a share of the largest.
PROBABILITY_TOLERANCE = 1e-5

# bfloat16 has 8 bits: the largest change seen is 0.0147 with MiniLM, 0.0007 with BERT-base.
BFLOAT16_TOLERANCE = 5e-2

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
    changed_labels: int
    """texts that get another label, or set of labels, than the witness gives, in bfloat16 with
    weights multiplied as they are or made float32"""


def verify_loads(directory: Path) -> None:
    """Loads the export in a fresh process and replays its warm-up requests, no more.

    Raises:
      VerificationError: it does not load, or a request fails.
    """
    try:
        load_in_fresh_process(directory)
    except ReloadError as error:
        raise _does_not_load(error) from error


def verify(
    directory: Path,
    model: TextModel,
    text_pair: bool,
    verify_file: Path | None,
    precision: str = FLOAT32,
) -> VerificationReport:
    """Loads the export in a fresh process and compares ids and probabilities.

    Loading is what a server does: its warm-up requests are replayed.
    Ids against the Python reference tokenizer on the built-in adversarial texts and every
    line of `verify_file`; probabilities on a part of them, against the NumPy forward pass, or
    the SavedModel as it was. Weights in bfloat16 are multiplied both ways that a server may choose.
    With `text_pair`, a line of the file holds two texts with a tab between them.

    Raises:
      VerificationError: the export does not load, or an answer differs.
      UserError: `verify_file` cannot be read.
    """
    lines = _read_lines(verify_file) if verify_file else []
    rows = [_row(line, text_pair) for line in lines] + _adversarial_rows(text_pair)
    names = TEXT_PAIR_INPUTS if text_pair else TEXT_INPUT
    answer_name = HEADS[model.task].output_name
    # A server may do either with weights in bfloat16, as its processor is.
    thresholds = () if precision == FLOAT32 else (ALWAYS, NEVER)
    try:
        ids, answers = run_in_fresh_process(directory, rows, names, answer_name, thresholds)
    except ReloadError as error:
        raise _does_not_load(error) from error
    except OSError as error:
        raise UserError(
            f"TMPDIR {tempfile.gettempdir()} cannot be written ({error.strerror}), and the "
            "verification needs it: name a directory with room in TMPDIR, or give --noverify."
        ) from error

    tokenizer = PROFILES[model.tokenizer].build_reference(model)
    references = []
    for row, found in zip(rows, ids, strict=True):
        text_b = row[1] if text_pair else None
        expected, segment_ids = tokenizer.encode(row[0], text_b, model.max_seq_length)
        if found != expected:
            raise VerificationError(
                f"the ids of {_shown(row)} are {_shown(found)} in the export, but "
                f"{_shown(expected)} by the {model.tokenizer} reference tokenizer"
            )
        references.append((expected, segment_ids))

    compared = [
        *range(min(len(lines), _FILE_PROBABILITIES)),
        *range(len(lines), len(lines) + _ADVERSARIAL_PROBABILITIES),
    ]
    tolerance = PROBABILITY_TOLERANCE if precision == FLOAT32 else BFLOAT16_TOLERANCE
    witness, witness_name = _witness(model)
    try:
        expected_answers = witness([references[index] for index in compared])
    except ReloadError as error:
        raise VerificationError(f"the {witness_name} does not run: {error}") from error
    largest, changed_labels = 0.0, 0
    for index, expected_answer in zip(compared, expected_answers, strict=True):
        given = np.stack([of_all[index] for of_all in answers])  # [thresholds, ...]
        scale = max(1.0, float(np.abs(expected_answer).max()))
        difference = float(np.abs(given - expected_answer).max()) / scale
        # Written so that NaN fails too.
        if not difference <= tolerance:
            raise VerificationError(
                f"the {answer_name} of {_shown(rows[index])} differ by {difference:.1e} from the "
                f"{witness_name}, more than {tolerance:.0e}"
            )
        largest = max(largest, difference)
        changed_labels += any(
            _labels_differ(model.task, answer, expected_answer) for answer in given
        )
    return VerificationReport(len(rows), len(compared), largest, changed_labels)


def _labels_differ(task: str, answer: np.ndarray, expected: np.ndarray) -> bool:
    """Whether two answers [C] name other labels: the best one, or those above a half."""
    if task == CLASSIFICATION:
        return bool(answer.argmax() != expected.argmax())
    return task == MULTILABEL and bool(((answer > 0.5) != (expected > 0.5)).any())


def _witness(model: TextModel) -> tuple[Callable[[Sequence[Row]], Iterable[np.ndarray]], str]:
    """The function from rows to the answers expected, and what it is."""
    if isinstance(model, WrappedModel):
        return functools.partial(answers_of_original, model), "SavedModel as it was"
    assert isinstance(model, FineTunedModel)
    reference = ReferenceModel(model)

    def answers(rows: Sequence[Row]) -> list[np.ndarray]:
        return [
            reference.answers(
                np.array([ids]), np.ones([1, len(ids)], np.int32), np.array([segments])
            )[0]
            for ids, segments in rows
        ]

    return answers, "NumPy forward pass"


def _does_not_load(error: ReloadError) -> VerificationError:
    return VerificationError(f"the export does not load in a fresh process: {error}")


def _row(line: bytes, text_pair: bool) -> tuple[bytes, ...]:
    if not text_pair:
        return (line,)
    text_a, _, text_b = line.partition(b"\t")
    return text_a, text_b


def _adversarial_rows(text_pair: bool) -> list[tuple[bytes, ...]]:
    """Every adversarial text, in a pair with the next one where texts come in pairs."""
    texts = ADVERSARIAL_TEXTS
    if not text_pair:
        return [(text,) for text in texts]
    return list(zip(texts, (*texts[1:], texts[0]), strict=True))


def _read_lines(file: Path) -> list[bytes]:
    try:
        lines = file.read_bytes().split(b"\n")
    except OSError as error:
        raise UserError(
            f"--verify_file {file} cannot be read ({error.strerror}): check the path."
        ) from error
    return lines[:-1] if lines[-1] == b"" else lines


def _shown(value: Sequence[bytes] | Sequence[int]) -> str:
    """Texts or ids, short enough for one line."""
    shown = ", ".join(map(repr, value))
    return shown if len(shown) <= 120 else f"{shown[:117]}..."
