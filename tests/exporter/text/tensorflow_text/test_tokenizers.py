"""The stock tokenizers of TensorFlow Text behind our pipeline."""

import dataclasses
import itertools
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import tensorflow as tf
import tensorflow_text

from bert.errors import UserError
from bert.model import TENSORFLOW_TEXT, TENSORFLOW_TEXT_FAST, FineTunedModel
from bert.tokenizers.vocabulary import Vocabulary
from exporter.proof.adversarial_text import ADVERSARIAL_TEXTS
from exporter.text.engine.wordpiece import FAST_OP
from exporter.text.pipeline import TextPipeline
from exporter.text.profiles import PROFILES
from tests.exporter.text import texts
from tests.exporter.text.vocabularies import unique
from tests.tiny_model import weightless_model

_WORDS = (
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "the",
    "un",
    "##aff",
    "##able",
    "fi",
    "##lm",
)

Row = tuple[list[int], list[int], list[int]]


class Stock(NamedTuple):
    """Ours, and TensorFlow Text's with the same vocabulary."""

    model: FineTunedModel
    in_graph: Callable[[Sequence[bytes]], list[Row]]
    stock: Any


def model_of(tokenizer: str, do_lower_case: bool, max_seq_length: int = 64) -> FineTunedModel:
    # FastBertTokenizer takes no vocabulary with pieces of control characters.
    characters = "".join(c for c in texts.characters(60) if unicodedata.category(c) != "Cc")
    characters += characters.lower() if do_lower_case else ""
    pieces = (form for c in characters for form in (c, f"##{c}"))
    vocabulary = Vocabulary(tuple(unique([*_WORDS, *pieces])))
    return weightless_model(vocabulary, tokenizer, do_lower_case, max_seq_length)


def stock_tokenizer(model: FineTunedModel) -> Any:
    tokens = list(model.vocabulary.reachable_tokens)
    if model.tokenizer == TENSORFLOW_TEXT_FAST:
        return tensorflow_text.FastBertTokenizer(
            vocab=tokens, lower_case_nfd_strip_accents=model.do_lower_case
        )
    ids = tf.range(len(tokens), dtype=tf.int64)
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(tokens, ids), -1)
    return tensorflow_text.BertTokenizer(table, lower_case=model.do_lower_case)


_CONFIGURATIONS = list(itertools.product((TENSORFLOW_TEXT, TENSORFLOW_TEXT_FAST), (True, False)))


