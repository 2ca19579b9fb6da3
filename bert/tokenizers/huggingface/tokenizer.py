"""The Python reference of Hugging Face's BERT tokenizer (`tokenizers`, BertTokenizerFast).

It gives the library's ids and offsets for every text; bytes are decoded as UTF-8 with invalid
bytes dropped. It goes character by character over data that was read from the library's own
answers (`characters`), and exports are verified against it.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from bert.tokenizers.huggingface.added_tokens import (
    AddedTokenFinder,
    normalized_patterns,
    raw_patterns,
)
from bert.tokenizers.huggingface.characters import HuggingFaceCharacters
from bert.tokenizers.huggingface.settings import HuggingFaceSettings
from bert.tokenizers.vocabulary import Vocabulary
from bert.tokenizers.wordpiece import WordPiece


@dataclasses.dataclass(frozen=True)
class Character:
    """A character of normalised text, and the place of the character that it came from."""

    value: str
    source: int


@dataclasses.dataclass(frozen=True)
class Token:
    """A token and its characters in the text."""

    id: int
    start: int
    end: int


class BertNormalizer:
    """Cleans text, isolates Chinese characters, strips accents, lower-cases."""

    def __init__(self, settings: HuggingFaceSettings, characters: HuggingFaceCharacters) -> None:
        """Takes the settings, which switch each step on or off."""
        self._settings = settings
        self._characters = characters

    def normalize(self, text: str) -> str:
        """The normalised text."""
        return "".join(character.value for character in self.normalize_with_sources(text))

    def normalize_with_sources(self, text: str, first: int = 0) -> list[Character]:
        """The normalised text; `first` is the place of the first character.

        Example: "É漢" with all steps on gives the characters "e", " ", "漢", " " of the sources
        0, 1, 1, 1.
        """
        settings, known = self._settings, self._characters
        output = [Character(value, first + index) for index, value in enumerate(text)]
        if settings.clean_text:
            output = [
                Character(" ", c.source) if c.value in known.cleaned_to_space else c
                for c in output
                if c.value not in known.removed
            ]
        if settings.handle_chinese_chars:
            output = [
                Character(value, c.source)
                for c in output
                for value in (f" {c.value} " if c.value in known.chinese else c.value)
            ]
        if settings.strip_accents:
            output = [c for c in self._decompose(output) if c.value not in known.accents]
        if settings.lowercase:
            output = [
                Character(value, c.source)
                for c in output
                for value in known.lower_cases.get(c.value, c.value)
            ]
        return output

    def _decompose(self, text: Sequence[Character]) -> list[Character]:
        """Canonical decomposition, with the sources that the library reports.

        The library orders marks together with a note on each whether it is the first of its
        source, and then counts sources by these notes. So the library reports for a mark that
        has moved the source that had its new place.

        Example: "x", U+1D16D (class 226), U+1D165 (class 216) becomes "x", U+1D165, U+1D16D of
        the sources 0, 1, 2.
        """
        orders = self._characters.combining_orders
        parts = [
            (value, index == 0)
            for c in text
            for index, value in enumerate(self._characters.decompositions.get(c.value, c.value))
        ]
        start = 0
        for end in range(len(parts) + 1):
            if end == len(parts) or parts[end][0] not in orders:
                parts[start:end] = sorted(parts[start:end], key=lambda part: orders[part[0]])
                start = end + 1
        output = []
        sources = (c.source for c in text)
        source = 0
        for value, is_first in parts:
            source = next(sources) if is_first else source
            output.append(Character(value, source))
        return output


class HuggingFaceTokenizer:
    """Text to the ids of a vocabulary."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        settings: HuggingFaceSettings,
        characters: HuggingFaceCharacters,
    ) -> None:
        """Takes a vocabulary that holds the settings' special tokens.

        Raises:
          UserError: two added tokens look alike or overlap.
        """
        self.vocabulary = vocabulary
        self._settings = settings
        self._characters = characters
        self._normalizer = BertNormalizer(settings, characters)
        self._raw = AddedTokenFinder(raw_patterns(settings.added_tokens, characters), characters)
        self._normalized = AddedTokenFinder(
            normalized_patterns(settings.added_tokens, self._normalizer.normalize, characters),
            characters,
        )
        self._word_pieces = settings.word_pieces(vocabulary)
        self._word_piece = WordPiece(
            self._word_pieces, settings.max_input_chars_per_word, settings.unk_token
        )

    def tokenize(self, text: str | bytes) -> list[Token]:
        """The tokens of a text without the special ones around it."""
        if isinstance(text, bytes):
            text = text.decode("utf-8", "ignore")
        tokens: list[Token] = []
        end = 0
        for match in self._raw.find(text):
            tokens += self._tokens_between(text[end : match.start], end)
            tokens.append(Token(match.token.id, match.start, match.end))
            end = match.end
        return [*tokens, *self._tokens_between(text[end:], end)]

    def encode(
        self, text_a: str | bytes, text_b: str | bytes | None, max_seq_length: int
    ) -> tuple[list[int], list[int]]:
        """Input ids and segment ids with the special tokens, truncated, not padded.

        An empty second text keeps its [SEP]; None stands for a missing one.
        """
        settings = self._settings
        ids_a = [token.id for token in self.tokenize(text_a)]
        ids_b = [] if text_b is None else [token.id for token in self.tokenize(text_b)]
        if text_b is None:
            del ids_a[max_seq_length - 2 :]
        else:
            budget = settings.pair_form.budget(max_seq_length)
            kept_a, kept_b = kept_lengths(len(ids_a), len(ids_b), budget)
            del ids_a[kept_a:], ids_b[kept_b:]
        cls_id, sep_id = self.vocabulary.convert_tokens_to_ids(
            [settings.cls_token, settings.sep_token]
        )
        ids = [cls_id, *ids_a, sep_id]
        segment_ids = [0] * len(ids)
        if text_b is not None:
            between = [sep_id] * (settings.pair_form.separators - 1)
            ids += [*between, *ids_b, sep_id]
            segment_ids += [0] * len(between)
            segment_ids += [settings.pair_form.second_segment] * (len(ids_b) + 1)
        return ids, segment_ids

    def _tokens_between(self, text: str, first: int) -> Iterator[Token]:
        """The tokens of a text between raw tokens; `first` is the place of the text."""
        characters = self._normalizer.normalize_with_sources(text, first)
        end = 0
        for match in self._normalized.find([c.value for c in characters]):
            yield from self._word_tokens(characters[end : match.start])
            yield _token(match.token.id, characters[match.start : match.end])
            end = match.end
        yield from self._word_tokens(characters[end:])

    def _word_tokens(self, characters: Iterable[Character]) -> Iterator[Token]:
        for word in self._words(characters):
            for piece, start, end in self._word_piece.spans("".join(c.value for c in word)):
                yield _token(self._word_pieces.ids[piece], word[start:end])

    def _words(self, characters: Iterable[Character]) -> list[list[Character]]:
        words: list[list[Character]] = []
        inside_word = False
        for character in characters:
            isolated = character.value in self._characters.punctuation
            if character.value in self._characters.white_space:
                inside_word = False
                continue
            if not inside_word or isolated:
                words.append([])
            words[-1].append(character)
            inside_word = not isolated
        return words


def kept_lengths(length_a: int, length_b: int, budget: int) -> tuple[int, int]:
    """How many tokens of each text `longest_first` truncation keeps.

    Example: 9 and 8 tokens with a budget of 5 give (3, 2), and 8 and 9 tokens give (2, 3).
    """
    if length_a + length_b <= budget:
        return length_a, length_b
    shorter = min(length_a, length_b, budget // 2)
    longer = budget - shorter
    return (longer, shorter) if length_a > length_b else (shorter, longer)


def _token(token_id: int, characters: Sequence[Character]) -> Token:
    return Token(token_id, characters[0].source, characters[-1].source + 1)
