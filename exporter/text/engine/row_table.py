"""RowTable: a CodePointTable in the form that keeps rows whole.

`FastWordpieceTokenizeWithOffsets` splits text at white space and punctuation itself. Its set of
punctuation depends on its ICU release, so nothing is left to it: characters that the
reference isolates get spaces around them, and a row with a character at which some release
may cut, where the reference does not, goes by its words.
"""

import dataclasses
import unicodedata
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from exporter.text.engine.code_point_table import (
    CAPITAL_SIGMA,
    CODE_POINTS,
    FLAG_BITS,
    ISOLATED,
    LITERAL_START,
    MULTIPLE,
    REMOVED,
    REORDERED,
    SEPARATOR,
)
from exporter.text.engine.code_points import CodePointNormalizer
from exporter.text.engine.wordpiece import FastWordPiece

# Code points of the planes in daily use; all later ones share the entry behind the last.
TABLE_SIZE = 0x20000
COLUMNS = 3

SPACE = ord(" ")
# Values that are not code points; UnicodeEncode leaves them out.
NOTHING = -1
MAY_BE_FINAL_SIGMA = CODE_POINTS
NEEDS_WORDS = CODE_POINTS + 1


@dataclasses.dataclass(frozen=True)
class RowTable:
    """The output of each code point inside its row.

    Example: under google-research/bert's uncased table

        outputs["É"] = ["e", NOTHING, NOTHING]
        outputs["!"] = [" ", "!", " "]
        outputs[U+00AD] = [NOTHING, NOTHING, NOTHING]       a soft hyphen is removed
        outputs["Σ"] = ["σ", MAY_BE_FINAL_SIGMA, NOTHING]
        outputs[U+0378] = [NEEDS_WORDS, NOTHING, NOTHING]   not assigned yet
    """

    outputs: np.ndarray
    """int32 [0x20001, 3], code points, NOTHING, MAY_BE_FINAL_SIGMA and NEEDS_WORDS"""

    letters: frozenset[int]
    """the code points of which words of several characters can be made"""

    isolated: frozenset[int]
    """the code points that are words of their own"""

    @classmethod
    def build(cls, normalizer: CodePointNormalizer, stand_ins: Mapping[int, int]) -> "RowTable":
        """Lays out a normalizer's table anew.

        Args:
          normalizer: of the reference tokenizer.
          stand_ins: the replacements of normalised code points.
        """
        table = normalizer.table
        entries = table.all_entries()[:TABLE_SIZE]
        code_points = np.arange(TABLE_SIZE, dtype=np.int32)
        values = entries >> FLAG_BITS

        def has(flags: int) -> np.ndarray:
            return (entries & flags) != 0

        gives_nothing, is_multiple = has(REMOVED), has(MULTIPLE)
        gives_one = ~gives_nothing & ~is_multiple
        outputs = np.full((TABLE_SIZE + 1, COLUMNS), NOTHING, np.int32)
        rows = outputs[:-1]
        rows[gives_one, 0] = (code_points + values)[gives_one]
        rows[is_multiple] = table.expansions[values[is_multiple]]
        # UTF-8 has no surrogates.
        rows[0xD800:0xE000] = NOTHING
        _substitute(rows, stand_ins)

        is_isolated = has(ISOLATED)
        given = np.unique(rows[~is_isolated])
        given = given[given >= 0]
        cut = given[_may_be_cut(given)]
        needs_words = np.isin(rows, cut).any(axis=1) & ~is_isolated
        needs_words |= has(REORDERED | (LITERAL_START if normalizer.has_literals else 0))
        needs_words |= is_isolated & ~gives_one

        isolated = np.unique(rows[is_isolated & gives_one, 0])
        rows[is_isolated, 1] = rows[is_isolated, 0]
        rows[is_isolated, 0] = rows[is_isolated, 2] = SPACE
        rows[has(SEPARATOR) & ~is_isolated, 0] = SPACE
        if table.has_final_sigma:
            rows[CAPITAL_SIGMA, 1] = MAY_BE_FINAL_SIGMA
        rows[needs_words] = NEEDS_WORDS, NOTHING, NOTHING
        outputs[-1, 0] = NEEDS_WORDS
        letters = frozenset(given.tolist()) - frozenset(cut.tolist())
        return cls(outputs, letters, frozenset(isolated.tolist()))


def _substitute(rows: np.ndarray, stand_ins: Mapping[int, int]) -> None:
    for code_point, stand_in in stand_ins.items():
        rows[rows == code_point] = stand_in


def _may_be_cut(code_points: np.ndarray) -> np.ndarray:
    """Whether the op of some release may cut a word at each code point; bool [K].

    Code points that Unicode has not assigned yet may become punctuation.
    """
    word_piece = FastWordPiece(["?", "a", "b"], "?", 100, splits_text=True)
    characters = list(map(chr, code_points.tolist()))
    probes = [f"a{character}b" for character in characters]
    ids, _, _ = word_piece.tokenize_with_offsets(tf.constant(probes, tf.string))
    splits = np.asarray(ids.row_splits)
    is_cut = splits[1:] - splits[:-1] != 1
    categories = map(unicodedata.category, characters)
    return is_cut | np.array([c == "Cn" or c[0] in "PZ" for c in categories], bool)
