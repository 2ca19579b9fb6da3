"""Reads the properties of every character from the `tokenizers` package.

Only `scripts/build_code_point_tables` runs this module, and only this module needs the
package. It states no rule of Unicode: every property comes from an answer of the package.
"""

import unicodedata
from collections.abc import Callable, Iterator

import numpy as np
import tokenizers
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

from bert.tokenizers.huggingface.characters import CODE_POINTS, CodePointSet, HuggingFaceCharacters

_LITERAL = "[X]"
# Of the least and the greatest combining class: one of the two moves a mark of any class.
_LOWEST_MARK = "\u0338"
_HIGHEST_MARK = "\u0345"


def probe_characters() -> HuggingFaceCharacters:
    """Asks about all 1,112,064 characters, which takes about half a minute."""
    clean = _bert_normalizer("clean_text")
    isolate_chinese = _bert_normalizer("handle_chinese_chars")
    strip_accents = _bert_normalizer("strip_accents")
    pre_tokenize = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    decompose = normalizers.NFD().normalize_str

    def words(character: str) -> list[str]:
        return [word for word, _ in pre_tokenize(f"a{character}b")]

    single_word = _with_literal(AddedToken(_LITERAL, normalized=False, single_word=True))
    left_stripped = _with_literal(AddedToken(_LITERAL, normalized=False, lstrip=True))
    return HuggingFaceCharacters(
        removed=_members(lambda c: clean(c) == ""),
        cleaned_to_space=_members(lambda c: clean(c) == " "),
        chinese=_members(lambda c: isolate_chinese(c) == f" {c} "),
        accents=_members(lambda c: decompose(c) == c and strip_accents(c) == ""),
        white_space=_members(lambda c: words(c) == ["a", "b"]),
        punctuation=_members(lambda c: words(c) == ["a", c, "b"]),
        word_characters=_members(lambda c: _LITERAL not in single_word.encode(c + _LITERAL).tokens),
        strippable=_members(lambda c: left_stripped.encode(c + _LITERAL).offsets[-1][0] == 0),
        decompositions=_changes(decompose),
        lower_cases=_changes(normalizers.Lowercase().normalize_str),
        combining_orders=_combining_orders(decompose),
        reference=f"tokenizers {tokenizers.__version__}",
    )


def _characters() -> Iterator[str]:
    return (chr(c) for c in range(CODE_POINTS) if not 0xD800 <= c < 0xE000)


def _bert_normalizer(step: str) -> Callable[[str], str]:
    """BERT's normalizer with one of its steps switched on."""
    steps = ("clean_text", "handle_chinese_chars", "strip_accents", "lowercase")
    normalizer = normalizers.BertNormalizer(**{name: name == step for name in steps})
    return normalizer.normalize_str


def _with_literal(token: AddedToken) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.add_tokens([token])
    return tokenizer


def _members(is_member: Callable[[str], bool]) -> CodePointSet:
    mask = np.zeros(CODE_POINTS, bool)
    mask[[ord(character) for character in _characters() if is_member(character)]] = True
    return CodePointSet.of_mask(mask)


def _changes(change: Callable[[str], str]) -> dict[str, str]:
    return {c: changed for c in _characters() if (changed := change(c)) != c}


def _combining_orders(decompose: Callable[[str], str]) -> dict[str, int]:
    """Ranks of combining classes, read from the neighbours that decomposing swaps.

    Python's own classes only choose one mark of each class to compare the others with.

    Raises:
      ValueError: a mark has a class that no chosen mark has.
    """

    def swapped(first: str, second: str) -> bool:
        return decompose(first + second) != first + second

    marks = [
        character
        for character in _characters()
        if decompose(character) == character
        and (swapped(character, _LOWEST_MARK) or swapped(_HIGHEST_MARK, character))
    ]
    chosen = {unicodedata.combining(mark): mark for mark in reversed(marks)}
    in_order = [mark for _, mark in sorted(chosen.items())]
    orders = {}
    for mark in marks:
        equal = [
            rank
            for rank, other in enumerate(in_order, start=1)
            if not swapped(mark, other) and not swapped(other, mark)
        ]
        if len(equal) != 1:
            raise ValueError(f"U+{ord(mark):04X} is of the class of {len(equal)} chosen marks")
        orders[mark] = equal[0]
    return orders
