"""The in-graph tokenizer of a reloaded artefact against the original tokenization.py."""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings

from exporter.proof.adversarial_text import ADVERSARIAL_TEXTS
from exporter.text.engine.wordpiece import CLASSIC_OP, FAST_OP
from tests.exporter.text import texts
from tests.exporter.text.any_text import lines_of_any_text
from tests.exporter.text.tokenizer_artefact import Tokenize, save_and_load
from tests.exporter.text.vocabularies import sample_vocabulary, write_vocabulary
from tests.oracles.original_tokenizer import original_tokenizer

# Of each general category so many code points are looked at; all of most categories.
_PER_CATEGORY = 2500
_PLANE = 0x10000


class Tokenizers(NamedTuple):
    """The artefact, and the original with the same vocabulary."""

    in_graph: Tokenize
    original: Callable[[bytes], list[int]]


_CONFIGURATIONS = tuple(itertools.product((True, False), (FAST_OP, CLASSIC_OP)))
_IDS = [
    f"{'uncased' if lower else 'cased'}-{'fast' if op == FAST_OP else 'classic'}"
    for lower, op in _CONFIGURATIONS
]


@pytest.fixture(scope="module", params=_CONFIGURATIONS, ids=_IDS)
def tokenizers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Tokenizers:
    do_lower_case, op = request.param
    sample = texts.characters(_PER_CATEGORY)
    return make(
        tmp_path_factory.mktemp("tokenizer"),
        sample_vocabulary(sample, do_lower_case),
        do_lower_case,
        op,
    )


def make(directory: Path, vocabulary: Sequence[str], do_lower_case: bool, op: str) -> Tokenizers:
    file = write_vocabulary(directory / "vocab.txt", vocabulary)
    return Tokenizers(
        save_and_load(directory / "artefact", file, do_lower_case, op),
        original_tokenizer(file, do_lower_case),
    )


def differences(tokenizers: Tokenizers, lines: Sequence[bytes]) -> list[str]:
    """The lines that the two do not agree on, ten at most."""
    found = tokenizers.in_graph(lines)
    assert len(found) == len(lines)
    differing = (
        f"{line!r}: {ids} is not {expected}"
        for line, ids in zip(lines, found, strict=True)
        if ids != (expected := tokenizers.original(line))
    )
    return list(itertools.islice(differing, 10))


def test_examples(tokenizers: Tokenizers) -> None:
    lines = [example.encode() for example in (*texts.EXAMPLES, *texts.SENTENCES)]
    assert not differences(tokenizers, [*lines, *ADVERSARIAL_TEXTS])


def test_every_class_of_code_points_is_known(tokenizers: Tokenizers, full: bool) -> None:
    """The other tests would see nothing if all words were unknown."""
    lines = texts.probes(texts.characters(20), around=full)
    unknown = tokenizers.original(b"\xe2\x91\xa0" * 201)
    found = tokenizers.in_graph(lines)
    assert sum(ids == unknown for ids in found) < len(found) / 50


def test_sampled_code_points(tokenizers: Tokenizers, full: bool) -> None:
    lines = texts.probes(texts.characters(_PER_CATEGORY), around=full)
    assert len(lines) > 20_000
    assert not differences(tokenizers, lines)


def test_fuzzed_strings(tokenizers: Tokenizers) -> None:
    assert not differences(tokenizers, texts.fuzzed_strings(2000, seed=11))


def test_corrupted_bytes(tokenizers: Tokenizers) -> None:
    assert not differences(tokenizers, texts.corrupted_bytes(2000, seed=12))


def test_lines_of_data(tokenizers: Tokenizers) -> None:
    lines = texts.data_lines()
    assert len(lines) > 40
    assert not differences(tokenizers, lines)


_LINES = lines_of_any_text(
    " \t\u00a0\u2028Σσςaʰ'.-\u00ad\u200d\u0301\u0316\u0345\U00016ff0漢İ½ß",
    ["[CLS]", "[SEP]", "[MASK]", "[UNK]", "##s", "unaffable", "ΟΔΟΣ", "THE"],
    longest_word=200,
)


@settings(
    max_examples=max(100, settings().max_examples),
    suppress_health_check=[HealthCheck.too_slow],
)
@given(lines=_LINES)
def test_any_text(tokenizers: Tokenizers, lines: list[bytes]) -> None:
    assert not differences(tokenizers, lines)


def test_rows_do_not_see_their_neighbours(tokenizers: Tokenizers) -> None:
    lines = ["ΑΣ", "Α", "Σ", "", "\u0301\u0316", "b", "\u00ad", "Σ", "e\u0316", "\u0301"]
    together = tokenizers.in_graph([line.encode() for line in lines])
    assert together == [tokenizers.in_graph([line.encode()])[0] for line in lines]


def test_no_rows(tokenizers: Tokenizers) -> None:
    assert tokenizers.in_graph([]) == []
    assert tokenizers.in_graph([b"", b"\0", b" \n"]) == [[], [], []]


@pytest.mark.parametrize(
    ("part", "count"),
    [(b"the film ", 120_000), (b"!", 100_000), (b"\0", 200_000), (b"\xff", 200_000)],
    ids=["a megabyte", "punctuation", "NUL", "not UTF-8"],
)
def test_long_lines(tokenizers: Tokenizers, part: bytes, count: int) -> None:
    """Of parts that end a word, so that the original need not read them all."""
    ids = tokenizers.original(part)
    assert tokenizers.in_graph([b"the", part * count, b"film"]) == [
        tokenizers.original(b"the"),
        ids * count,
        tokenizers.original(b"film"),
    ]


def test_a_word_of_many_letters(tokenizers: Tokenizers) -> None:
    assert not differences(tokenizers, [b"the", b"x" * 200_000, b"film"])


@pytest.mark.parametrize(("do_lower_case", "op"), _CONFIGURATIONS, ids=_IDS)
def test_code_points(do_lower_case: bool, op: str, full: bool, tmp_path: Path) -> None:
    """Plane by plane, all code points in the full suite; else a slice of one."""
    for plane, size in enumerate([_PLANE] * 17 if full else [0x250]):
        first = plane * _PLANE
        sample = "".join(
            chr(code_point)
            for code_point in range(first, first + size)
            if not 0xD800 <= code_point < 0xE000
        )
        directory = tmp_path / str(plane)
        directory.mkdir()
        tokenizers = make(directory, sample_vocabulary(sample, do_lower_case), do_lower_case, op)
        assert not differences(tokenizers, texts.probes(sample, around=full))
