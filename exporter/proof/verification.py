"""Checks a written export against witnesses that share no code with it."""

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bert.encoder.precision import FLOAT32, PRECISIONS, Precision
from bert.errors import UserError
from bert.model import TextModel
from bert.tasks import RowOutputs, Task
from exporter.contract import SIMPLE, TEXT_INPUT, TEXT_PAIR_INPUTS
from exporter.models.opened_model import OpenedModel, Row, Witness
from exporter.progress import Advance, counted, ignore
from exporter.proof.adversarial_text import adversarial_rows
from exporter.proof.entities import decode_entities, given_entities, same_entities
from exporter.runtime.reload import (
    Answers,
    Load,
    ReloadError,
    load_in_fresh_process,
    run_in_fresh_process,
)
from exporter.text.profiles import PROFILES

# The witness is a plain float64 program; these many texts keep it to some seconds.
_ADVERSARIAL_PROBABILITIES = 16
_FILE_PROBABILITIES = 32

Texts = tuple[bytes, ...]
"""the texts of a row, one or two"""


class VerificationError(Exception):
    """The export does not answer as its witnesses do; it must not be served."""


@dataclasses.dataclass(frozen=True)
class VerificationReport:
    """What was compared, and the largest difference found."""

    texts_with_equal_ids: int
    texts_with_compared_probabilities: int
    largest_probability_difference: float
    changed_labels: int
    """texts whose label, or set of labels, differs from the witness's under one of the choices
    that a server may make"""

    load: Load


def verify_loads(directory: Path, advance: Advance = ignore) -> Load:
    """Loads the export in a fresh process and replays its warm-up requests, no more.

    Raises:
      VerificationError: it does not load, or a request fails.
    """
    try:
        return load_in_fresh_process(directory, advance)
    except ReloadError as error:
        raise _does_not_load(error) from error


def verify(
    directory: Path,
    opened: OpenedModel,
    text_pair: bool,
    verify_file: Path | None,
    precision: Precision = PRECISIONS[FLOAT32],
    aggregation_strategy: str = SIMPLE,
    advance: Advance = ignore,
) -> VerificationReport:
    """Loads the export in a fresh process and compares ids and answers.

    Loading is what a server does: its warm-up requests are replayed.
    Ids against the Python reference tokenizer on the built-in adversarial texts and every
    line of `verify_file`; answers on a part of them, against the model's witness, under every
    choice that `precision` leaves to a server. Entities against what plain Python makes of the
    export's own probabilities, which are near a tie where another label would be as right.
    With `text_pair`, a line of the file holds two texts with a tab between them.

    Raises:
      VerificationError: the export does not load, or an answer differs.
      UserError: `verify_file` cannot be read.
    """
    lines = _read_lines(verify_file) if verify_file else []
    texts = [_texts(line, text_pair) for line in lines] + adversarial_rows(text_pair)
    model = opened.model
    outputs = (*model.task.outputs, *model.task.evidence)
    ids, runs, load = _run(directory, texts, text_pair, outputs, precision, advance)
    rows = _compare_ids(texts, ids, model)
    if model.task.labels_tokens:
        for run in runs:
            _compare_entities(texts, rows, run, model, aggregation_strategy)
    compared = _choose(len(lines))
    witness = opened.witness()
    expected = _expected(witness, [rows[index] for index in compared], advance)
    largest, changed_labels = 0.0, 0
    for index, answer in zip(compared, expected, strict=True):
        given = [run[index] for run in runs]
        difference = _compare_answers(
            texts[index], given, answer, model.task, witness.name, precision
        )
        largest = max(largest, difference)
        changed_labels += any(model.task.chooses_otherwise(run, answer) for run in given)
    return VerificationReport(len(texts), len(compared), largest, changed_labels, load)


