"""The worked examples of the docstrings in exporter/text give what they say."""

import itertools

import numpy as np
import tensorflow as tf

from bert.tokenizers.huggingface.characters import HuggingFaceCharacters
from bert.tokenizers.huggingface.settings import AddedToken, HuggingFaceSettings
from bert.tokenizers.vocabulary import Vocabulary
from exporter.text.engine import code_points, expansion, rows, wordpiece, words
from exporter.text.engine.code_point_table import (
    ISOLATED,
    LITERAL_START,
    MULTIPLE,
    REMOVED,
    SEPARATOR,
    CodePointTable,
)
from exporter.text.engine.code_points import CodePointNormalizer, decode, look_up
from exporter.text.engine.expansion import CanonicalOrdering, CodePoints, Expander, keep
from exporter.text.engine.row_table import (
    MAY_BE_FINAL_SIGMA,
    NEEDS_WORDS,
    NOTHING,
    SPACE,
    RowTable,
)
from exporter.text.engine.stand_ins import make_encodable
from exporter.text.engine.wordpiece import FAST_OP, FastWordPiece, WordPieces
from exporter.text.engine.words import WordTokenizer
from exporter.text.google_research import load_table
from exporter.text.huggingface import literals, normalizer
from exporter.text.huggingface.literals import LiteralFinder, SpanAtPlace, Spans
from exporter.text.huggingface.ordering import AlignedOrdering
from exporter.text.huggingface.table import build_table
from exporter.text.packing import keep_longer_shortened, keep_longest_first, keep_single, pack
from exporter.text.tensorflow_text import byte_offsets
from exporter.text.tokens import TokenIds

UNCASED = load_table(True)
CHARACTERS = HuggingFaceCharacters.load()
LIBRARY = HuggingFaceSettings(True, True, added_tokens=(AddedToken("[MASK]", 103),))
MARKS = "x\U0001d16d\U0001d165"


def lists(tensors: object) -> list[list[int]]:
    return [tensor.numpy().tolist() for tensor in tensors]  # type: ignore[attr-defined]


def spelled(values: tf.Tensor) -> str:
    return "".join(map(chr, values.numpy().tolist()))


def ordinals(text: str) -> tf.Tensor:
    return tf.constant(list(map(ord, text)), tf.int32)


def code_points_of(text: str, table: CodePointTable = UNCASED) -> CodePoints:
    values = ordinals(text)
    return CodePoints(values, look_up(table.page_starts, table.entries, values))


def with_halves() -> CodePointTable:
    """The uncased table, by which a half becomes three characters."""
    entries = UNCASED.all_entries().copy()
    entries[ord("½")] = MULTIPLE
    table = CodePointTable(
        **{**vars(UNCASED), "expansions": np.array([list(map(ord, "1⁄2"))], np.int32)}
    )
    return table.with_entries(entries)


def token_ids(texts: list[list[int]]) -> TokenIds:
    splits = [0, *itertools.accumulate(map(len, texts))]
    return TokenIds(tf.constant([*itertools.chain(*texts)], tf.int32), tf.constant(splits))


def test_packing() -> None:
    packed = pack(
        [token_ids([[1, 2, 3], [4], []]), token_ids([[5], [], [6, 7]])],
        [tf.constant([2, 1, 0]), tf.constant([1, 0, 2])],
        [tf.constant([1, 1, 1]), tf.constant([1, 0, 1])],
        101,
        102,
    )
    tokens = packed.tokens
    assert lists(
        [tokens.ids, tokens.segment_ids, tokens.positions, tokens.row_splits, packed.sources]
    ) == [
        [101, 1, 2, 102, 5, 102, 101, 4, 102, 101, 102, 6, 7, 102],
        [0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1],
        [0, 1, 2, 3, 4, 5, 0, 1, 2, 0, 1, 2, 3, 4],
        [0, 6, 9, 14],
        [7, 0, 1, 8, 4, 8, 7, 3, 8, 7, 8, 5, 6, 8],
    ]


def test_truncation() -> None:
    assert keep_single(tf.constant([3, 9, 0]), 8).numpy().tolist() == [3, 6, 0]
    kept = keep_longer_shortened(tf.constant([2, 9, 1]), tf.constant([2, 9, 9]), 5)
    assert lists(kept) == [[2, 3, 1], [2, 2, 4]]
    lengths = tf.constant([8, 9, 9]), tf.constant([9, 9, 8])
    assert lists(keep_longest_first(*lengths, 5)) == [[2, 2, 3], [3, 3, 2]]
    assert lists(keep_longer_shortened(*lengths, 5)) == [[3, 3, 3], [2, 2, 2]]


