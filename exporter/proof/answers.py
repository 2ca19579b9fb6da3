"""The answers to one question by plain Python: the independent witness of the graph's answers.

Written anew from transformers' QuestionAnsweringPipeline and google-research/bert's run_squad.py,
one span after the other, and sharing no code with the graph that it judges.
"""

import dataclasses
import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from bert.model import RUN_SQUAD, TextModel
from bert.tasks import RowOutputs
from exporter.proof.windows import Window, best_window, windows_of
from exporter.text.questions import QuestionSettings

# Products and sums of float32 in another order.
_TOLERANCE = 1e-5


class Answer(NamedTuple):
    """One answer, its place in characters of the context."""

    text: str
    score: float
    start: int
    end: int


class _Span(NamedTuple):
    score: float
    first: int
    last: int
    """places among the tokens of the context"""


@dataclasses.dataclass(frozen=True)
class Context:
    """A context as it was sent, and what is known of its tokens."""

    text: bytes
    ids: Sequence[int]
    places: Sequence[tuple[int, int]]
    """the first character of each token, and the one after it"""

    windows: Sequence[Window]
    logits: Sequence[np.ndarray]
    """float32 [S, 2] of each window's tokens"""


def windows_of_context(
    question: Sequence[int], context: Sequence[int], model: TextModel, settings: QuestionSettings
) -> list[Window]:
    """All windows of a context; the texts are ids without special tokens."""
    cls_id, sep_id = model.special_ids()
    form = model.pair_form()
    head = [cls_id, *question[: settings.max_query_length], *[sep_id] * form.separators]
    room = model.max_seq_length - len(head) - 1
    step = min(room, settings.doc_stride)
    if settings.rules != RUN_SQUAD:
        step = room - settings.doc_stride
    return windows_of(head, context, sep_id, model.max_seq_length, step, form.second_segment)


def decode_answers(
    context: Context, model: TextModel, settings: QuestionSettings, count: int
) -> tuple[list[Answer], list[Answer]]:
    """The best answers, the best one first, and their twins.

    Twins say the same words elsewhere, with scores that rounding may exchange: run_squad.py lists
    one place of each text, the best one.

    Args:
      context: of the question.
      model: has word pieces.
      settings: whose rules, and what answers there may be.
      count: of answers.
    """
    if settings.rules == RUN_SQUAD:
        answers, twins = _run_squad(context, model, settings, count)
    else:
        answers, twins = _pipeline(context, model, settings, count), []
    return answers[:count], twins


def given_answers(answer: RowOutputs) -> tuple[list[Answer], list[Answer]]:
    """The answer of the signature `text`, and those of `answers` without padding."""
    names = ("answer", "score", "start", "end")
    one = [[answer[name]] for name in names]
    several = [answer[f"answers/{name}s"] for name in names]
    return _answers(one), [each for each in _answers(several) if each.score >= 0]


def same_answers(
    found: Sequence[Answer], expected: Sequence[Answer], twins: Sequence[Answer] = ()
) -> bool:
    """Whether they are equal, scores within rounding, which may exchange two that are near.

    Twins are expected in place of answers that say the same. Where there is nothing to say, it
    makes no difference how that is said.
    """
    found, expected = (
        [answer for answer in answers if answer.end or answer.score > _TOLERANCE]
        for answers in (found, expected)
    )
    return len(found) == len(expected) and all(
        abs(mine.score - other.score) <= _TOLERANCE
        and any(
            mine._replace(score=0) == near._replace(score=0)
            for near in (*expected, *twins)
            if abs(near.score - mine.score) <= _TOLERANCE
        )
        for mine, other in zip(found, expected, strict=True)
    )


def _answers(columns: Sequence[Iterable[Any]]) -> list[Answer]:
    return [
        Answer(text.decode(), float(score), int(start), int(end))
        for text, score, start, end in zip(*columns, strict=True)
    ]