def _run(
    directory: Path,
    texts: Sequence[Texts],
    text_pair: bool,
    outputs: Sequence[str],
    precision: Precision,
    advance: Advance,
) -> Answers:
    """The ids of each row, and its outputs under each choice that a server may make.

    Raises:
      VerificationError: the export does not load or run.
      UserError: there is no room for the files that a fresh process needs.
    """
    names = TEXT_PAIR_INPUTS if text_pair else TEXT_INPUT
    try:
        return run_in_fresh_process(directory, texts, names, outputs, precision.choices, advance)
    except ReloadError as error:
        raise _does_not_load(error) from error
    except OSError as error:
        raise UserError(
            f"TMPDIR {tempfile.gettempdir()} cannot be written ({error.strerror}), and the "
            "verification needs it: name a directory with room in TMPDIR, or give --noverify."
        ) from error


def _compare_ids(
    texts: Sequence[Texts], ids: Sequence[Sequence[int]], model: TextModel
) -> list[Row]:
    """Rows as the reference tokenizer of the model has them.

    Raises:
      VerificationError: the export has other ids.
    """
    tokenizer = PROFILES[model.tokenizer].build_reference(model)
    rows = []
    for (text, *others), found in zip(texts, ids, strict=True):
        expected, segment_ids = tokenizer.encode(
            text, others[0] if others else None, model.max_seq_length
        )
        if found != expected:
            raise VerificationError(
                f"the ids of {_shown((text, *others))} are {_shown(found)} in the export, but "
                f"{_shown(expected)} by the {model.tokenizer} reference tokenizer"
            )
        rows.append(Row(expected, segment_ids))
    return rows


def _compare_entities(
    texts: Sequence[Texts],
    rows: Sequence[Row],
    answers: Sequence[RowOutputs],
    model: TextModel,
    strategy: str,
) -> None:
    """Decodes the probabilities of each text's tokens again.

    Raises:
      VerificationError: the export found other entities.
    """
    for text, row, answer in zip(texts, rows, answers, strict=True):
        expected = decode_entities(text[0], row.ids, answer, model, strategy)
        found = given_entities(answer)
        if not same_entities(found, expected):
            raise VerificationError(
                f"the entities of {_shown(text)} are {_shown(found)} in the export, but "
                f"{_shown(expected)} by its own probabilities"
            )


def _choose(num_lines: int) -> list[int]:
    """The rows whose answers are compared: of lines of a file, and of adversarial texts behind."""
    return [
        *range(min(num_lines, _FILE_PROBABILITIES)),
        *range(num_lines, num_lines + _ADVERSARIAL_PROBABILITIES),
    ]


def _expected(witness: Witness, rows: Sequence[Row], advance: Advance) -> list[RowOutputs]:
    """What the witness says of each row.

    Raises:
      VerificationError: it does not run.
    """
    try:
        return list(counted(witness.answers(rows), witness.name, len(rows), advance))
    except ReloadError as error:
        raise VerificationError(f"the {witness.name} does not run: {error}") from error


def _compare_answers(
    texts: Texts,
    given: Sequence[RowOutputs],
    expected: RowOutputs,
    task: Task,
    witness_name: str,
    precision: Precision,
) -> float:
    """The largest difference of a row's answers from the one expected.

    Raises:
      VerificationError: it is too large.
    """
    # NumPy's maximum is NaN where one is.
    difference = float(np.max([task.compare(answer, expected) for answer in given]))
    # Written so that NaN fails too.
    if not difference <= precision.tolerance:
        raise VerificationError(
            f"the {task.answer_words} of {_shown(texts)} differ by {difference:.1e} from the "
            f"{witness_name}, more than {precision.tolerance:.0e}"
        )
    return difference


def _does_not_load(error: ReloadError) -> VerificationError:
    return VerificationError(f"the export does not load in a fresh process: {error}")


def _texts(line: bytes, text_pair: bool) -> Texts:
    if not text_pair:
        return (line,)
    text_a, _, text_b = line.partition(b"\t")
    return text_a, text_b


def _read_lines(file: Path) -> list[bytes]:
    try:
        lines = file.read_bytes().split(b"\n")
    except OSError as error:
        raise UserError(
            f"--verify_file {file} cannot be read ({error.strerror}): check the path."
        ) from error
    return lines[:-1] if lines[-1] == b"" else lines


def _shown(value: Sequence[object]) -> str:
    """Texts, ids or entities, short enough for one line."""
    shown = ", ".join(map(repr, value))
    return shown if len(shown) <= 120 else f"{shown[:117]}..."
