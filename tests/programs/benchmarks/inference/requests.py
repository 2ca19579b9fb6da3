"""The requests that are timed: texts whose number of tokens is known."""

import os
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.repository import ROOT

_SEED = 11
# bert-base-uncased's vocabulary counts down from the most frequent word, after the special
# tokens, the punctuation and the letters.
_FREQUENT_WORDS = slice(1996, 8000)
_CLS_AND_SEP = 2
# Of the question alone, and of a window as transformers' pipeline cuts it.
_QUESTION_TOKENS, _WINDOW_TOKENS = 12, 384


class Request(NamedTuple):
    """The texts of one request; `name` is its row in the tables."""

    name: str
    texts: list[str]

    @property
    def rows(self) -> int:
        return len(self.texts)


class Questions(NamedTuple):
    """Questions and their contexts in one request."""

    name: str
    texts: list[tuple[str, str]]


def standard_requests(vocabulary_file: Path) -> dict[str, Request]:
    """The requests of the table, by name; every token count has [CLS] and [SEP] in it."""
    lengths: Mapping[str, Sequence[int]] = {
        "1 x 8": [8],
        "1 x 20": [20],
        "1 x 128": [128],
        "1 x 384": [384],
        "16 mixed": _spread(9, 60, 16),
        "8 x 128": [128] * 8,
        "30 short + 2 long": [20] * 30 + [400] * 2,
    }
    words = _Words(vocabulary_file)
    requests = [Request(name, words.texts(counts)) for name, counts in lengths.items()]
    sentences = real_sentences()
    requests += [Request(f"{rows} sentences", _cycled(sentences, rows)) for rows in (64, 512)]
    return {request.name: request for request in requests}


def memory_requests(vocabulary_file: Path) -> dict[str, Request]:
    """The large requests whose memory is looked at: many texts, long ones, and nothing but rows."""
    requests = [
        Request("4096 sentences", _cycled(real_sentences(), 4096)),
        Request("64 x 512", _Words(vocabulary_file).texts([512] * 64)),
        Request("10^6 empty", [""] * 10**6),
    ]
    return {request.name: request for request in requests}


def sentence_requests(vocabulary_file: Path) -> list[Request]:
    """What taggers and embeddings are timed with."""
    return [standard_requests(vocabulary_file)["64 sentences"]]


def question_requests(vocabulary_file: Path) -> list[Questions]:
    """Questions whose contexts make one full window, with [CLS] and both [SEP] in it."""
    words = _Words(vocabulary_file)
    # _Words counts two of the three special tokens, in either text.
    lengths = [_QUESTION_TOKENS + 2, _WINDOW_TOKENS - _QUESTION_TOKENS - 1]
    pairs = [(question, context) for question, context in (words.texts(lengths) for _ in range(8))]
    return [Questions(f"{rows} x {_WINDOW_TOKENS}", pairs[:rows]) for rows in (1, 8)]


def real_sentences(names: Sequence[str] = ("dev.tsv", "train.tsv")) -> list[str]:
    """SST-2's development and training sentences where BERT_EXPORTER_DATA names their folder.

    Without it, those of the quickstart; `sentences_source` says which.
    """
    folder = os.environ.get("BERT_EXPORTER_DATA")
    directory = Path(folder, "sst2") if folder else ROOT / "scripts" / "quickstart_data"
    lines = [
        line
        for name in names
        for line in (directory / name).read_text(encoding="utf-8").splitlines()
    ]
    return [line.split("\t")[0] for line in lines if line]


def sentences_source() -> str:
    """What `real_sentences` are, in words."""
    if os.environ.get("BERT_EXPORTER_DATA"):
        return "SST-2, dev.tsv and then train.tsv"
    return "the project's own (scripts/quickstart_data); SST-2 needs BERT_EXPORTER_DATA"


class _Words:
    """Texts of frequent words that are one token each."""

    def __init__(self, vocabulary_file: Path) -> None:
        lines = vocabulary_file.read_text(encoding="utf-8").splitlines()
        self._words = [word for word in lines[_FREQUENT_WORDS] if word.isascii() and word.isalpha()]
        self._generator = random.Random(_SEED)

    def texts(self, lengths: Sequence[int]) -> list[str]:
        """One text for each length in tokens."""
        return [
            " ".join(self._generator.choices(self._words, k=length - _CLS_AND_SEP))
            for length in lengths
        ]


def _spread(first: int, last: int, count: int) -> list[int]:
    """`count` lengths from `first` to `last`, in no order."""
    step = (last - first) / (count - 1)
    lengths = [round(first + step * index) for index in range(count)]
    random.Random(_SEED).shuffle(lengths)
    return lengths


def _cycled(sentences: Sequence[str], rows: int) -> list[str]:
    return [sentences[row % len(sentences)] for row in range(rows)]