def _said(
    span: _Span, context: Context, window: Window, model: TextModel, aligned: bool
) -> tuple[str, int, int]:
    """What a span says, and its characters, which may be made whole words of the window."""
    first, last = span.first, span.last
    if aligned:
        pieces = [model.vocabulary.tokens[token] for token in context.ids]
        while first > window.start and pieces[first].startswith("##"):
            first -= 1
        while last + 1 < window.start + window.length and pieces[last + 1].startswith("##"):
            last += 1
    start, end = context.places[first][0], context.places[last][1]
    return context.text.decode("utf-8", "ignore")[start:end], start, end


def _pipeline(
    context: Context, model: TextModel, settings: QuestionSettings, count: int
) -> list[Answer]:
    most = 2 * count + 10 if settings.align_to_words else count
    found: dict[str, Answer] = {}
    null = math.inf
    for window, numbers in zip(context.windows, context.logits, strict=True):
        ids = np.array(window.row.ids)
        begin = len(ids) - 1 - window.length
        is_possible = ids == model.special_ids()[0]
        is_possible[begin:-1] = True
        masked = np.where(is_possible[:, np.newaxis], numbers, np.float32(-10000.0))
        exponents = np.exp(masked - masked.max(axis=0))
        start, end = (exponents / exponents.sum(axis=0)).T
        null = min(null, float(start[0] * end[0]))
        shift = window.start - begin
        spans = [
            _Span(float(start[first] * end[last]), first + shift, last + shift)
            for first in range(begin, len(ids) - 1)
            for last in range(first, min(first + settings.max_answer_length, len(ids) - 1))
        ]
        for span in sorted(spans, key=lambda span: -span.score)[:most]:
            said, *places = _said(span, context, window, model, settings.align_to_words)
            known = found.get(said.lower(), Answer(said, 0.0, *places))
            found[said.lower()] = known._replace(score=known.score + span.score)
    answers = list(found.values())
    if settings.null_answer:
        answers.append(Answer("", null, 0, 0))
    return sorted(answers, key=lambda answer: -answer.score)


def _run_squad(
    context: Context, model: TextModel, settings: QuestionSettings, count: int
) -> tuple[list[Answer], list[Answer]]:
    spans: list[tuple[_Span, Window]] = []
    null = math.inf
    for window, numbers in zip(context.windows, context.logits, strict=True):
        begin = len(window.row.ids) - 1 - window.length
        values = numbers.astype(np.float64)
        null = min(null, values[0].sum())
        order = np.argsort(-values, axis=0, kind="stable")[:count]
        for first in order[:, 0]:
            for last in order[:, 1]:
                is_span = begin <= first <= last < len(window.row.ids) - 1
                place = first - begin + window.start
                if (
                    is_span
                    and last - first < settings.max_answer_length
                    and best_window(context.windows, place) is window
                ):
                    score = values[first, 0] + values[last, 1]
                    spans.append((_Span(score, place, place + last - first), window))
    if settings.null_answer:
        spans.append((_Span(null, -1, -1), context.windows[0]))
    answers: dict[str, Answer] = {}
    twins = []
    for span, window in sorted(spans, key=lambda each: -each[0].score):
        said, start, end = "", 0, 0
        if span.first >= 0:
            said, start, end = _said(span, context, window, model, settings.align_to_words)
        # The answer that there is none is kept behind the n best, too.
        if len(answers) < count or not said:
            answers.setdefault(said, Answer(said, span.score, start, end))
        if said in answers and answers[said].score - span.score <= _TOLERANCE:
            twins.append(Answer(said, span.score, start, end))
    largest = max((answer.score for answer in answers.values()), default=0.0)
    total = sum(math.exp(answer.score - largest) for answer in answers.values())
    shares, shares_of_twins = (
        [answer._replace(score=math.exp(answer.score - largest) / total) for answer in each]
        for each in (answers.values(), twins)
    )
    return shares, shares_of_twins
