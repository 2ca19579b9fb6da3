"""Checks a written export against witnesses that share no code with it."""

import dataclasses
import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bert.encoder.precision import FLOAT32, PRECISIONS, Precision
from bert.errors import UserError
from bert.model import TextModel
from bert.tasks import RowOutputs, Task
from exporter.contract import FEATURES, SIMPLE, TEXT, TOKENIZE, text_inputs
from exporter.models.opened_model import OpenedModel, Witness
from exporter.progress import Advance, counted, ignore
from exporter.proof.adversarial_text import adversarial_rows
from exporter.proof.decoded_tokens import decoding_of
from exporter.proof.decoding import Decoding, long_text
from exporter.proof.texts import Texts, shown, texts_of_file
from exporter.runtime.reload import (
    Load,
    ReloadError,
    load_in_fresh_process,
    run_in_fresh_process,
)
from exporter.text.long_texts import CUT, LongTexts
from exporter.text.questions import QuestionSettings

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
    """texts whose label, or set of labels, differs from the witness's under one of the choices
    that a server may make"""

    load: Load = dataclasses.field(repr=False)


def asked_signatures(task: Task) -> tuple[str, ...]:
    """The signatures that `verify` asks."""
    evidence = (name.rpartition("/")[0] for name in task.evidence)
    return tuple(dict.fromkeys((TEXT, TOKENIZE, FEATURES, *filter(None, evidence))))


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
    questions: QuestionSettings | None = None,
    long_texts: LongTexts = CUT,
) -> VerificationReport:
    """Loads the export in a fresh process and compares ids and answers.

    Loading is what a server does: its warm-up requests are replayed. Ids against the Python
    reference tokenizer on the built-in adversarial texts and every line of `verify_file`; answers
    on a part of them, against the model's witness, under every choice that `precision` leaves to a
    server. What is decoded, entities and answers to questions, against what plain Python makes of
    the export's own numbers, which may be near a tie. A long text is added where it is not cut.
    With `text_pair`, a line of the file holds two texts with a tab between them.

    Raises:
      VerificationError: the export does not load, or an answer differs.
      UserError: `verify_file` cannot be read.
    """
    lines = texts_of_file(verify_file, text_pair) if verify_file else []
    model = opened.model
    longest = [] if long_texts == CUT else [(long_text(model),)]
    texts = [*lines, *longest, *adversarial_rows(text_pair, model.mask_token())]
    decoding = decoding_of(texts, model, aggregation_strategy, questions, long_texts)
    ids, runs, load = _run(directory, texts, text_pair, decoding, model, precision, advance)
    _compare_ids(texts, ids, decoding.ids, model)
    if precision.is_exact or decoding.is_of_rows:
        for run in runs:
            _compare_decoded(texts, run, decoding)
    compared = _choose(len(lines), [len(rows) for rows in decoding.rows])
    witness = opened.witness()
    expected = _expected(witness, decoding, compared, advance)
    largest, changed_labels = 0.0, 0
    for index, answer in zip(compared, expected, strict=True):
        given = [run[index] for run in runs]
        difference = _compare_answers(
            texts[index], given, answer, model.task, witness.name, precision
        )
        largest = max(largest, difference)
        changed_labels += any(model.task.chooses_otherwise(run, answer) for run in given)
    allowed = max(1, int(precision.tolerated_labels * len(compared)))
    if changed_labels > allowed:
        raise VerificationError(
            f"{changed_labels} of {len(compared)} texts have another label in the export than by "
            f"the {witness.name}, where --precision={precision.flag_value} may change {allowed}"
        )
    return VerificationReport(len(texts), len(compared), largest, changed_labels, load)


def _run(
    directory: Path,
    texts: Sequence[Texts],
    text_pair: bool,
    decoding: Decoding,
    model: TextModel,
    precision: Precision,
    advance: Advance,
) -> tuple[list[list[int]], list[list[RowOutputs]], Load]:
    """The ids of each row, and its outputs under each choice that a server may make.

    Raises:
      VerificationError: the export does not load or run.
      UserError: there is no room for the files that a fresh process needs.
    """
    task = model.task
    names = text_inputs(task, text_pair)
    outputs = (*task.outputs, *task.evidence)
    try:
        answers = run_in_fresh_process(
            directory, texts, names, outputs, precision.choices, advance, decoding.features
        )
    except ReloadError as error:
        raise _does_not_load(error) from error
    except OSError as error:
        raise UserError(
            f"TMPDIR {tempfile.gettempdir()} cannot be written ({error.strerror}), and the "
            "verification needs it: name a directory with room in TMPDIR, or give --noverify."
        ) from error
    both = zip(answers.outputs, answers.of_features, strict=True)
    return answers.ids, [decoding.joined(*run) for run in both], answers.load


def _compare_ids(
    texts: Sequence[Texts],
    ids: Sequence[Sequence[int]],
    expected: Sequence[Sequence[int]],
    model: TextModel,
) -> None:
    """Compares with the ids that the reference tokenizer of the model has.

    Raises:
      VerificationError: the export has other ids.
    """
    for text, found, own in zip(texts, ids, expected, strict=True):
        if list(found) != list(own):
            raise VerificationError(
                f"the ids of {shown(text)} are {shown(found)} in the export, but "
                f"{shown(own)} by the {model.tokenizer} reference tokenizer"
            )


def _compare_decoded(texts: Sequence[Texts], run: Sequence[RowOutputs], decoding: Decoding) -> None:
    """Decodes the network's answer for each row again.

    Raises:
      VerificationError: the export found something else.
    """
    for index, answer in enumerate(run):
        difference = decoding.difference(index, answer)
        if difference is not None:
            found, expected = difference
            raise VerificationError(
                f"the {decoding.words} of {shown(texts[index])} are {shown(found)} in the export, "
                f"but {shown(expected)} by its own numbers"
            )


def _choose(num_lines: int, windows: Sequence[int]) -> list[int]:
    """The texts whose answers are compared: lines of a file, and adversarial texts behind.

    Texts count as often as they have windows.
    """
    lines = itertools.accumulate(windows[:num_lines])
    return [
        *(line for line, total in enumerate(lines) if not line or total <= _FILE_PROBABILITIES),
        *range(num_lines, num_lines + _ADVERSARIAL_PROBABILITIES),
    ]


def _expected(
    witness: Witness, decoding: Decoding, compared: Sequence[int], advance: Advance
) -> list[RowOutputs]:
    """What should be answered to each text, by the witness.

    Raises:
      VerificationError: it does not run.
    """
    rows = [row for index in compared for row in decoding.rows[index]]
    try:
        answers = iter(list(counted(witness.answers(rows), witness.name, len(rows), advance)))
    except ReloadError as error:
        raise VerificationError(f"the {witness.name} does not run: {error}") from error
    return [
        decoding.expected(index, list(itertools.islice(answers, len(decoding.rows[index]))))
        for index in compared
    ]


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
            f"the {task.answer_words} of {shown(texts)} differ by {difference:.1e} from the "
            f"{witness_name}, more than {precision.tolerance:.0e}"
        )
    return difference


def _does_not_load(error: ReloadError) -> VerificationError:
    return VerificationError(f"the export does not load in a fresh process: {error}")
