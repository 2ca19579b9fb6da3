"""Questions and contexts as rows of ids: a long context in overlapping windows.

As `convert_examples_to_features` of run_squad.py makes them, without padding.
"""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from bert.tokenizers.google_research import FullTokenizer
from bert.tokenizers.vocabulary import CLS, SEP
from bert.training.questions.squad_file import Question

# [CLS], [SEP] and [SEP].
SPECIAL_TOKENS = 3

# The places in a window of an answer that is not in it: those of [CLS].
NOWHERE = (0, 0)


@dataclasses.dataclass(frozen=True)
class WindowSettings:
    """The flags of the same names."""

    max_seq_length: int
    doc_stride: int
    max_query_length: int


@dataclasses.dataclass(frozen=True)
class Window:
    """`[CLS] question [SEP] part of the context [SEP]`, S tokens."""

    question: int
    """its number among the questions"""

    tokens: tuple[str, ...]
    ids: np.ndarray
    """int32 [S]"""

    segment_ids: np.ndarray
    """int32 [S]"""

    begin: int
    """the place of the context's first token"""

    words: tuple[int, ...]
    """the word of each token of the context"""

    is_best: tuple[bool, ...]
    """whether no other window has more of the context around it, for each token of the context"""

    places: tuple[int, int] = NOWHERE
    """the first and the last token of the answer that is learnt"""


@dataclasses.dataclass(frozen=True)
class _Part:
    start: int
    length: int

    @property
    def end(self) -> int:
        return self.start + self.length


def windows_of(
    questions: Sequence[Question], tokenizer: FullTokenizer, settings: WindowSettings
) -> Iterator[Window]:
    """The windows of all questions, those of a question one after the other."""
    for number, question in enumerate(questions):
        yield from _windows(number, question, tokenizer, settings)


def _windows(
    number: int, question: Question, tokenizer: FullTokenizer, settings: WindowSettings
) -> Iterator[Window]:
    asked = tokenizer.tokenize(question.text)[: settings.max_query_length]
    first_pieces: list[int] = []
    words: list[int] = []
    pieces: list[str] = []
    for index, word in enumerate(question.words):
        first_pieces.append(len(pieces))
        for piece in tokenizer.tokenize(word):
            words.append(index)
            pieces.append(piece)
    answer = _answer_pieces(question, first_pieces, pieces, tokenizer)
    head = [CLS, *asked, SEP]
    room = settings.max_seq_length - len(asked) - SPECIAL_TOKENS
    parts = list(_parts(len(pieces), room, settings.doc_stride))
    best = _best_parts(parts, len(pieces))
    for index, part in enumerate(parts):
        tokens = (*head, *pieces[part.start : part.end], SEP)
        places = NOWHERE
        if answer is not None and part.start <= answer[0] and answer[1] < part.end:
            places = (answer[0] - part.start + len(head), answer[1] - part.start + len(head))
        yield Window(
            question=number,
            tokens=tokens,
            ids=np.array(tokenizer.vocabulary.convert_tokens_to_ids(tokens), np.int32),
            segment_ids=np.array([0] * len(head) + [1] * (part.length + 1), np.int32),
            begin=len(head),
            words=tuple(words[part.start : part.end]),
            is_best=tuple(best[place] == index for place in range(part.start, part.end)),
            places=places,
        )


def _parts(length: int, room: int, stride: int) -> Iterator[_Part]:
    start = 0
    while start < length:
        part = _Part(start, min(length - start, room))
        yield part
        if part.end == length:
            return
        start += min(part.length, stride)


def _best_parts(parts: Sequence[_Part], length: int) -> list[int]:
    """The part that has most around each token (`_check_is_max_context`)."""
    best = [0] * length
    scores = [-1.0] * length
    for index, part in enumerate(parts):
        for place in range(part.start, part.end):
            around = min(place - part.start, part.end - 1 - place)
            score = around + 0.01 * part.length
            if score > scores[place]:
                best[place], scores[place] = index, score
    return best


def _answer_pieces(
    question: Question,
    first_pieces: Sequence[int],
    pieces: Sequence[str],
    tokenizer: FullTokenizer,
) -> tuple[int, int] | None:
    """The first and the last piece of the answer, which may begin within a word.

    Of "(1895-1943)." the answer 1895 is one piece: `_improve_answer_span`.
    """
    if question.span is None or not question.answers:
        return None
    first, last = question.span
    start = first_pieces[first]
    end = (first_pieces[last + 1] if last + 1 < len(first_pieces) else len(pieces)) - 1
    told = tokenizer.tokenize(question.answers[0])
    for new_start in range(start, end + 1):
        # No other end gives as many pieces.
        new_end = new_start + len(told) - 1
        if new_start <= new_end <= end and list(pieces[new_start : new_end + 1]) == told:
            return new_start, new_end
    return start, end
