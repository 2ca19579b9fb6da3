"""Rows of plain ASCII take a way of their own, and give what the others do."""

import itertools
from collections.abc import Sequence

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from bert.tokenizers.huggingface.characters import HuggingFaceCharacters
from bert.tokenizers.huggingface.settings import HuggingFaceSettings
from bert.tokenizers.vocabulary import Vocabulary
from exporter.text.engine.code_points import CodePointNormalizer
from exporter.text.engine.plain_ascii import plain_characters
from exporter.text.engine.tokenizer import TextTokenizer
from exporter.text.engine.wordpiece import CLASSIC_OP, FAST_OP
from exporter.text.google_research import load_table
from exporter.text.huggingface.normalizer import build_normalizer
from exporter.text.tokens import TokenIds, Tokens, merge_rows

_LIMIT = 6
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_VOCABULARY = Vocabulary(
    (
        *_SPECIAL,
        # Pieces that no word can be, but that stand in a row of words.
        *("a b", "b c", "slot 7", "##a b", "c.", "a.b", "##.b", "##.", "##[", "[a]", "[unk]"),
        *("", "a", "##", "# #", "dup", "dup", "é", "##é", "a\u00a0b", "A", "AB", "##B"),
        *("a", "b", "c", "##a", "##b", "##c", "abc", "##abc", "ab", "[", "]", ".", "#", "unk"),
    )
)


def _tokenizer(do_lower_case: bool) -> TextTokenizer:
    return _text_tokenizer(do_lower_case, FAST_OP)


def _text_tokenizer(do_lower_case: bool, op: str) -> TextTokenizer:
    normalizer = CodePointNormalizer(load_table(do_lower_case))
    return TextTokenizer(normalizer, _VOCABULARY, _LIMIT, op, "[UNK]")


@pytest.fixture(scope="module", params=(True, False), ids=("uncased", "cased"))
def tokenizer(request: pytest.FixtureRequest) -> TextTokenizer:
    return _tokenizer(request.param)


def _rows(tokens: Tokens) -> list[list[tuple[int, int, int]]]:
    pieces = list(
        zip(*(t.numpy().tolist() for t in (tokens.ids, tokens.starts, tokens.ends)), strict=True)
    )
    splits = tokens.row_splits.numpy().tolist()
    return [pieces[a:b] for a, b in itertools.pairwise(splits)]


_TEXTS = st.text("abcABC .[]#\t\n7uslotnkdp", max_size=30)
_ANY_TEXTS = st.one_of(_TEXTS, st.text(max_size=10))


@settings(max_examples=150, deadline=None)
@given(st.lists(_TEXTS, max_size=12))
def test_both_ways_agree(tokenizer: TextTokenizer, texts: Sequence[str]) -> None:
    text = tf.constant(texts, tf.string)
    assert tokenizer._plain_ascii is not None
    assert tokenizer._plain_ascii.is_plain(text)
    assert _rows(tokenizer._plain_ascii.tokenize_with_offsets(text)) == _rows(
        tokenizer._words.tokenize_with_offsets(text)
    )


@settings(max_examples=100, deadline=None)
@given(st.lists(_ANY_TEXTS, max_size=12))
def test_rows_of_both_kinds_keep_their_order(
    tokenizer: TextTokenizer, texts: Sequence[str]
) -> None:
    text = tf.constant(texts, tf.string)
    assert _rows(tokenizer.tokenize_with_offsets(text)) == _rows(
        tokenizer._words.tokenize_with_offsets(text)
    )


def test_words_as_long_as_the_limit(tokenizer: TextTokenizer) -> None:
    rows = _rows(tokenizer.tokenize_with_offsets(tf.constant(["abcabc", "abcabca", "a" * 100_000])))
    unknown = _VOCABULARY.ids["[UNK]"]
    assert [[piece[0] for piece in row].count(unknown) for row in rows] == [0, 1, 1]
    assert rows[2] == [(unknown, 0, 100_000)]


def test_what_is_plain() -> None:
    for do_lower_case in (True, False):
        plain = plain_characters(CodePointNormalizer(load_table(do_lower_case)))
        assert plain == {chr(c) for c in (*b"\t\n\r", *range(0x20, 0x7F))}


def test_characters_that_start_a_literal_are_not_plain() -> None:
    library = HuggingFaceSettings.of_vocabulary(_VOCABULARY, True)
    plain = plain_characters(build_normalizer(library, HuggingFaceCharacters.load()))
    assert plain == {chr(c) for c in (*b"\t\n\r", *range(0x20, 0x7F))} - {"["}


def test_the_classic_op_has_one_way_only() -> None:
    tokenizer = _text_tokenizer(True, CLASSIC_OP)
    assert tokenizer._plain_ascii is None


def test_merged_rows() -> None:
    first = TokenIds(*(tf.constant(x) for x in ([1, 2, 3], [0, 1, 1, 3])))
    second = TokenIds(*(tf.constant(x) for x in ([10, 11], [0, 2])))
    merged = merge_rows(first, second, tf.constant([3, 0, 2, 1]))
    assert merged.ids.numpy().tolist() == [10, 11, 2, 3, 1]
    assert merged.row_splits.numpy().tolist() == [0, 0, 2, 4, 5]