@pytest.fixture(
    scope="module",
    params=_CONFIGURATIONS,
    ids=[f"{name}-{'uncased' if lower else 'cased'}" for name, lower in _CONFIGURATIONS],
)
def stock(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Stock:
    model = model_of(*request.param)
    module = tf.Module()
    module.tokenizer = PROFILES[model.tokenizer].build(model, FAST_OP)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def tokenize(text: tf.Tensor) -> dict[str, tf.Tensor]:
        return {**module.tokenizer.tokenize_with_offsets(text)._asdict()}

    directory: Path = tmp_path_factory.mktemp("stock") / "artefact"
    tf.saved_model.save(module, str(directory), signatures={"tokenize": tokenize})
    loaded = tf.saved_model.load(str(directory))

    def rows(lines: Sequence[bytes]) -> list[Row]:
        outputs = loaded.signatures["tokenize"](text=tf.constant(lines, tf.string))
        ids, starts, ends, splits = (
            outputs[name].numpy().tolist() for name in ("ids", "starts", "ends", "row_splits")
        )
        return [(ids[a:b], starts[a:b], ends[a:b]) for a, b in itertools.pairwise(splits)]

    return Stock(model, rows, stock_tokenizer(model))


@pytest.fixture(scope="module")
def lines_of_all_kinds(full: bool) -> list[bytes]:
    count = 3000 if full else 400
    examples = [line.encode() for line in (*texts.EXAMPLES, *texts.SENTENCES)]
    fuzzed = texts.fuzzed_strings(count, seed=31) + texts.corrupted_bytes(count, seed=32)
    return [b"", b" ", *examples, *ADVERSARIAL_TEXTS, *fuzzed]


def test_ids_are_the_stock_ones(stock: Stock, lines_of_all_kinds: list[bytes]) -> None:
    """Of the bytes as they come: these tokenizers take bytes that are not UTF-8."""
    expected = stock.stock.tokenize(lines_of_all_kinds)
    while expected.ragged_rank > 1:
        expected = expected.merge_dims(-2, -1)
    found = stock.in_graph(lines_of_all_kinds)
    for line, row, ids in zip(lines_of_all_kinds, found, expected.to_list(), strict=True):
        assert row[0] == ids, line


def test_a_token_stands_where_it_is_said_to_stand(
    stock: Stock, lines_of_all_kinds: list[bytes]
) -> None:
    """What is there, normalised, is the token, or holds it where one character gave several."""
    lines = [line.decode("utf-8", "ignore") for line in lines_of_all_kinds]
    tokens = stock.model.vocabulary.tokens
    pieces, slices, whole = [], [], 0
    for line, (ids, starts, ends) in zip(
        lines, stock.in_graph([*map(str.encode, lines)]), strict=True
    ):
        for token_id, start, end in zip(ids, starts, ends, strict=True):
            assert 0 <= start < end <= len(line), line
            if tokens[token_id] != "[UNK]":
                pieces.append(tokens[token_id].removeprefix("##"))
                slices.append(line[start:end])
    for piece, text in zip(pieces, normalized(slices, stock.model.do_lower_case), strict=True):
        assert piece in text, (piece, text)
        whole += piece == text
    assert whole > 0.9 * len(pieces) > 1000


def normalized(strings: list[str], do_lower_case: bool) -> list[str]:
    result = tf.constant(strings)
    if do_lower_case:
        folded = tensorflow_text.normalize_utf8(tensorflow_text.case_fold_utf8(result), "NFD")
        result = tf.strings.regex_replace(folded, r"\p{Mn}", "")
    return [string.decode() for string in result.numpy()]


def test_offsets_count_characters_without_invalid_bytes(stock: Stock) -> None:
    (row,) = stock.in_graph([b"\xff\xe2\x82the\xc3 \xf0\x9f\x98film\xed\xa0\x80"])
    assert all(0 <= start <= end <= 8 for start, end in zip(*row[1:], strict=True))
    (row,) = stock.in_graph(["\u200bthe  \u00ad Ame\u0301lie!".encode()])
    assert row[1][0] <= 1 < row[2][0]
    assert (row[1][-1], row[2][-1]) == (15, 16)


def test_a_vocabulary_that_the_fast_one_refuses() -> None:
    model = model_of(TENSORFLOW_TEXT_FAST, True)
    vocabulary = Vocabulary((*model.vocabulary.tokens, "\x11"))
    with pytest.raises(UserError, match="tensorflow_text_fast"):
        PROFILES[TENSORFLOW_TEXT_FAST].build(
            dataclasses.replace(model, vocabulary=vocabulary), FAST_OP
        )


def test_no_rows(stock: Stock) -> None:
    assert stock.in_graph([]) == []
    assert stock.in_graph([b"", b" \n"]) == [([], [], [])] * 2


@pytest.mark.parametrize("letter", [b"x", b"\xff", "é".encode(), "\u0301".encode(), b"! "])
def test_long_lines(stock: Stock, letter: bytes) -> None:
    line = letter * 100_000
    (ids, starts, ends), *_ = stock.in_graph([line])
    assert len(ids) == len(starts) == len(ends)
    expected = stock.stock.tokenize([line])
    assert ids == expected.flat_values.numpy().tolist()


@pytest.mark.parametrize("max_seq_length", [3, 5, 8, 64])
@pytest.mark.parametrize("tokenizer", [TENSORFLOW_TEXT, TENSORFLOW_TEXT_FAST])
@pytest.mark.parametrize("text_pair", [False, True], ids=["single", "pair"])
def test_whole_inputs(tokenizer: str, text_pair: bool, max_seq_length: int) -> None:
    """As the stock trimmer cuts them; an empty second text keeps its [SEP]."""
    model = model_of(tokenizer, True, max_seq_length)
    lines = [b"", b"a b c", b"\xff", *(line.encode() for line in texts.SENTENCES[:5]), b"x " * 70]
    rows = list(itertools.product(lines, repeat=2)) if text_pair else [(line,) for line in lines]
    packed = TextPipeline(model, FAST_OP).tokenize_with_offsets(
        [tf.constant(list(c)) for c in zip(*rows, strict=True)]
    )
    splits = packed.tokens.row_splits.numpy().tolist()
    ids, segments = packed.tokens.ids.numpy().tolist(), packed.tokens.segment_ids.numpy().tolist()
    reference = PROFILES[tokenizer].build_reference(model)
    for row, (first, last) in zip(rows, itertools.pairwise(splits), strict=True):
        expected = reference.encode(row[0], row[1] if text_pair else None, max_seq_length)
        assert (ids[first:last], segments[first:last]) == expected, row


def test_pair_lengths() -> None:
    """All lengths to 40 and all budgets, against the stock trimmer."""
    truncate = PROFILES[TENSORFLOW_TEXT].truncate_pair
    lengths = list(itertools.product(range(41), repeat=2))
    lengths_a, lengths_b = map(tf.constant, zip(*lengths, strict=True))
    ragged = [
        tf.RaggedTensor.from_row_lengths(tf.zeros([tf.reduce_sum(n)], tf.int32), n)
        for n in (lengths_a, lengths_b)
    ]
    for budget in range(82):
        trimmed = tensorflow_text.RoundRobinTrimmer(budget).trim(ragged)
        kept = truncate(lengths_a, lengths_b, budget)
        for ours, theirs in zip(kept, trimmed, strict=True):
            assert ours.numpy().tolist() == theirs.row_lengths().numpy().tolist()
