"""Whole rows give the ids that their words give one by one, and few rows need the words."""

import itertools
import unicodedata
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from bert.tokenizers.huggingface.characters import HuggingFaceCharacters
from bert.tokenizers.huggingface.settings import HuggingFaceSettings
from bert.tokenizers.vocabulary import Vocabulary
from exporter.text.engine.code_points import CodePointNormalizer
from exporter.text.engine.row_table import NEEDS_WORDS, SPACE, TABLE_SIZE, RowTable
from exporter.text.engine.rows import RowTokenizer
from exporter.text.engine.stand_ins import make_encodable
from exporter.text.engine.wordpiece import FAST_OP
from exporter.text.engine.words import WordTokenizer
from exporter.text.google_research import load_table
from exporter.text.huggingface.normalizer import build_normalizer
from exporter.text.tokens import TokenIds

_LIMIT = 6
# Stands for a row that went by words.
_BY_WORDS = -1
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_PIECES = (
    *_SPECIAL,
    # Pieces that no word can be, but that stand in a row of words.
    *("é b", "ж я", "slot 7", "я.", "ж。я", "##。я", "##。", "##я ж", "我喜", "##我", "a\u00a0b"),
    *(
        "\uffff7",
        "##\uffff",
        "\ufffd",
        "##\ufffd",
        "\u0301",
        "##\u0301",
        "é",
        "##é",
        "",
        "dup",
        "dup",
    ),
    *(
        "ж",
        "я",
        "а",
        "##ж",
        "##я",
        "##а",
        "жя",
        "##жя",
        "σ",
        "ς",
        "##σ",
        "##ς",
        "我",
        "喜",
        "。",
        ".",
    ),
    *(
        "a",
        "b",
        "##a",
        "##b",
        "e",
        "##e",
        "ᄒ",
        "##ᅡ",
        "##ᆫ",
        "😀",
        "##😀",
        "\U00020000",
        "##\U00030000",
    ),
    *("Ж", "##Ж", "A", "##A", "[", "##["),
)
_ALPHABET = (
    "жяаЖЯéÉe\u0301abAB .。我喜ΣσΑα한½\u00a0\u200d\u00ad\t[]7slotnkdpu😀\U0001d165\u302e\u0378"
    "\ufffd\uffff\ufdd0\U00020000\U00030000\U0001fffe"
)


_Tokenize = Callable[[tf.Tensor], TokenIds]


class _Ways(NamedTuple):
    rows: _Tokenize
    words: _Tokenize
    rows_with_words_marked: _Tokenize
    ids: dict[str, int]

    def by_rows(self, texts: Sequence[str]) -> list[list[int]]:
        return _as_lists(self.rows(tf.constant(texts, tf.string)))

    def by_words(self, texts: Sequence[str]) -> list[list[int]]:
        return _as_lists(self.words(tf.constant(texts, tf.string)))

    def handed_on(self, texts: Sequence[str]) -> list[bool]:
        """Which rows are left to the words."""
        ids = _as_lists(self.rows_with_words_marked(tf.constant(texts, tf.string)))
        return [row == [_BY_WORDS] for row in ids]


def _as_lists(tokens: TokenIds) -> list[list[int]]:
    ids, splits = tokens.ids.numpy().tolist(), tokens.row_splits.numpy().tolist()
    assert splits[-1] == len(ids)
    return [ids[a:b] for a, b in itertools.pairwise(splits)]


def _google_research(do_lower_case: bool) -> CodePointNormalizer:
    return CodePointNormalizer(load_table(do_lower_case))


def _huggingface(do_lower_case: bool, clean_text: bool = True) -> CodePointNormalizer:
    library = HuggingFaceSettings.of_vocabulary(Vocabulary(_PIECES), do_lower_case)
    return build_normalizer(
        HuggingFaceSettings(**{**vars(library), "clean_text": clean_text}),
        HuggingFaceCharacters.load(),
    )


_NORMALIZERS: dict[str, Callable[[], CodePointNormalizer]] = {
    "google_research-uncased": lambda: _google_research(True),
    "google_research-cased": lambda: _google_research(False),
    "huggingface-uncased": lambda: _huggingface(True),
    "huggingface-cased": lambda: _huggingface(False),
    "huggingface-not_cleaned": lambda: _huggingface(True, clean_text=False),
}


