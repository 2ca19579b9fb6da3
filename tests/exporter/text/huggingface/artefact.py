"""Hugging Face tokenizers in graph, as artefacts of their own, and texts that try them."""

import itertools
import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf
import tokenizers

from bert.model import HUGGINGFACE, FineTunedModel
from bert.tasks import CLASSIFICATION
from bert.tokenizers.huggingface.characters import HuggingFaceCharacters
from bert.tokenizers.huggingface.settings import SPECIAL_TOKENS, AddedToken, HuggingFaceSettings
from bert.tokenizers.huggingface.tokenizer import BertNormalizer
from bert.tokenizers.vocabulary import Vocabulary
from exporter.text.profiles import PROFILES
from tests.exporter.text import texts
from tests.oracles.huggingface_with_settings import huggingface_tokenizer
from tests.tiny_model import tiny_config

Row = tuple[list[int], list[tuple[int, int]]]

_WORDS = ("the", "film", "un", "##aff", "##able", "fi", "##lm", "οδος", "ος", "##σ")
# Added to a vocabulary that has some of them already.
LITERALS = (
    *("foo", "Foo bar", "fo", "bar", "ar", "the", "the film", "n't", "a-b", "##s", "##", "-"),
    *("[X]", "[X][Y]", "[SE", "<e>", " x", "x ", "\u2003q", "漢", "漢字", "é", "e\u0301"),
    *("a\u0316\u0301", "\u0301", "\u302e", "\u1100", "ΑΣ", "İ", "E\u00adF"),
)


class Tokenizers(NamedTuple):
    """The artefact, and the library with the same vocabulary and settings."""

    in_graph: Callable[[Sequence[bytes]], list[Row]]
    library: tokenizers.Tokenizer

    def differences(self, lines: Sequence[bytes]) -> list[str]:
        """The lines that the two do not agree on, in ids or in offsets; ten at most."""
        decoded = [line.decode("utf-8", "ignore") for line in lines]
        encodings = self.library.encode_batch(decoded, add_special_tokens=False)
        found = self.in_graph(lines)
        assert len(found) == len(lines)
        differing = (
            f"{line!r}: {row} is not {expected}"
            for line, row, encoding in zip(lines, found, encodings, strict=True)
            if row != (expected := (encoding.ids, encoding.offsets))
        )
        return list(itertools.islice(differing, 10))


def make(directory: Path, model: FineTunedModel, op: str) -> Tokenizers:
    """Saves the model's tokenizer, and loads it again."""
    module = tf.Module()
    module.tokenizer = PROFILES[HUGGINGFACE].build(model, op)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def tokenize(text: tf.Tensor) -> dict[str, tf.Tensor]:
        return {**module.tokenizer.tokenize_with_offsets(text)._asdict()}

    tf.saved_model.save(module, str(directory), signatures={"tokenize": tokenize})
    loaded = tf.saved_model.load(str(directory))
    signature = loaded.signatures["tokenize"]

    def rows(lines: Sequence[bytes], batch_size: int = 1024) -> list[Row]:
        found: list[Row] = []
        for start in range(0, len(lines), batch_size):
            outputs = signature(text=tf.constant(lines[start : start + batch_size], tf.string))
            ids, starts, ends, splits = (
                outputs[name].numpy().tolist() for name in ("ids", "starts", "ends", "row_splits")
            )
            offsets = list(zip(starts, ends, strict=True))
            found += [(ids[a:b], offsets[a:b]) for a, b in itertools.pairwise(splits)]
        assert loaded is not None  # its tables live as long as it does
        return found

    library = huggingface_tokenizer(model.vocabulary, model.huggingface_settings())
    return Tokenizers(rows, library)


def model_of(settings: HuggingFaceSettings, sample: str) -> FineTunedModel:
    """A model without weights, for the tokenizer alone."""
    vocabulary = vocabulary_of(settings, sample)
    return FineTunedModel(
        config=tiny_config(len(vocabulary)),
        weights={},
        vocabulary=vocabulary,
        vocabulary_file=b"",
        do_lower_case=settings.lowercase,
        tokenizer=HUGGINGFACE,
        task=CLASSIFICATION,
        labels=(),
        max_seq_length=64,
        provenance={},
        tokenizer_settings=settings,
    )


