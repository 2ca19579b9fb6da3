"""Exact match and F1 by the rules of SQuAD's evaluate-v1.1.py and evaluate-v2.0.py."""

import collections
import re
import string
from collections.abc import Callable, Mapping, Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = frozenset(string.punctuation)

EXACT_MATCH, F1 = "exact_match", "f1"


def normalize(answer: str) -> str:
    """Small letters without punctuation and articles, single spaces between words.

    "The Eiffel Tower!" -> "eiffel tower"
    """
    text = "".join(character for character in answer.lower() if character not in _PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", text).split())


def exact_match(predicted: str, expected: str) -> float:
    """Whether two answers say the same: 0 or 1."""
    return float(normalize(predicted) == normalize(expected))


def f1(predicted: str, expected: str, with_negative: bool = False) -> float:
    """The harmonic mean of precision and recall of words.

    Where either has none it is 0; by the rules of SQuAD 2.0 it is 1 if neither has one.
    """
    found, right = normalize(predicted).split(), normalize(expected).split()
    if with_negative and not (found and right):
        return float(found == right)
    common = sum((collections.Counter(found) & collections.Counter(right)).values())
    if not common:
        return 0.0
    precision, recall = common / len(found), common / len(right)
    return 2 * precision * recall / (precision + recall)


def evaluate(
    predicted: Sequence[str], expected: Sequence[Sequence[str]], with_negative: bool
) -> Mapping[str, float]:
    """Percentages over N questions, named as the two programs name them.

    Args:
      predicted: "" where there is said to be no answer.
      expected: the answers that are right, of which the nearest counts; none where there is none.
      with_negative: whether the rules are those of SQuAD 2.0.
    """
    if not with_negative:
        return {
            EXACT_MATCH: _mean(_best(exact_match, predicted, expected)),
            F1: _mean(_best(f1, predicted, expected)),
        }
    has_answer = [bool(answers) for answers in expected]
    # evaluate-v2.0.py, get_raw_scores
    expected = [[each for each in answers if normalize(each)] or [""] for answers in expected]
    exact = _best(exact_match, predicted, expected)
    scores = _best(lambda found, right: f1(found, right, True), predicted, expected)
    results = {"exact": _mean(exact), F1: _mean(scores), "total": len(predicted)}
    for name, chosen in (("HasAns", True), ("NoAns", False)):
        of = [index for index, has in enumerate(has_answer) if has is chosen]
        if of:
            results[f"{name}_exact"] = _mean([exact[index] for index in of])
            results[f"{name}_f1"] = _mean([scores[index] for index in of])
            results[f"{name}_total"] = len(of)
    return results


def _best(
    score: Callable[[str, str], float], predicted: Sequence[str], expected: Sequence[Sequence[str]]
) -> list[float]:
    return [
        max(score(found, answer) for answer in answers)
        for found, answers in zip(predicted, expected, strict=True)
    ]


def _mean(scores: Sequence[float]) -> float:
    return 100.0 * sum(scores) / len(scores)
