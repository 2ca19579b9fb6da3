"""Finding added tokens inside text, by the rules of `tokenizers`' AddedVocabulary."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence

from bert.errors import UserError
from bert.tokenizers.huggingface.characters import HuggingFaceCharacters
from bert.tokenizers.huggingface.settings import AddedToken


@dataclasses.dataclass(frozen=True)
class Match:
    """A token in a text, the white space that it takes included."""

    token: AddedToken
    start: int
    end: int


class AddedTokenFinder:
    """Finds tokens in a text."""

    def __init__(
        self, patterns: Mapping[str, AddedToken], characters: HuggingFaceCharacters
    ) -> None:
        """Takes the text of every token, as `raw_patterns` or `normalized_patterns` give it."""
        self._characters = characters
        self._patterns_by_first: dict[str, list[str]] = {}
        self._patterns = patterns
        for pattern in sorted(patterns, key=len, reverse=True):
            self._patterns_by_first.setdefault(pattern[0], []).append(pattern)

    def find(self, text: Sequence[str]) -> list[Match]:
        """The tokens in a text, given as its characters; they do not overlap.

        Of patterns that start at the same place the longest is taken, and the search goes
        on behind it, even where `single_word` then rejects the token.

        Example: the patterns "ab" and "abc", of which "abc" is `rstrip`, are found in
        "xabc abab" from 1 to 5 ("abc "), from 5 to 7 and from 7 to 9.
        """
        characters = self._characters
        matches: list[Match] = []
        place, taken = 0, 0
        while place < len(text):
            pattern = self._pattern_at(text, place)
            if pattern is None:
                place += 1
                continue
            token, start, end = self._patterns[pattern], place, place + len(pattern)
            place = end
            if token.single_word and (
                (start > 0 and text[start - 1] in characters.word_characters)
                or (end < len(text) and text[end] in characters.word_characters)
            ):
                continue
            while token.lstrip and start > taken and text[start - 1] in characters.strippable:
                start -= 1
            while token.rstrip and end < len(text) and text[end] in characters.strippable:
                end += 1
            matches.append(Match(token, start, end))
            taken = end
        return matches

    def _pattern_at(self, text: Sequence[str], place: int) -> str | None:
        for pattern in self._patterns_by_first.get(text[place], ()):
            if "".join(text[place : place + len(pattern)]) == pattern:
                return pattern
        return None


def raw_patterns(
    tokens: Iterable[AddedToken], characters: HuggingFaceCharacters
) -> dict[str, AddedToken]:
    """The patterns to look for in the raw text.

    Raises:
      UserError: two tokens overlap.
    """
    patterns = {token.content: token for token in tokens if not token.normalized and token.content}
    _check(patterns, characters)
    return patterns


def normalized_patterns(
    tokens: Iterable[AddedToken],
    normalize: Callable[[str], str],
    characters: HuggingFaceCharacters,
) -> dict[str, AddedToken]:
    """The patterns to look for in the normalised text between raw tokens.

    Raises:
      UserError: two tokens look alike or overlap once they are normalised.
    """
    patterns: dict[str, AddedToken] = {}
    for token in tokens:
        if not token.normalized or not token.content:
            continue
        pattern = normalize(token.content)
        if not pattern:
            raise UserError(
                f"tokenizer.json: the added token {token.content!r} is nothing once it is "
                "normalised, and would be found everywhere: remove it, or make it `normalized: "
                "false`."
            )
        other = patterns.setdefault(pattern, token)
        if other is not token:
            raise UserError(
                f"tokenizer.json: the added tokens {other.content!r} and {token.content!r} are "
                f"both {pattern!r} once they are normalised, so either may be found: remove one."
            )
    _check(patterns, characters)
    return patterns


def _check(patterns: Mapping[str, AddedToken], characters: HuggingFaceCharacters) -> None:
    taking = [token for token in patterns.values() if token.rstrip]
    for pattern, token in patterns.items():
        if taking and pattern[0] in characters.strippable:
            raise UserError(
                f"tokenizer.json: the added token {token.content!r} starts with white space, which "
                f"{taking[0].content!r} (`rstrip: true`) takes too, so that tokens overlap: make "
                "it `rstrip: false`."
            )
