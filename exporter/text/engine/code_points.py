"""Text to normalised code points and word borders, in graph, by a CodePointTable.

The steps, for every tokenizer that goes by such a table:

1. `decode_rows`: bytes to code points, a space before each row
2. `look_up`: the table's entry of each code point
3. `_with_final_sigmas`, where the table has that rule
4. the `Expander`: each code point becomes none, one or several, and an `Ordering` moves marks
5. `word_keys`: numbers that change where a word starts

A `LiteralTokens`, where there is one, runs steps 4 and 5 and takes tokens out of the text
before and after step 4.
"""

from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from exporter.text.engine.code_point_table import (
    CAPITAL_SIGMA,
    CASE_IGNORABLE,
    CASED,
    FINAL_SIGMA,
    FLAG_BITS,
    ISOLATED,
    SEPARATOR,
    SMALL_SIGMA,
    CodePointTable,
)
from exporter.text.engine.expansion import (
    CanonicalOrdering,
    CodePoints,
    Expander,
    Outputs,
    flag,
)


class NormalizedCodePoints(NamedTuple):
    """The normalised form of N code points of B rows, one space before each row."""

    values: tf.Tensor
    """int32 [M], the normalised code points; no white space. Where a normalizer knows
    literal tokens, -1 - id stands for every code point of the token of that id"""

    sources: tf.Tensor
    """int32 [M], the place among the N of the code point that each came from"""

    word_keys: tf.Tensor
    """int32 [M], not falling; changes where a word starts"""

    source_row_splits: tf.Tensor
    """int32 [B + 1], of the N"""


class KeyedOutputs(NamedTuple):
    """M normalised code points, divided into words."""

    values: tf.Tensor
    """int32 [M]"""

    sources: tf.Tensor
    """int32 [M]"""

    word_keys: tf.Tensor
    """int32 [M]"""


class LiteralTokens(Protocol):
    """Tokens that are found in the text as they are written, before it is cut into words."""

    def __call__(
        self, code_points: CodePoints, row_splits: tf.Tensor, expander: "Expander"
    ) -> KeyedOutputs:
        """Normalises code points, -1 - id in the place of every code point of a token."""


class CodePointNormalizer(tf.Module):
    """Text to normalised code points, by the steps in the module's docstring."""

    def __init__(
        self,
        table: CodePointTable,
        expander: Expander | None = None,
        literals: LiteralTokens | None = None,
    ) -> None:
        """Takes the table of the reference tokenizer.

        Args:
          table: the normalised form of each code point.
          expander: of that table; by default one with the Unicode Standard's ordering.
          literals: the tokens that are found as they are written, where there are any.
        """
        super().__init__(name="code_point_normalizer")
        self.table = table
        self.has_literals = literals is not None
        has_marks = len(table.reordered_code_points) > 0
        self._expander = expander or Expander(
            table, CanonicalOrdering(table) if has_marks else None
        )
        self._literals = literals

    def __call__(self, text: tf.Tensor) -> NormalizedCodePoints:
        """Normalises string [B]; bytes that are not UTF-8 are dropped.

        Example: the rows "Ab c" and "é!" under google-research/bert's uncased table, which
        takes the accent off, have the code points " Ab c é!" and give

            values            = ["a", "b", "c", "e", "!"]
            sources           = [ 1,   2,   4,   6,   7 ]
            word_keys         = [ 1,   1,   2,   3,   4 ]
            source_row_splits = [0, 5, 8]
        """
        values, row_splits = decode_rows(text)
        table = self.table
        entries = look_up(table.page_starts, table.entries, values)  # [N]
        if table.has_final_sigma:
            entries = tf.cond(
                tf.reduce_any(tf.equal(values, CAPITAL_SIGMA)),
                lambda: _with_final_sigmas(values, entries),
                lambda: entries,
            )
        code_points = CodePoints(values, entries)
        if self._literals is None:
            outputs = with_keys(self._expander(code_points), code_points)
        else:
            outputs = self._literals(code_points, row_splits, self._expander)
        return NormalizedCodePoints(*outputs, row_splits)


def decode(text: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """String [B] -> int32 [N] code points, int32 [B + 1] row splits.

    Bytes that are not UTF-8 are dropped: "é" and b"\\xffa" give `[0xe9, 0x61]` and `[0, 1, 2]`.
    """
    row_splits, values = tf.raw_ops.UnicodeDecode(
        input=text,
        input_encoding="UTF-8",
        errors="ignore",
        replace_control_characters=False,
        Tsplits=tf.int32,
    )
    return values, row_splits


def decode_rows(text: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The same with a space before each row.

    It makes every row border a word border, so rows need no further care.
    """
    return decode(tf.strings.join([" ", text]))


def look_up(page_starts: np.ndarray, pages: np.ndarray, code_points: tf.Tensor) -> tf.Tensor:
    """The entry that a two-level table has for each code point: int32 [N] -> int32 [N].

    Example: U+0161 is the code point 0x61 of the page that starts at `page_starts[1]`.
    """
    places = tf.gather(page_starts, tf.bitwise.right_shift(code_points, 8))
    places += tf.bitwise.bitwise_and(code_points, 255)
    return tf.gather(pages, places)


def with_keys(outputs: Outputs, code_points: CodePoints) -> KeyedOutputs:
    """Outputs with the word keys of the code points that they came from."""
    keys = tf.gather(word_keys(code_points.entries), outputs.sources)
    return KeyedOutputs(outputs.values, outputs.sources, keys)


def word_keys(entries: tf.Tensor) -> tf.Tensor:
    """Numbers that change where a word starts: int32 [N] -> int32 [N].

    A separator starts a new word after it; an isolated mark before and after it.

    Example: " it's" has the keys `[1, 1, 1, 2, 3]`: the space counts for the word behind it, and
    the apostrophe, which is SEPARATOR and ISOLATED, for itself alone.
    """
    separates = flag(entries, SEPARATOR)
    isolates = flag(entries, ISOLATED)
    return tf.cumsum(separates + isolates) - isolates


def final_sigmas(code_points: tf.Tensor, entries: tf.Tensor) -> tf.Tensor:
    """The capital sigmas that `str.lower` turns into final ones: int32 [N] x 2 -> int64 [F].

    A sigma is final after a cased letter and not before one, code points that the rule
    ignores left out (Unicode Standard, section 3.13, Final_Sigma).

    Example: " ΑΣ Σ ΑΣ.Α" gives `[2]`; the sigma that stands alone has no letter before it, and
    the last one has a letter behind it, since the rule ignores the full stop.
    """
    counted = tf.where(tf.equal(flag(entries, CASE_IGNORABLE), 0))[:, 0]  # [K]
    is_cased = tf.equal(tf.gather(flag(entries, CASED), counted), 1)
    # The first code point is the space before the first row, never a sigma.
    after_cased = tf.concat([[False], is_cased], axis=0)[:-1]
    before_cased = tf.concat([is_cased, [False]], axis=0)[1:]
    is_sigma = tf.equal(tf.gather(code_points, counted), CAPITAL_SIGMA)
    return tf.boolean_mask(counted, is_sigma & after_cased & ~before_cased)


def _with_final_sigmas(code_points: tf.Tensor, entries: tf.Tensor) -> tf.Tensor:
    """The entries, int32 [N], with the entries of final sigmas in place."""
    final = final_sigmas(code_points, entries)
    shift = (FINAL_SIGMA - SMALL_SIGMA) << FLAG_BITS
    return tf.tensor_scatter_nd_add(
        entries, final[:, tf.newaxis], tf.fill(tf.shape(final), tf.constant(shift, tf.int32))
    )
