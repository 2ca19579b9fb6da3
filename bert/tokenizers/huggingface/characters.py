"""The properties of every character in Hugging Face's `tokenizers`, read from its own answers.

The data ships with the package (`data/characters.npz`, made by
`scripts/build_code_point_tables`), so an export of that library's models does not need it.
"""

import bisect
import dataclasses
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

CODE_POINTS = 0x110000
FILE_NAME = "characters.npz"


class CodePointSet:
    """A set of characters, kept as the borders between its outside and its inside.

    Example: the digits "0" to "9" are the borders `[48, 58]`.
    """

    def __init__(self, borders: Iterable[int]) -> None:
        """Takes the first code point inside, the next one outside, the next one inside, ..."""
        self.borders = list(borders)

    @classmethod
    def of_mask(cls, mask: np.ndarray) -> "CodePointSet":
        """The code points where `mask`, bool [0x110000], is true."""
        outside = np.array([False])
        return cls(np.flatnonzero(np.diff(np.concatenate([outside, mask, outside]))).tolist())

    def __contains__(self, character: str) -> bool:
        """Whether a character is inside."""
        return bisect.bisect_right(self.borders, ord(character)) % 2 == 1

    def mask(self) -> np.ndarray:
        """Bool [0x110000], whether each code point is inside."""
        inside = np.zeros(CODE_POINTS, bool)
        for first, end in zip(self.borders[::2], self.borders[1::2], strict=True):
            inside[first:end] = True
        return inside


@dataclasses.dataclass(frozen=True)
class HuggingFaceCharacters:
    """The properties that BERT's normalizer and pre-tokenizer use."""

    removed: CodePointSet
    """by `clean_text`"""

    cleaned_to_space: CodePointSet
    """by `clean_text`"""

    chinese: CodePointSet
    """spaces are put around them by `handle_chinese_chars`"""

    accents: CodePointSet
    """removed by `strip_accents` once text is decomposed"""

    white_space: CodePointSet
    """separate words"""

    punctuation: CodePointSet
    """words of their own"""

    word_characters: CodePointSet
    """may not stand next to an added token of `single_word`"""

    strippable: CodePointSet
    """belong to an added token of `lstrip` or `rstrip` next to them"""

    decompositions: Mapping[str, str]
    """in full and canonically ordered, for `strip_accents`; up to four characters"""

    lower_cases: Mapping[str, str]
    """for `lowercase`; up to two characters"""

    combining_orders: Mapping[str, int]
    """1, 2, ... by canonical combining class; characters of class 0 are left out"""

    reference: str
    """the release that answered, such as `tokenizers 0.23.3`"""

    @classmethod
    def load(cls) -> "HuggingFaceCharacters":
        """Reads the data that ships with the package."""
        file = resources.files("bert.tokenizers.huggingface") / "data" / FILE_NAME
        with resources.as_file(file) as path, np.load(path) as arrays:
            fields: dict[str, Any] = {name: CodePointSet(arrays[name].tolist()) for name in SETS}
            fields |= {name: _mapping(arrays[name]) for name in MAPPINGS}
            marks = {chr(c): order for c, order in arrays["marks"].T.tolist()}
            return cls(**fields, combining_orders=marks, reference=str(arrays["reference"]))

    def save(self, file: Path) -> None:
        """Writes the file that `load` reads."""
        np.savez_compressed(
            file,
            **{name: np.array(getattr(self, name).borders, np.int32) for name in SETS},
            **{name: _columns(getattr(self, name)) for name in MAPPINGS},
            marks=np.array([[*map(ord, self.combining_orders)], [*self.combining_orders.values()]]),
            reference=np.array(self.reference),
        )


SETS = tuple(
    field.name for field in dataclasses.fields(HuggingFaceCharacters) if field.type is CodePointSet
)
MAPPINGS = ("decompositions", "lower_cases")


def _columns(mapping: Mapping[str, str]) -> np.ndarray:
    """Int32 [1 + longest, characters]: the characters, then their outputs, -1 after the last.

    Neighbours are stored as differences, which compress to a fifth.

    Example: {"A": "a", "C": "cd"} has the columns `[[65, 67], [97, 99], [-1, 100]]`, stored as
    `[[65, 2], [97, 2], [-1, 101]]`.
    """
    longest = max(map(len, mapping.values()))
    rows = [
        [ord(character), *map(ord, output), *[-1] * (longest - len(output))]
        for character, output in sorted(mapping.items())
    ]
    return np.diff(np.array(rows, np.int32).T, prepend=0)


def _mapping(columns: np.ndarray) -> dict[str, str]:
    characters, *outputs = np.cumsum(columns, axis=1).tolist()
    return {
        chr(character): "".join(chr(part) for part in output if part >= 0)
        for character, *output in zip(characters, *outputs, strict=True)
    }