def test_code_points() -> None:
    found = CodePointNormalizer(UNCASED)(tf.constant(["Ab c", "é!"]))
    assert spelled(found.values) == "abce!"
    assert lists(found[1:]) == [[1, 2, 4, 6, 7], [1, 1, 2, 3, 4], [0, 5, 8]]
    assert lists(decode(tf.constant(["é".encode(), b"\xffa"]))) == [[0xE9, 0x61], [0, 1, 2]]
    assert code_points.word_keys(code_points_of(" it's").entries).numpy().tolist() == [
        *(1, 1, 1, 2, 3)
    ]
    assert code_points.final_sigmas(*code_points_of(" ΑΣ Σ ΑΣ.Α")).numpy().tolist() == [2]


def test_expansion() -> None:
    table = with_halves()
    outputs = Expander(table, None).expand(code_points_of("a½", table))
    assert spelled(outputs.values) == "a1⁄2"
    assert outputs.sources.numpy().tolist() == [0, 1, 1, 1]
    assert spelled(keep(code_points_of("A b")).values) == "ab"
    entries = code_points_of("A! ").entries.numpy()
    assert (entries >> 8).tolist() == [32, 0, 0]
    assert (entries & (REMOVED | SEPARATOR | ISOLATED | MULTIPLE)).tolist() == [
        *(0, SEPARATOR | ISOLATED, REMOVED | SEPARATOR)
    ]
    assert expansion.flag(tf.constant([5, 4]), 1).numpy().tolist() == [1, 0]


def test_orders_of_marks() -> None:
    ours = code_points_of(MARKS)
    outputs = CanonicalOrdering(UNCASED)(ours, keep(ours))
    assert spelled(outputs.values) == "x\U0001d165\U0001d16d"
    assert outputs.sources.numpy().tolist() == [0, 2, 1]
    theirs = code_points_of(MARKS, build_table(LIBRARY, CHARACTERS))
    outputs = AlignedOrdering(LIBRARY, CHARACTERS)(theirs, keep(theirs))
    assert spelled(outputs.values) == "x\U0001d165\U0001d16d"
    assert outputs.sources.numpy().tolist() == [0, 1, 2]
    assert CHARACTERS.combining_orders["\u0301"] == 50


def test_words() -> None:
    pieces = Vocabulary(("[UNK]", "1", "##⁄2", "##s", "x"))
    tokenizer = WordTokenizer(CodePointNormalizer(with_halves()), pieces, {}, 200, FAST_OP, "[UNK]")
    tokens = tokenizer.tokenize_with_offsets(tf.constant([" ½s x"]))
    assert lists(tokens.offsets()) == [[1, 1, 2, 4], [2, 2, 3, 5]]
    cut = WordPieces(tf.constant([7, 8, 1, 9]), tf.constant([0, 2, 3, 4]), None, None)
    assert words._with_literals(cut, tf.constant([97, -104, 98])).numpy().tolist() == [
        *(7, 8, 103, 9)
    ]
    assert words._utf8_lengths(ordinals("aé漢😀")).numpy().tolist() == [1, 2, 3, 4]


def test_word_pieces() -> None:
    word_piece = FastWordPiece(
        ["[UNK]", "un", "##aff", "##able", "film"], "[UNK]", 100, splits_text=False
    )
    found = word_piece.tokenize_with_offsets(tf.constant(["unaffable", "film"]))
    assert [ragged.to_list() for ragged in found] == [
        [[1, 2, 3], [4]],
        [[0, 2, 5], [0]],
        [[2, 5, 9], [4]],
    ]
    assert len("😀".encode()) == wordpiece.MAX_BYTES_PER_CHARACTER


def test_rows() -> None:
    table = RowTable.build(CodePointNormalizer(UNCASED), {})
    assert [table.outputs[ord(c)].tolist() for c in "É!\u00adΣ\u0378"] == [
        [ord("e"), NOTHING, NOTHING],
        [SPACE, ord("!"), SPACE],
        [NOTHING, NOTHING, NOTHING],
        [ord("σ"), MAY_BE_FINAL_SIGMA, NOTHING],
        [NEEDS_WORDS, NOTHING, NOTHING],
    ]

    def encoded(*texts: str) -> rows._Rows:
        values, row_splits = decode(tf.constant(texts))
        return rows._encoded(tf.gather(table.outputs, values), row_splits)

    assert encoded("Hi!").text.numpy().tolist() == [b"hi ! "]
    assert lists(rows._word_lengths(encoded("ab c", "d!"))) == [
        [0, 2, 1, 1, 1],
        [1, 1, 2, 2, 3, 4],
    ]


