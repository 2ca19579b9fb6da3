"""Hugging Face's tokenizer in graph, saved and loaded, against `tokenizers` itself."""

import dataclasses
import itertools
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from bert.errors import UserError
from bert.tokenizers.huggingface.characters import HuggingFaceCharacters
from bert.tokenizers.huggingface.settings import AddedToken, HuggingFaceSettings
from bert.tokenizers.huggingface.tokenizer import HuggingFaceTokenizer
from exporter.proof.adversarial_text import ADVERSARIAL_TEXTS
from exporter.text.engine.wordpiece import CLASSIC_OP, FAST_OP
from exporter.text.huggingface.normalizer import build_normalizer
from tests.exporter.text import texts
from tests.exporter.text.any_text import lines_of_any_text
from tests.exporter.text.huggingface.artefact import (
    Tokenizers,
    literal_texts,
    make,
    model_of,
    pieces_of,
    random_added_tokens,
    settings_of,
    special_tokens,
)
from tests.full import sampled

_PLANE = 0x10000
_FLAGS = ("lowercase", "strip_accents", "handle_chinese_chars", "clean_text")

# The sample: all settings with cleaning, and some without.
_SETTINGS = [settings_of(flags) for flags in itertools.product((True, False), repeat=4)]
_SAMPLE = [
    settings
    for settings in _SETTINGS
    if settings.clean_text
    or settings.lowercase == settings.strip_accents == settings.handle_chinese_chars
]
_NAMES = [
    "-".join(name for name in _FLAGS if getattr(setting, name)) or "none" for setting in _SETTINGS
]


def tokenizers_of(
    directory: Path, base: HuggingFaceSettings, sample: str, op: str = FAST_OP
) -> Tokenizers:
    """With BERT's special tokens."""
    tokens = tuple(special_tokens(pieces_of(sample, base)))
    return make(directory, model_of(dataclasses.replace(base, added_tokens=tokens), sample), op)


@pytest.fixture(scope="module")
def per_category(full: bool) -> int:
    """How many code points of each general category are looked at."""
    return 2500 if full else 200


@pytest.fixture(scope="module")
def count(full: bool) -> int:
    """How many random texts are compared."""
    return 5000 if full else 800


@pytest.fixture(scope="module", params=sampled(_SETTINGS, _SAMPLE), ids=_NAMES)
def tokenizers(
    request: pytest.FixtureRequest, per_category: int, tmp_path_factory: pytest.TempPathFactory
) -> Tokenizers:
    op = (FAST_OP, CLASSIC_OP)[_SETTINGS.index(request.param) % 2]
    sample = _without_nul(texts.characters(per_category)) + _marks()
    return tokenizers_of(tmp_path_factory.mktemp("huggingface"), request.param, sample, op)


def _marks() -> str:
    return "".join(HuggingFaceCharacters.load().combining_orders)


def _without_nul(sample: str) -> str:
    # The one piece that no vocabulary may hold here: see `test_nul_in_the_vocabulary`.
    return sample.replace("\0", "")


def probes(sample: str) -> list[bytes]:
    forms = (form for c in sample for form in (c, f"a {c} b", f"a{c}b"))
    return [form.encode() for form in forms]


def test_examples(tokenizers: Tokenizers) -> None:
    lines = [example.encode() for example in (*texts.EXAMPLES, *texts.SENTENCES)]
    assert not tokenizers.differences([*lines, *ADVERSARIAL_TEXTS])


def test_sampled_code_points(tokenizers: Tokenizers, per_category: int) -> None:
    lines = probes(texts.characters(per_category) + _marks())
    assert len(lines) > 10_000
    assert not tokenizers.differences(lines)


def test_every_class_of_code_points_is_known(tokenizers: Tokenizers) -> None:
    """The other tests would see nothing if all words were unknown."""
    found = tokenizers.in_graph(probes(texts.characters(20)))
    assert sum(ids == [0] for ids, _ in found) < len(found) / 50


def test_fuzzed_strings(tokenizers: Tokenizers, count: int) -> None:
    assert not tokenizers.differences(texts.fuzzed_strings(count, seed=21))


def test_corrupted_bytes(tokenizers: Tokenizers, count: int) -> None:
    assert not tokenizers.differences(texts.corrupted_bytes(count, seed=22))


def test_marks(tokenizers: Tokenizers, count: int) -> None:
    """Marks that survive, move among those that do not, and are told to be where they went."""
    generator = random.Random(23)
    characters = HuggingFaceCharacters.load()
    pool = [*characters.combining_orders, *generator.sample([*characters.decompositions], 200)]
    lines = ("".join(generator.choices(pool, k=generator.randint(1, 8))) for _ in range(count))
    assert not tokenizers.differences([line.encode() for line in lines])


