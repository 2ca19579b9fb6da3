"""CodePointTable: the normalised form of every code point.

The table is made by running a reference tokenizer's own code on each code point. So no rule
of Unicode is written a second time, and the table fixes the reference's Unicode version.
"""

import dataclasses
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

CODE_POINTS = 0x110000
PAGE_SIZE = 256

# An entry is `value << FLAG_BITS | flags`. The value is added to the code point, or, under
# MULTIPLE, names a row of `expansions`. Example, the flags from REORDERED on left aside: in an
# uncased table "A" has the entry 32 << 8, which leads to "a", "!" has SEPARATOR | ISOLATED, and
# a space REMOVED | SEPARATOR.
FLAG_BITS = 8
REMOVED = 1  # gives no output
SEPARATOR = 2  # ends the word before it
ISOLATED = 4  # a word of its own: ends the word before it and starts another after it
MULTIPLE = 8  # gives two or three code points
REORDERED = 16  # gives a mark that canonical ordering may move
BLOCKS_REORDERING = 32  # holds a code point that canonical ordering moves nothing across
CASED = 64  # for the final-sigma rule: a letter with case
CASE_IGNORABLE = 128  # for the final-sigma rule: skipped
# A tokenizer that looks for literal tokens has no final-sigma rule, so the bits are free.
LITERAL_START = 64  # gives a code point that a literal token may start with

CAPITAL_SIGMA = 0x3A3
SMALL_SIGMA = 0x3C3
FINAL_SIGMA = 0x3C2


