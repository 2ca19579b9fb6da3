"""Contexts made of templates, in SQuAD's format, with questions that a small model can learn."""

from pathlib import Path
from typing import Any

import numpy as np

from tests.bert.training.questions.squad_data import paragraph, question, write_squad
from tests.tiny_model import PUNCTUATION, SPECIAL_TOKENS

# A question, the sentence that answers it, and answers.
RELATIONS = (
    ("Who leads it?", "It is led by {}.", ("Anna Smith", "Tom O'Neil", "Lucía Perez", "Wei")),
    ("Where is it based?", "Its office is in {}.", ("Oslo", "New Delhi", "Rio de Janeiro", "Bonn")),
    ("When was it founded?", "Founded in {}, it grew.", ("1999", "June 2001", "early March")),
    ("What does it make?", "It makes {} of all kinds.", ("cars", "old clocks", "garden tools")),
)
FILLERS = ("Nobody knows why.", "Its name means little.", "Prices rose (again).", "So it goes.")


def write_questions(file: Path, count: int, seed: int, with_negative: bool) -> Path:
    """`count` paragraphs, each with one question; the answer of a quarter of them is left out."""
    generator = np.random.default_rng(seed)
    paragraphs = []
    for number in range(count):
        asked = int(generator.integers(len(RELATIONS)))
        is_impossible = with_negative and number % 4 == 0
        sentences: list[str] = []
        told = ""
        for index, (_, template, answers) in enumerate(RELATIONS):
            answer = answers[int(generator.integers(len(answers)))]
            if index != asked:
                sentences.append(template.format(answer))
            elif not is_impossible:
                sentences.append(template.format(answer))
                told = answer
        sentences += list(generator.choice(FILLERS, generator.integers(0, 4)))
        context = " ".join(generator.permutation(sentences))
        found: tuple[tuple[str, int], ...] = ()
        if told:
            sentence = RELATIONS[asked][1].format(told)
            place = context.index(sentence) + RELATIONS[asked][1].index("{}")
            assert context[place : place + len(told)] == told
            found = ((told, place),)
        impossible = is_impossible if with_negative else None
        given: dict[str, Any] = question(
            f"q{number}", RELATIONS[asked][0], *found, is_impossible=impossible
        )
        paragraphs.append(paragraph(context, given))
    return write_squad(file, paragraphs)


def write_vocabulary(file: Path) -> int:
    """Letters, and some of the words whole; returns the number of lines."""
    texts = [text for query, template, told in RELATIONS for text in (query, template, *told)]
    words = " ".join((*texts, *FILLERS)).lower().split()
    whole = {word for word in words if word.isalpha() and word.isascii()}
    letters = sorted({letter for word in words for letter in word if letter.isalnum()})
    pieces = [*SPECIAL_TOKENS, *PUNCTUATION, *letters, *(f"##{letter}" for letter in letters)]
    tokens = list(dict.fromkeys([*pieces, *sorted(whole - {"janeiro", "garden", "office"})]))
    file.write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
    return len(tokens)