def test_stand_ins() -> None:
    vocabulary, stand_ins = make_encodable(load_table(False), Vocabulary(("a", "##\ufffe")))
    assert vocabulary.tokens == ("a", "##\x7f")
    assert stand_ins == {0xFFFE: 0x7F}


def test_added_tokens() -> None:
    found = normalizer.build_normalizer(LIBRARY, CHARACTERS)(tf.constant(["a [MASK]b"]))
    assert lists(found[:3]) == [
        [ord("a"), *[-104] * 6, ord("b")],
        [1, 3, 4, 5, 6, 7, 8, 9],
        [1, *[3] * 6, 4],
    ]
    at = SpanAtPlace(
        tf.constant([True] * 3),
        tf.constant([True, False, False]),
        tf.constant([False, False, True]),
        tf.constant([-104] * 3),
    )
    entries = normalizer._literal_entries(at)
    assert (entries.numpy() >> 8).tolist() == [-224] * 3
    assert (entries.numpy() & 255).tolist() == [SEPARATOR, 0, ISOLATED]
    around = tf.concat([[0], entries, [0]], axis=0)
    assert code_points.word_keys(around).numpy().tolist() == [0, 1, 1, 1, 2]
    flags = tf.constant([REMOVED | SEPARATOR, REMOVED, SEPARATOR])
    assert normalizer._with_white_space_kept(flags).numpy().tolist() == [
        *(SEPARATOR, REMOVED, SEPARATOR)
    ]
    assert lists(normalizer._spaces_around(tf.constant([False, True, False]))) == [
        [0, 1, 1, 1, 2],
        [False, True, False, True, False],
    ]
    settings = HuggingFaceSettings(
        True, False, added_tokens=(AddedToken("[CLS]", 2), AddedToken("é", 7, normalized=True))
    )
    entries = normalizer.build_normalizer(settings, CHARACTERS).table.all_entries()
    assert [chr(c) for c in np.flatnonzero(entries & LITERAL_START)] == ["[", "É", "é"]


def test_literals() -> None:
    patterns = {"ab": AddedToken("ab", 7), "abc": AddedToken("abc", 8, rstrip=True)}
    spans = LiteralFinder(patterns, CHARACTERS)(ordinals("xabc abab"))
    assert lists(spans) == [[1, 5, 7], [5, 7, 9], [8, 7, 7]]
    at = Spans(tf.constant([1, 5]), tf.constant([3, 6]), tf.constant([103, 7])).at(tf.constant(7))
    covered = [0, 1, 1, 0, 0, 1, 0]
    assert at.is_covered.numpy().tolist() == covered
    assert at.is_first.numpy().tolist() == [0, 1, 0, 0, 0, 1, 0]
    assert at.is_last.numpy().tolist() == [0, 0, 1, 0, 0, 1, 0]
    assert (at.value.numpy() * covered).tolist() == [0, -104, -104, 0, 0, -8, 0]
    starts, ends = tf.constant([0, 1, 2, 4]), tf.constant([2, 3, 4, 5])
    assert literals._leftmost(starts, ends).numpy().tolist() == [True, False, True, True]
    edges, pattern_at = literals._trie(["ab", "ac", "b"])
    assert {(edge >> 21, chr(edge & 0x1FFFFF)): node for edge, node in edges.items()} == {
        (0, "a"): 1,
        (1, "b"): 2,
        (1, "c"): 3,
        (0, "b"): 4,
    }
    assert pattern_at == [-1, -1, 0, 1, 2]


def test_byte_offsets() -> None:
    found = byte_offsets.decode(tf.constant(["aé".encode() + b"\xff!", b"b"]))
    assert spelled(found.code_points) == "aé\ufffd!b"
    assert lists(found[1:]) == [[1, 2, 1, 1, 1], [0, 4, 5], [0, 1, 2, 2, 3, 4]]
    found = byte_offsets.decode(tf.constant(["Éa", "ab"]))
    characters = byte_offsets.characters_of_bytes(
        found,
        tf.ones([4], tf.int64),
        tf.constant([0, 2, 3]),
        tf.constant([0, 1, 0], tf.int64),
        tf.constant([0, 1, 1], tf.int64),
    )
    assert lists(characters) == [[0, 1, 0], [1, 2, 2]]
