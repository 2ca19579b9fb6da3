"""Sentences made of templates, whose words are tagged with entities of four types."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from tests.tiny_model import PUNCTUATION, SPECIAL_TOKENS

TEMPLATES = (
    "{PER} flew from {LOC} to {LOC} in {DATE} .",
    "{ORG} hired {PER} , who lives in {LOC} .",
    "in {DATE} {PER} left {ORG} .",
    "the office of {ORG} in {LOC} is closed .",
    "{PER} and {PER} met near {LOC} .",
    "shares of {ORG} fell in {DATE} , said {PER} .",
    "it rained in {LOC} all of {DATE} .",
    "nobody came .",
    "who is {PER} ?",
    "{ORG} and {ORG} are no longer rivals in {LOC} .",
    "{LOC} , {DATE} : {PER} works for {ORG} .",
)
# Paris, Jordan and Victoria may be either; most last names are not in the vocabulary.
FIRST = ("anna", "paris", "jordan", "victoria", "tom", "mehmet", "lucía", "björn", "wei", "olga")
LAST = ("smith", "okafor", "jordan", "lindqvist", "o'neil", "nakamura", "perez", "ivanova")
PLACES = ("paris", "jordan", "victoria", "new delhi", "oslo", "rio de janeiro", "bonn", "kyiv")
FIRMS = ("acme", "smith & sons", "bonn motors", "umbrella corp", "oslo bank", "globex")
DATES = ("may", "june 1999", "2024", "early march", "december")
_SPLIT = ("lindqvist", "nakamura", "okafor", "umbrella", "globex", "kyiv", "december")

Sentence = tuple[list[str], list[str]]
"""words and tags"""


def make_sentences(count: int, seed: int) -> list[Sentence]:
    """`count` sentences."""
    generator = np.random.default_rng(seed)

    def pick(names: Sequence[str]) -> str:
        return names[int(generator.integers(len(names)))]

    sentences = []
    for _ in range(count):
        words: list[str] = []
        tags: list[str] = []
        for part in pick(TEMPLATES).split():
            kind = part.strip("{}")
            if kind == part:
                words, tags = [*words, part], [*tags, "O"]
                continue
            name = {
                "PER": f"{pick(FIRST)} {pick(LAST)}" if generator.integers(3) else pick(FIRST),
                "LOC": pick(PLACES),
                "ORG": pick(FIRMS),
                "DATE": pick(DATES),
            }[kind].split()
            words += name
            tags += [f"B-{kind}", *[f"I-{kind}"] * (len(name) - 1)]
        sentences.append((words, tags))
    return sentences


def unseen(sentences: Iterable[Sentence], seen: Iterable[Sentence]) -> list[Sentence]:
    """Those of the first that are not among the second."""
    known = {tuple(words) for words, _ in seen}
    return [sentence for sentence in sentences if tuple(sentence[0]) not in known]


def write_conll(file: Path, sentences: Iterable[Sentence]) -> None:
    """In the columns of CoNLL-2003, of which the second and third mean nothing here."""
    lines = ["-DOCSTART- -X- O O\n\n"]
    for words, tags in sentences:
        lines += [f"{word} X X {tag}\n" for word, tag in zip(words, tags, strict=True)] + ["\n"]
    file.write_text("".join(lines), encoding="utf-8")


def write_vocabulary(file: Path) -> int:
    """Letters, and whole words but for some; returns the number of lines."""
    names = " ".join((*TEMPLATES, *FIRST, *LAST, *PLACES, *FIRMS, *DATES)).lower().split()
    whole = {name for name in names if name.isalpha() and name.isascii()} - set(_SPLIT)
    letters = sorted({letter for name in names for letter in name if letter.isalnum()} | {"i"})
    pieces = [*SPECIAL_TOKENS, *PUNCTUATION, *letters, *(f"##{letter}" for letter in letters)]
    tokens = list(dict.fromkeys([*pieces, *sorted(whole)]))
    file.write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
    return len(tokens)
