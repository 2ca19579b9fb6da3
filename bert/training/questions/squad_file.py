"""Questions about paragraphs, in the JSON format of SQuAD 1.1 and 2.0 (Rajpurkar et al.)."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bert.errors import UserError

# run_squad.py, read_squad_examples, is_whitespace. Other characters that Unicode calls white space
# are part of a word.
_WHITE_SPACE = " \t\r\n\u202f"


@dataclasses.dataclass(frozen=True)
class Question:
    """A question about the words of a context, and what is known of its answer."""

    id: str
    text: str
    words: tuple[str, ...]
    """of the context, divided by white space"""

    answers: tuple[str, ...] | None = None
    """those that are right, none where the context has none; None where the file does not say"""

    span: tuple[int, int] | None = None
    """the first and the last word of the answer that is learnt; None where there is none"""


def read_questions(file: Path, *, is_training: bool, with_negative: bool) -> list[Question]:
    """The questions of a file (`read_squad_examples`).

    Answers that their context does not have where they say are left out of training.

    Args:
      file: of SQuAD.
      is_training: whether each question must have one answer.
      with_negative: whether questions may have none, as in SQuAD 2.0.

    Raises:
      UserError: the file cannot be read or is no such file, or a question is wrong.
    """
    questions: list[Question] = []
    known: set[str] = set()
    for context, found, place in _questions_of(_read_json(file), str(file)):
        identity = _field(found, "id", str, place)
        place = f"{file}, question {identity!r}"
        if identity in known:
            raise UserError(f"{place}: there are two of this id: give each one of its own.")
        known.add(identity)
        text = _field(found, "question", str, place)
        words, word_of = _words(context)
        if not is_training:
            questions.append(Question(identity, text, words, _known(found, place, with_negative)))
            continue
        answer = _taught(found, place, with_negative)
        if answer is None:
            questions.append(Question(identity, text, words, ()))
            continue
        span = _span(answer, words, word_of, place)
        if span is not None:
            questions.append(Question(identity, text, words, (answer["text"],), span))
    if not questions:
        raise UserError(f"{file} has no question that can be used: give a file of SQuAD.")
    return questions


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}): check the path.") from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"{file} is not UTF-8 (byte {error.start}): save the file as UTF-8."
        ) from error
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"{file} is not JSON ({error}), where SQuAD's format is expected: give such a file."
        ) from error


def _questions_of(content: Any, place: str) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Each question with its context and its place."""
    for number, entry in enumerate(_list(content, "data", place)):
        of_entry = f"{place}, data[{number}]"
        for index, paragraph in enumerate(_list(entry, "paragraphs", of_entry)):
            of_paragraph = f"{of_entry}.paragraphs[{index}]"
            context = _field(paragraph, "context", str, of_paragraph)
            for position, found in enumerate(_list(paragraph, "qas", of_paragraph)):
                yield context, found, f"{of_paragraph}.qas[{position}]"


def _taught(found: Any, place: str, with_negative: bool) -> Mapping[str, Any] | None:
    """The answer that is learnt; None where the question has none."""
    if with_negative and _field(found, "is_impossible", bool, place):
        return None
    answers = _list(found, "answers", place)
    if len(answers) != 1:
        fix = "keep one" if answers else "or say that some have none: --version_2_with_negative"
        raise UserError(
            f"{place}: found {len(answers)} answers, where training expects exactly 1: {fix}."
        )
    _field(answers[0], "text", str, place)
    _field(answers[0], "answer_start", int, place)
    answer: Mapping[str, Any] = answers[0]
    return answer


def _known(found: Any, place: str, with_negative: bool) -> tuple[str, ...] | None:
    """The right answers to a question that is asked; None where the file does not say."""
    if "answers" not in found:
        return None
    texts = tuple(_field(answer, "text", str, place) for answer in _list(found, "answers", place))
    # SQuAD 1.1 has an answer to every question.
    return texts if texts or with_negative else None


def _span(
    answer: Mapping[str, Any], words: tuple[str, ...], word_of: list[int], place: str
) -> tuple[int, int] | None:
    """The words of an answer; None where they do not have its text."""
    start, length = answer["answer_start"], len(answer["text"])
    if not length or not 0 <= start <= len(word_of) - length:
        raise UserError(
            f"{place}: found the answer {answer['text']!r} at {start}, where a text within the "
            f"{len(word_of)} characters of the context is expected: correct it."
        )
    first, last = word_of[start], word_of[start + length - 1]
    # An answer that begins with white space may begin in front of the first word.
    actual = " ".join(words[max(first, 0) : last + 1])
    return (first, last) if first >= 0 and " ".join(answer["text"].split()) in actual else None


def _words(context: str) -> tuple[tuple[str, ...], list[int]]:
    """The words of a context, and for each character the word that it belongs to or follows."""
    words: list[str] = []
    word_of = []
    follows_space = True
    for character in context:
        is_space = character in _WHITE_SPACE
        if not is_space and follows_space:
            words.append(character)
        elif not is_space:
            words[-1] += character
        follows_space = is_space
        word_of.append(len(words) - 1)
    return tuple(words), word_of


def _list(value: Any, name: str, place: str) -> list[Any]:
    found: list[Any] = _field(value, name, list, place)
    return found


def _field(value: Any, name: str, kind: type, place: str) -> Any:
    kinds = {str: "a string", int: "a whole number", list: "a list", bool: "true or false"}
    if not isinstance(value, dict) or name not in value:
        raise UserError(
            f"{place} has no field {name!r}, where {kinds[kind]} is expected as in SQuAD: add it."
        )
    found = value[name]
    if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
        raise UserError(
            f"{place}: the field {name!r} is {json.dumps(found)[:60]}, where {kinds[kind]} is "
            "expected as in SQuAD: correct it."
        )
    return found
