"""The Python reference of Hugging Face's tokenizer, and the data that it goes by."""

import dataclasses
import itertools
import random

import pytest

from bert.errors import UserError
from bert.tokenizers.huggingface import probing
from bert.tokenizers.huggingface.characters import MAPPINGS, SETS, HuggingFaceCharacters
from bert.tokenizers.huggingface.settings import HuggingFaceSettings
from bert.tokenizers.huggingface.tokenizer import HuggingFaceTokenizer
from exporter.proof.adversarial_text import ADVERSARIAL_TEXTS
from tests.exporter.text import texts
from tests.exporter.text.huggingface.artefact import (
    literal_texts,
    pieces_of,
    random_added_tokens,
    settings_of,
    special_tokens,
    vocabulary_of,
)
from tests.full import sampled
from tests.oracles.huggingface_with_settings import huggingface_tokenizer


@pytest.fixture(scope="module")
def characters() -> HuggingFaceCharacters:
    return HuggingFaceCharacters.load()


def differences(
    settings: HuggingFaceSettings,
    sample: str,
    lines: list[bytes],
    characters: HuggingFaceCharacters,
) -> list[str]:
    """The lines on which reference and library part, in ids or offsets."""
    vocabulary = vocabulary_of(settings, sample)
    reference = HuggingFaceTokenizer(vocabulary, settings, characters)
    library = huggingface_tokenizer(vocabulary, settings)
    decoded = [line.decode("utf-8", "ignore") for line in lines]
    encodings = library.encode_batch(decoded, add_special_tokens=False)
    different = []
    for line, encoding in zip(lines, encodings, strict=True):
        tokens = reference.tokenize(line)
        found = [(token.id, (token.start, token.end)) for token in tokens]
        if found != list(zip(encoding.ids, encoding.offsets, strict=True)):
            different.append(f"{line!r}: {found} is not {encoding.ids} {encoding.offsets}")
    return different[:10]


@pytest.mark.parametrize("flags", itertools.product((True, False), repeat=4), ids=str)
def test_settings(flags: tuple[bool, ...], characters: HuggingFaceCharacters) -> None:
    base = settings_of(flags)
    sample = texts.characters(100) + "".join(characters.combining_orders)
    settings = dataclasses.replace(
        base, added_tokens=tuple(special_tokens(pieces_of(sample, base)))
    )
    forms = (form for c in sample for form in (c, f"a {c} b", f"a{c}b"))
    lines = [*(form.encode() for form in forms), *ADVERSARIAL_TEXTS]
    lines += texts.fuzzed_strings(500, seed=41) + texts.corrupted_bytes(500, seed=42)
    assert not differences(settings, sample, lines, characters)


@pytest.mark.parametrize("seed", sampled(range(200), range(30)))
def test_added_tokens(seed: int, characters: HuggingFaceCharacters) -> None:
    generator = random.Random(seed)
    base = settings_of(generator.random() < 0.5 for _ in range(4))
    sample = texts.characters(5)
    pieces = pieces_of(sample, base)
    settings = dataclasses.replace(base, added_tokens=random_added_tokens(generator, pieces))
    lines = literal_texts(500, seed, settings.added_tokens)
    try:
        assert not differences(settings, sample, lines, characters)
    except UserError as error:
        assert "added token" in str(error)


def test_shipped_data_is_of_this_release(characters: HuggingFaceCharacters) -> None:
    assert characters.reference == f"tokenizers {probing.tokenizers.__version__}"


@pytest.mark.full
def test_shipped_data_is_what_the_library_says(characters: HuggingFaceCharacters) -> None:
    probed = probing.probe_characters()
    assert characters.reference == probed.reference
    for name in SETS:
        assert getattr(characters, name).borders == getattr(probed, name).borders, name
    for name in (*MAPPINGS, "combining_orders"):
        assert dict(getattr(characters, name)) == dict(getattr(probed, name)), name
