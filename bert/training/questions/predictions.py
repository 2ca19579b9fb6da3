"""Logits of windows to the answers of questions (run_squad.py, `write_predictions`)."""

import dataclasses
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bert.training.questions.final_text import final_text
from bert.training.questions.squad_file import Question
from bert.training.questions.windows import Window

# What the original gives where no span can be an answer.
_NO_SPAN = "empty"

# The odds where there is no span: the original's first value of score_null.
_CERTAIN = 1000000.0


@dataclasses.dataclass(frozen=True)
class AnswerSettings:
    """The flags of the same names; `with_negative` is --version_2_with_negative."""

    n_best_size: int
    max_answer_length: int
    with_negative: bool
    null_score_diff_threshold: float
    do_lower_case: bool


class Candidate(NamedTuple):
    """One of the n best answers, as `nbest_predictions.json` has it."""

    text: str
    probability: float
    start_logit: float
    end_logit: float


@dataclasses.dataclass(frozen=True)
class Prediction:
    """The answer to a question; "" says that there is none."""

    text: str
    n_best: Sequence[Candidate]
    """the best one first"""

    null_odds: float | None
    """by how much "" is likelier than the best span; None where it cannot be the answer"""


class _Span(NamedTuple):
    """`window` is None for the answer that there is none."""

    window: Window | None
    first: int
    last: int
    start_logit: float
    end_logit: float

    @property
    def score(self) -> float:
        return self.start_logit + self.end_logit


def predict_answer(
    question: Question,
    windows: Sequence[Window],
    logits: Sequence[np.ndarray],
    settings: AnswerSettings,
) -> Prediction:
    """The answer to one question.

    Args:
      question: asked.
      windows: of its context.
      logits: float32 [S, 2] of each window's tokens: of being the first, and the last.
      settings: which answers there may be.
    """
    spans = [
        span
        for window, values in zip(windows, logits, strict=True)
        for span in _spans(window, values.astype(np.float64), settings)
    ]
    null = None
    if settings.with_negative:
        nulls = [_Span(None, 0, 0, *map(float, values[0])) for values in logits]
        null = min(nulls, key=lambda span: span.score, default=_Span(None, 0, 0, 0.0, 0.0))
        spans.append(null)
    found: dict[str, _Span] = {}
    for span in sorted(spans, key=lambda span: span.score, reverse=True):
        if len(found) >= settings.n_best_size:
            break
        text = "" if span.window is None else _text(question, span, settings.do_lower_case)
        found.setdefault(text, span)
    if null is not None:
        found.setdefault("", null)
    if not found:
        found[_NO_SPAN] = _Span(None, 0, 0, 0.0, 0.0)
    shares = _softmax([span.score for span in found.values()])
    n_best = [
        Candidate(text, share, span.start_logit, span.end_logit)
        for (text, span), share in zip(found.items(), shares, strict=True)
    ]
    if null is None:
        return Prediction(n_best[0].text, n_best, None)
    best = next((each for each in n_best if each.text), None)
    if best is None:  # the original fails here
        return Prediction("", n_best, _CERTAIN)
    odds = null.score - best.start_logit - best.end_logit
    is_null = odds > settings.null_score_diff_threshold
    return Prediction("" if is_null else best.text, n_best, odds)


def _spans(window: Window, values: np.ndarray, settings: AnswerSettings) -> list[_Span]:
    """Every pair of the likeliest starts and ends that can be an answer."""
    order = np.argsort(-values, axis=0, kind="stable")[: settings.n_best_size]
    end = window.begin + len(window.words)
    return [
        _Span(window, first, last, float(values[first, 0]), float(values[last, 1]))
        for first in order[:, 0].tolist()
        if window.begin <= first < end and window.is_best[first - window.begin]
        for last in order[:, 1].tolist()
        if first <= last < min(end, first + settings.max_answer_length)
    ]


def _text(question: Question, span: _Span, do_lower_case: bool) -> str:
    """What a span says, in the words of the context."""
    window = span.window
    assert window is not None
    pieces = " ".join(window.tokens[span.first : span.last + 1])
    told = " ".join(pieces.replace(" ##", "").replace("##", "").split())
    first, last = (window.words[place - window.begin] for place in (span.first, span.last))
    return final_text(told, " ".join(question.words[first : last + 1]), do_lower_case)


def _softmax(scores: Sequence[float]) -> list[float]:
    largest = max(scores)
    exponents = [math.exp(score - largest) for score in scores]
    total = sum(exponents)
    return [value / total for value in exponents]