def _make(name: str) -> _Ways:
    normalizer = _NORMALIZERS[name]()
    table = normalizer.table
    assert normalizer.has_literals == name.startswith("huggingface")
    vocabulary, stand_ins = make_encodable(table, Vocabulary(_PIECES))
    row_table = RowTable.build(normalizer, stand_ins)
    words = WordTokenizer(normalizer, vocabulary, stand_ins, _LIMIT, FAST_OP, "[UNK]")

    by_words = words.tokenize

    def marked(text: tf.Tensor) -> TokenIds:
        return TokenIds(tf.fill(tf.shape(text), _BY_WORDS), tf.range(tf.size(text) + 1))

    def rows(others: _Tokenize) -> _Tokenize:
        return RowTokenizer(table, row_table, vocabulary, _LIMIT, "[UNK]", others).tokenize

    ways = (rows(by_words), by_words, rows(marked))
    signature = [tf.TensorSpec([None], tf.string)]
    by_row, by_word, marking = (tf.function(way, signature, autograph=False) for way in ways)
    return _Ways(by_row, by_word, marking, Vocabulary(_PIECES).ids)


@pytest.fixture(scope="module", params=_NORMALIZERS)
def ways(request: pytest.FixtureRequest) -> _Ways:
    return _make(request.param)


@pytest.fixture(scope="module")
def uncased() -> _Ways:
    return _make("google_research-uncased")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.text(_ALPHABET, max_size=30), st.text(max_size=8)), max_size=6))
def test_rows_give_what_words_give(ways: _Ways, texts: Sequence[str]) -> None:
    expected = ways.by_words(texts)
    assert ways.by_rows(texts) == expected
    # Alone, each goes the way that it needs itself.
    assert [ways.by_rows([text])[0] for text in texts] == expected


def test_every_character_of_the_table(ways: _Ways) -> None:
    code_points = [c for c in range(TABLE_SIZE + 16) if not 0xD800 <= c < 0xE000]
    texts = [f"жa{chr(c)}жb {chr(c)}" for c in code_points]
    assert ways.by_rows(texts) == ways.by_words(texts)


def test_what_is_left_to_words(uncased: _Ways) -> None:
    texts = {
        "": False,
        "Ça coûte 5 €, 한국, слово; 我喜欢, ½ 😀 ΑΣ ΣΑ": False,
        "x\U0001d165": True,  # may be moved by canonical ordering
        "\u0378": True,  # not assigned yet
        "\U00020000": True,  # beyond the table
        "жжжжжж. жжжжжж жжжжжж": False,  # as long as the limit
        "жжжжжжж": True,
        "한한": False,  # six letters
        "한한ж": True,
    }
    assert dict(zip(texts, uncased.handed_on(list(texts)), strict=True)) == texts


def test_words_of_two_rows_are_two_words(uncased: _Ways) -> None:
    texts = ["", "жжжж", "жжжж", "", "жжжж ", ""]
    assert not any(uncased.handed_on(texts))
    assert uncased.by_rows(texts) == uncased.by_words(texts)


def test_a_sigma_at_the_end_of_a_row_is_final(uncased: _Ways) -> None:
    ids = uncased.by_rows(["ΑΣ", "ΑΣΑ", "Σ", "x"])
    assert uncased.by_words(["ΑΣ", "ΑΣΑ", "Σ", "x"]) == ids
    assert ids[2] == [uncased.ids["σ"]]


def test_no_text_at_all(ways: _Ways) -> None:
    assert ways.by_rows([]) == []
    assert ways.by_rows([""]) == [[]]


def test_isolated_characters_bring_their_own_spaces() -> None:
    """What the op takes for punctuation depends on the server's ICU release."""
    row_table = RowTable.build(_google_research(True), {})
    for character in ".。我🄊‿":
        a, b, c = row_table.outputs[ord(character)].tolist()
        if ord(character) in row_table.isolated:
            assert (a, b, c) == (SPACE, ord(character), SPACE)
    assert not row_table.letters & row_table.isolated


def test_nothing_that_may_be_punctuation_one_day_is_a_letter() -> None:
    row_table = RowTable.build(_google_research(False), {})
    categories = {unicodedata.category(chr(c)) for c in row_table.letters}
    assert not categories & {"Cn", "Zs", "Zl", "Zp", *(f"P{kind}" for kind in "cdsefio")}
    unassigned = [
        code_point
        for code_point in range(TABLE_SIZE)
        # The reference isolates all of the blocks of Chinese characters.
        if unicodedata.category(chr(code_point)) == "Cn" and code_point not in row_table.isolated
    ]
    assert np.all(row_table.outputs[unassigned, 0] == NEEDS_WORDS)
