"""Sentences whose words have tags: CoNLL files, and the same as JSON Lines."""

import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from bert.errors import UserError
from bert.training.dataset import TEST
from bert.training.tables import Row, read_rows, read_text

JSON_LINES = ".jsonl"
ENDINGS = (".conll", ".txt", ".tsv", JSON_LINES)

TOKENS, TAGS = "tokens", "tags"

# Stands between the documents of CoNLL-2003.
_DOCUMENT_START = "-DOCSTART-"

# Other characters that Unicode calls white space may be part of a token.
_SPACE = " \t\r"


@dataclasses.dataclass(frozen=True)
class TaggedSentence:
    """Words and a tag for each; `tags` is None where the file tells none."""

    places: Sequence[str]
    """file and line of each word, for errors"""

    words: tuple[str, ...]
    tags: tuple[str, ...] | None = None


def read_sentences(file: Path, split: str) -> list[TaggedSentence]:
    """The sentences of a file, by its ending; tags may be absent where `split` is TEST.

    A line of a CoNLL file has a token in its first column and a tag in its last one. Columns are
    divided by tabs, or by white space in files without tabs. A blank line ends a sentence.

    Raises:
      UserError: the file cannot be read, is not UTF-8 or has no sentences, or a line is wrong.
    """
    if file.suffix == JSON_LINES:
        return [_of_json(row, split) for row in read_rows(file, None, ())]
    sentences = list(_of_conll(file, split))
    if not sentences:
        raise UserError(f"{file} has no sentences: give at least one line with a token and a tag.")
    return sentences


def _of_conll(file: Path, split: str) -> Iterator[TaggedSentence]:
    places: list[str] = []
    words: list[str] = []
    tags: list[str] = []
    num_columns = 0
    separator = ""
    text = read_text(file)
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        if not line.strip(_SPACE) or line.startswith(_DOCUMENT_START):
            if words:
                has_tags = num_columns > 1
                yield TaggedSentence(places, tuple(words), tuple(tags) if has_tags else None)
                places, words, tags = [], [], []
            continue
        place = f"{file}, line {number}"
        separator = separator or ("\t" if "\t" in line else r"[ \t]+")
        # A tab at the end leaves the last column empty.
        line = line.rstrip("\r" if separator == "\t" else _SPACE)
        columns = [part.strip(_SPACE) for part in re.split(separator, line)]
        if not columns[0]:
            raise UserError(
                f"{place}: found {line.strip(_SPACE)!r} without a token before it, where a token "
                "and a tag are expected: correct the line, which begins with white space."
            )
        num_columns = num_columns or len(columns)
        if num_columns == 1 and split != TEST:
            raise UserError(
                f"{place}: found {columns[0]!r} without a tag, where a token and a tag are "
                "expected: give a file with two columns or more."
            )
        if len(columns) != num_columns:
            raise UserError(
                f"{place}: found {len(columns)} columns, where {num_columns} are expected as in "
                "the lines before: correct the line."
            )
        if not columns[-1]:
            raise UserError(
                f"{place}: found nothing in the last column, where a tag is expected: correct the "
                "line."
            )
        places.append(place)
        words.append(columns[0])
        tags.append(columns[-1])


def _of_json(row: Row, split: str) -> TaggedSentence:
    words = _strings(row, TOKENS)
    if split == TEST and TAGS not in row.values:
        tags = None
    else:
        tags = _strings(row, TAGS)
        if len(tags) != len(words):
            raise UserError(
                f"{row.place}: found {len(words)} {TOKENS} and {len(tags)} {TAGS}, where each "
                "token has a tag: correct the line."
            )
    return TaggedSentence([row.place] * len(words), words, tags)


def _strings(row: Row, name: str) -> tuple[str, ...]:
    values = row.values.get(name)
    if (
        not isinstance(values, list)
        or not values
        or not all(isinstance(value, str) and value.strip(_SPACE) for value in values)
    ):
        found = repr(values)[:60] if name in row.values else f"no {name!r}"
        raise UserError(
            f'{row.place}: found {found}, where a list of strings is expected, as in {{"{TOKENS}": '
            f'["Anna", "came"], "{TAGS}": ["B-PER", "O"]}}: correct the line.'
        )
    return tuple(values)