_LINES = lines_of_any_text(
    " \t\u00a0\u2028Σσaʰ'.-\u00ad\u200d\u0301\u0316\u0345\u302e漢İ½ß[]",
    ["[CLS]", "[SEP]", "[MASK]", "[UNK]", "[mask]", "[MASK", "##s", "the"],
    longest_word=100,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(lines=_LINES)
def test_any_text(tokenizers: Tokenizers, lines: list[bytes]) -> None:
    assert not tokenizers.differences(lines)


@pytest.mark.parametrize("do_lower_case", [True, False], ids=["uncased", "cased"])
def test_code_points(do_lower_case: bool, full: bool, tmp_path: Path) -> None:
    """Plane by plane, all code points in the full suite; else a slice of one."""
    base = HuggingFaceSettings(do_lower_case, do_lower_case)
    for plane, size in enumerate([_PLANE] * 17 if full else [0x600]):
        first = plane * _PLANE
        sample = "".join(map(chr, range(first, first + size)))
        sample = "".join(c for c in sample if not "\ud800" <= c <= "\udfff")
        directory = tmp_path / str(plane)
        tokenizers = tokenizers_of(directory, base, sample)
        assert not tokenizers.differences(probes(sample))


@pytest.mark.parametrize("seed", sampled(range(60), range(8)))
def test_added_tokens(seed: int, count: int, tmp_path: Path) -> None:
    """Tokens of all properties, beside, inside and across each other."""
    generator = random.Random(seed)
    sample = texts.characters(5) + _marks()
    flags = [generator.random() < 0.5 for _ in range(4)]
    base = settings_of(flags, max_input_chars_per_word=generator.choice((100, 5)))
    pieces = pieces_of(_without_nul(sample), base)
    while True:
        configured = dataclasses.replace(base, added_tokens=random_added_tokens(generator, pieces))
        try:
            model = model_of(configured, _without_nul(sample))
            build_normalizer(configured, HuggingFaceCharacters.load())
        except UserError:
            continue
        break
    tokenizers = make(tmp_path, model, generator.choice((FAST_OP, CLASSIC_OP)))
    assert not tokenizers.differences(literal_texts(count, seed, configured.added_tokens))


def test_rows_do_not_see_their_neighbours(tmp_path: Path) -> None:
    base = HuggingFaceSettings(True, True)
    pieces = pieces_of("abc", base)
    added = [
        AddedToken("a b", len(pieces), normalized=True, lstrip=True, is_word_piece=False),
        AddedToken(" c", len(pieces) + 1, single_word=True, is_word_piece=False),
        AddedToken("[X]", len(pieces) + 2, rstrip=False, lstrip=True, is_word_piece=False),
    ]
    tokens = (*special_tokens(pieces), *added)
    tokenizers = make(
        tmp_path, model_of(dataclasses.replace(base, added_tokens=tokens), "abc"), FAST_OP
    )
    lines = ["a", "b", "", " ", "c", " c", "[X", "]", "  [X] ", "[SE", "P]", "a b", "A", " B", "c"]
    assert not tokenizers.differences([line.encode() for line in lines])
    together = tokenizers.in_graph([line.encode() for line in lines])
    assert together == [tokenizers.in_graph([line.encode()])[0] for line in lines]


def test_no_rows(tmp_path: Path) -> None:
    tokenizers = tokenizers_of(tmp_path, HuggingFaceSettings(True, True), "abc")
    assert tokenizers.in_graph([]) == []
    assert tokenizers.in_graph([b"", b"\0", b" \n"]) == [([], [])] * 3


@pytest.mark.parametrize(
    "line",
    [
        "the film " * 60_000,
        "x" * 200_000,
        "\0" * 200_000,
        "[SEP]" * 40_000,
        "[" * 200_000,
        "\u0301\u0316" * 50_000,
        "\u302e\u0301" * 40_000,
        "漢" * 60_000,
        "가" * 60_000,
    ],
    ids=lambda line: f"{line[:5]!r}",
)
def test_long_lines(line: str, tmp_path: Path) -> None:
    base = HuggingFaceSettings(True, True)
    pieces = pieces_of("abc漢가\u302e", base)
    added = AddedToken("film [", len(pieces), normalized=True, is_word_piece=False)
    settings = dataclasses.replace(base, added_tokens=(*special_tokens(pieces), added))
    tokenizers = make(tmp_path, model_of(settings, "abc漢가\u302e"), FAST_OP)
    assert not tokenizers.differences([b"the", line.encode(), b"film"])


@pytest.mark.parametrize(
    ("tokens", "told"),
    [
        ([AddedToken("\u00ad", 9, normalized=True)], "nothing once it is normalised"),
        ([AddedToken("Foo", 9, True), AddedToken("foo", 8, True)], "either may be found"),
        ([AddedToken("A", 9, rstrip=True), AddedToken(" B", 8)], "tokens overlap"),
    ],
    ids=["nothing", "equal", "overlapping"],
)
def test_tokens_that_cannot_be_told_apart(tokens: list[AddedToken], told: str) -> None:
    settings = HuggingFaceSettings(True, True, added_tokens=tuple(tokens))
    characters = HuggingFaceCharacters.load()
    model = model_of(HuggingFaceSettings(True, True), "abc")
    with pytest.raises(UserError, match=told):
        build_normalizer(settings, characters)
    with pytest.raises(UserError, match=told):
        HuggingFaceTokenizer(model.vocabulary, settings, characters)


def test_characters_that_ops_cannot_carry(tmp_path: Path) -> None:
    """Noncharacters in the vocabulary, and a NUL, which cleaning keeps from being found."""
    sample = "ab\ufffe\ufffd\ufdd0\U0001fffe"
    tokenizers = tokenizers_of(tmp_path, HuggingFaceSettings(True, True, clean_text=True), sample)
    held = [*sample, "\uffff", "\U0010fffe", "\0"]
    lines = ["".join(pair) for pair in itertools.product(held, repeat=3)]
    assert not tokenizers.differences([line.encode() for line in lines])