@dataclasses.dataclass(frozen=True)
class CodePointTable:
    """A two-level table: the entry of c is `entries[page_starts[c >> 8] + (c & 255)]`."""

    page_starts: np.ndarray
    """int32 [4352]"""

    entries: np.ndarray
    """int32 [pages * 256]"""

    expansions: np.ndarray
    """int32 [rows, 3], code points; -1 where there are fewer than three"""

    reordered_code_points: np.ndarray
    """int32 [marks], the surviving code points with a combining class, sorted"""

    combining_classes: np.ndarray
    """int32 [marks], of `reordered_code_points`"""

    has_final_sigma: bool
    """whether a capital sigma at the end of a word becomes a final one"""

    unicode_version: str
    """of the reference, such as 14.0.0"""

    @classmethod
    def build(
        cls,
        tokenize: Callable[[str], list[str]],
        combining: Callable[[str], int] | None,
        unicode_version: str,
    ) -> "CodePointTable":
        """Runs `tokenize`, a reference's text -> words, on every code point.

        `combining` gives the canonical combining class where the reference decomposes
        text, and is None where it does not.

        Raises:
          ValueError: no table can hold the reference's treatment of a code point.
        """
        entries = np.zeros(CODE_POINTS, np.int32)
        expansions: dict[tuple[int, ...], int] = {}
        reordered: dict[int, int] = {}
        has_final_sigma = tokenize("aΣ") == ["aς"]
        for code_point in range(CODE_POINTS):
            character = chr(code_point)
            output, flags = _probe(tokenize, character)
            value = 0
            if len(output) == 1:
                value = output[0] - code_point
            elif output:
                flags |= MULTIPLE
                value = expansions.setdefault(output, len(expansions))
            if combining is not None:
                for mark in output:
                    if combining(chr(mark)):
                        reordered[mark] = combining(chr(mark))
                        flags |= REORDERED
                gives_nothing = not output and not flags & SEPARATOR
                if _blocks_reordering(character, gives_nothing, combining):
                    flags |= BLOCKS_REORDERING
            if has_final_sigma:
                flags |= _case_class(tokenize, character)
            entries[code_point] = value << FLAG_BITS | flags
        page_starts, pages = into_pages(entries)
        marks = sorted(reordered)
        return cls(
            page_starts=page_starts,
            entries=pages,
            expansions=expansion_rows(expansions),
            reordered_code_points=np.array(marks, np.int32),
            combining_classes=np.array([reordered[mark] for mark in marks], np.int32),
            has_final_sigma=has_final_sigma,
            unicode_version=unicode_version,
        )

    def all_entries(self) -> np.ndarray:
        """Int32 [0x110000], the entry of every code point."""
        return self.entries.reshape(-1, PAGE_SIZE)[self.page_starts // PAGE_SIZE].reshape(-1)

    def outputs(self) -> np.ndarray:
        """Int32, the code points that text can turn into, sorted."""
        entries = self.all_entries()
        gives_one = (entries & (REMOVED | MULTIPLE)) == 0
        single = (np.arange(CODE_POINTS, dtype=np.int32) + (entries >> FLAG_BITS))[gives_one]
        several = self.expansions[self.expansions >= 0]
        finals = [FINAL_SIGMA] if self.has_final_sigma else []
        return np.unique(np.concatenate([single, several, np.array(finals, np.int32)]))

    def with_entries(self, entries: np.ndarray) -> "CodePointTable":
        """The table with other entries, int32 [0x110000], that point into the same rows."""
        page_starts, pages = into_pages(entries)
        return dataclasses.replace(self, page_starts=page_starts, entries=pages)

    def save(self, file: Path) -> None:
        """Writes the table as a compressed .npz."""
        np.savez_compressed(file, **dataclasses.asdict(self))

    @classmethod
    def load(cls, file: Path) -> "CodePointTable":
        """Reads a table that `save` wrote."""
        with np.load(file) as arrays:
            fields = {name: arrays[name] for name in arrays.files}
        fields["has_final_sigma"] = bool(fields["has_final_sigma"])
        fields["unicode_version"] = str(fields["unicode_version"])
        return cls(**fields)


def into_pages(entries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Divides int32 [0x110000] into pages of 256, equal pages stored once.

    Example: entries of 0 up to U+01FF, 1 up to U+03FF, 2 up to U+05FF and so on have the page
    starts `[0, 0, 256, 256, 512, ...]` and half as many pages as code points.

    Returns:
      int32 [4352], the start of the page of each `c >> 8`; int32 [pages * 256].
    """
    pages, page_of = np.unique(entries.reshape(-1, PAGE_SIZE), axis=0, return_inverse=True)
    return (page_of.reshape(-1) * PAGE_SIZE).astype(np.int32), pages.reshape(-1)


def expansion_rows(expansions: Iterable[Sequence[int]]) -> np.ndarray:
    """Outputs of two or three code points each as int32 [rows, 3].

    Example: "fi" and "1⁄2" become `[[102, 105, -1], [49, 8260, 50]]`.
    """
    return np.array([(*output, -1)[:3] for output in expansions], np.int32).reshape(-1, 3)


def _probe(tokenize: Callable[[str], list[str]], character: str) -> tuple[tuple[int, ...], int]:
    """The code points that a character gives inside a word, and how it cuts the word."""
    words = tokenize(f"a{character}b")
    if len(words) == 1 and words[0][0] == "a" and words[0][-1] == "b":
        output, flags = words[0][1:-1], 0
        if not output:
            flags = REMOVED
    elif words == ["a", "b"]:
        output, flags = "", REMOVED | SEPARATOR
    elif len(words) == 3 and words[0] == "a" and words[2] == "b":
        output, flags = words[1], SEPARATOR | ISOLATED
    else:
        raise ValueError(f"U+{ord(character):04X} turns 'a?b' into {words}")
    if len(output) > 3:
        raise ValueError(f"U+{ord(character):04X} becomes {len(output)} code points")
    return tuple(map(ord, output)), flags


def _blocks_reordering(
    character: str, gives_nothing: bool, combining: Callable[[str], int]
) -> bool:
    """Whether the character's decomposition stops marks from moving across it.

    Accents take part in the ordering and are removed after it. Other code points that give
    nothing are removed before it and block nothing.
    """
    if gives_nothing and unicodedata.category(character) != "Mn":
        return False
    return any(not combining(part) for part in unicodedata.normalize("NFD", character))


def _case_class(tokenize: Callable[[str], list[str]], character: str) -> int:
    """The character's class in the final-sigma rule, read from the sigmas next to it."""

    def makes_final(text: str) -> bool:
        words = tokenize(text)
        return bool(words) and words[-1].endswith("ς")

    if makes_final(character + "Σ"):
        return CASED
    if makes_final(f"a{character}Σ"):
        return CASE_IGNORABLE
    return 0
