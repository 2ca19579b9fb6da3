"""Code points to their normalised form, in graph, and the order of combining marks."""

from typing import NamedTuple, Protocol

import tensorflow as tf

from bert.encoder.packed_tokens import index_in_row, row_of_each_value
from exporter.text.engine.code_point_table import (
    BLOCKS_REORDERING,
    FLAG_BITS,
    MULTIPLE,
    REMOVED,
    REORDERED,
    CodePointTable,
)

_LARGEST_COMBINING_CLASS = 255


class CodePoints(NamedTuple):
    """N code points of text, before they are normalised."""

    values: tf.Tensor
    """int32 [N]"""

    entries: tf.Tensor
    """int32 [N], of a CodePointTable"""


class Outputs(NamedTuple):
    """M normalised code points."""

    values: tf.Tensor
    """int32 [M]"""

    sources: tf.Tensor
    """int32 [M], the place among the N of the code point that each came from"""


class Ordering(Protocol):
    """A rule by which combining marks change places."""

    def __call__(self, code_points: CodePoints, outputs: Outputs) -> Outputs:
        """Puts the outputs of some code points, which come in the text's order, into theirs."""


class Expander(tf.Module):
    """Code points to their normalised form: none, one or several code points each."""

    def __init__(self, table: CodePointTable, ordering: Ordering | None) -> None:
        """Takes the table, and how marks are ordered, where any can move."""
        super().__init__(name="expander")
        self._table = table
        self._ordering = ordering

    def __call__(self, code_points: CodePoints) -> Outputs:
        """Expands where the text needs it; most text has one code point or none for each."""
        if not len(self._table.expansions) and self._ordering is None:
            return keep(code_points)
        return Outputs(
            *tf.cond(
                any_flag(code_points.entries, MULTIPLE | REORDERED),
                lambda: self.expand(code_points),
                lambda: keep(code_points),
            )
        )

    def expand(self, code_points: CodePoints) -> Outputs:
        """The same for text where some give several or may move.

        Example: "a½" under a table by which "½" becomes "1", "⁄", "2" gives

            values  = ["a", "1", "⁄", "2"]
            sources = [ 0,   1,   1,   1 ]
        """
        table, entries = self._table, code_points.entries
        is_multiple = tf.equal(flag(entries, MULTIPLE), 1)
        values = tf.bitwise.right_shift(entries, FLAG_BITS)
        rows = tf.where(is_multiple, values, 0)
        # A table without expansions still needs a row to gather from.
        expansions = table.expansions if len(table.expansions) else [[-1, -1, -1]]
        expansion_lengths = tf.reduce_sum(tf.cast(tf.greater_equal(expansions, 0), tf.int32), 1)
        counts = tf.where(
            is_multiple, tf.gather(expansion_lengths, rows), 1 - flag(entries, REMOVED)
        )
        splits = tf.concat([[0], tf.cumsum(counts)], axis=0)  # [N + 1]
        sources = row_of_each_value(splits)  # [M]
        columns = index_in_row(splits, sources)  # [M], 0 to 2
        expanded = tf.gather_nd(
            tf.constant(expansions, tf.int32), tf.stack([tf.gather(rows, sources), columns], axis=1)
        )
        outputs = Outputs(
            tf.where(
                tf.gather(is_multiple, sources),
                expanded,
                tf.gather(code_points.values + values, sources),
            ),
            sources,
        )
        ordering = self._ordering
        if ordering is None:
            return outputs
        return Outputs(
            *tf.cond(
                any_flag(entries, REORDERED),
                lambda: ordering(code_points, outputs),
                lambda: outputs,
            )
        )


class CanonicalOrdering(tf.Module):
    """The Unicode Standard's ordering (section 3.11) of the marks that survive."""

    def __init__(self, table: CodePointTable) -> None:
        """Takes a table with marks."""
        super().__init__(name="canonical_ordering")
        self._table = table

    def __call__(self, code_points: CodePoints, outputs: Outputs) -> Outputs:
        """Sorts each run of marks by combining class.

        Marks move only among themselves, up to the next code point of class 0. The table flags
        the marks that normalisation removes, so runs are counted on the source code points.

        Example: "x", U+1D16D (class 226), U+1D165 (class 216) becomes "x", U+1D165, U+1D16D with
        the sources `[0, 2, 1]`.
        """
        table = self._table
        last = len(table.reordered_code_points) - 1
        found = tf.minimum(tf.searchsorted(table.reordered_code_points, outputs.values), last)
        is_mark = tf.equal(tf.gather(table.reordered_code_points, found), outputs.values)
        classes = tf.where(is_mark, tf.gather(table.combining_classes, found), 0)
        blocks = flag(code_points.entries, BLOCKS_REORDERING)
        runs = tf.gather(tf.cumsum(blocks), outputs.sources)
        keys = tf.cast(runs, tf.int64) * (_LARGEST_COMBINING_CLASS + 1)
        order = tf.argsort(keys + tf.cast(classes, tf.int64), stable=True)
        return Outputs(tf.gather(outputs.values, order), tf.gather(outputs.sources, order))


def keep(code_points: CodePoints) -> Outputs:
    """The normalised form where every code point gives one or none: "A b" gives "a", "b"."""
    kept = tf.equal(tf.bitwise.bitwise_and(code_points.entries, REMOVED), 0)
    sources = tf.cast(tf.where(kept)[:, 0], tf.int32)
    outputs = code_points.values + tf.bitwise.right_shift(code_points.entries, FLAG_BITS)
    return Outputs(tf.gather(outputs, sources), sources)


def flag(entries: tf.Tensor, flag: int) -> tf.Tensor:
    """1 where the entry has the flag, else 0; int32 [N]."""
    shift = flag.bit_length() - 1
    return tf.bitwise.bitwise_and(tf.bitwise.right_shift(entries, shift), 1)


def any_flag(entries: tf.Tensor, flags: int) -> tf.Tensor:
    """Whether an entry has any of the flags; bool []."""
    return tf.reduce_any(tf.not_equal(tf.bitwise.bitwise_and(entries, flags), 0))