def vocabulary_of(settings: HuggingFaceSettings, sample: str) -> Vocabulary:
    """All that the characters of `sample` can give, words, and the added tokens."""
    pieces = pieces_of(sample, settings)
    added = sorted(
        (token for token in settings.added_tokens if not token.is_word_piece),
        key=lambda token: token.id,
    )
    assert [token.id for token in added] == [*range(len(pieces), len(pieces) + len(added))]
    return Vocabulary((*pieces, *(token.content for token in added)))


def pieces_of(sample: str, settings: HuggingFaceSettings) -> tuple[str, ...]:
    """The vocabulary without added tokens; it is the same for all added tokens."""
    characters = HuggingFaceCharacters.load()
    normalize = BertNormalizer(settings, characters).normalize
    given = dict.fromkeys(c for c in normalize(sample + "aebfoxbar") if not c.isspace())
    forms = (form for c in given for form in (c, f"##{c}"))
    return tuple(dict.fromkeys([*SPECIAL_TOKENS, *_WORDS, *forms]))


def settings_of(flags: Iterable[bool], max_input_chars_per_word: int = 100) -> HuggingFaceSettings:
    """BertNormalizer's four settings, in the order of their declaration."""
    lowercase, strip_accents, handle_chinese_chars, clean_text = flags
    return HuggingFaceSettings(
        lowercase, strip_accents, handle_chinese_chars, clean_text, max_input_chars_per_word
    )


def special_tokens(pieces: Sequence[str]) -> list[AddedToken]:
    return [AddedToken(name, pieces.index(name)) for name in SPECIAL_TOKENS]


def random_added_tokens(generator: random.Random, pieces: Sequence[str]) -> tuple[AddedToken, ...]:
    """The special tokens and up to eight more, of all properties."""
    tokens = special_tokens(pieces)
    next_id = len(pieces)
    for content in generator.sample(LITERALS, generator.randint(1, 8)):
        is_word_piece = content in pieces
        a, b, c = (generator.random() < 0.35 for _ in range(3))
        normalized = generator.random() < 0.5
        token_id = pieces.index(content) if is_word_piece else next_id
        next_id += not is_word_piece
        tokens.append(AddedToken(content, token_id, normalized, a, b, c, is_word_piece))
    return tuple(tokens)


def literal_texts(count: int, seed: int, tokens: Iterable[AddedToken]) -> list[bytes]:
    """Texts of tokens side by side, nested, cut off, in other case, with what may part them."""
    generator = random.Random(seed)
    contents = [token.content for token in tokens]
    characters = HuggingFaceCharacters.load()
    marks, decomposed = list(characters.combining_orders), list(characters.decompositions)
    between = (" ", "  ", "\t", "\u00a0", "\u2003", "a", "_", "é", "漢", "\u00ad", "\u0301", ".")

    def part() -> str:
        kind = generator.random()
        if kind < 0.35:
            content = generator.choice(contents)
            if generator.random() < 0.3:
                content = content.swapcase()
            if generator.random() < 0.2:
                content = content[: generator.randint(0, len(content))]
            return content
        if kind < 0.55:
            return generator.choice(between)
        if kind < 0.65:
            return "".join(generator.choices(marks, k=generator.randint(1, 4)))
        if kind < 0.7:
            return "".join(generator.choices(decomposed, k=generator.randint(1, 4)))
        return texts.fuzzed_strings(1, generator.randrange(10**6))[0].decode()[:40]

    def line() -> bytes:
        data = bytearray("".join(part() for _ in range(generator.randint(1, 6))).encode())
        if generator.random() < 0.3:
            place = generator.randint(0, len(data))
            data[place:place] = generator.choice((b"\xff", b"\xe2\x82", b"\xed\xa0\x80", b"\xc3"))
        return bytes(data)

    return [line() for _ in range(count)]
