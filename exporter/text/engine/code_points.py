"""Text to normalised code points and word borders, in graph, by a CodePointTable."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from bert.encoder.packed_tokens import index_in_row, row_of_each_value
from exporter.text.engine.code_point_table import (
    BLOCKS_REORDERING,
    CAPITAL_SIGMA,
    CASE_IGNORABLE,
    CASED,
    FINAL_SIGMA,
    FLAG_BITS,
    ISOLATED,
    MULTIPLE,
    REMOVED,
    REORDERED,
    SEPARATOR,
    SMALL_SIGMA,
    CodePointTable,
)

_LARGEST_COMBINING_CLASS = 255


class NormalizedCodePoints(NamedTuple):
    """What N code points of B rows, one space before each row, turn into."""

    values: tf.Tensor
    """int32 [M], the normalised code points; no white space. Where a normalizer knows
    literal tokens, -1 - id stands for every code point of the token of that id."""

    sources: tf.Tensor
    """int32 [M], which of the N each came from"""

    word_keys: tf.Tensor
    """int32 [M], not falling; changes where a word starts"""

    source_row_splits: tf.Tensor
    """int32 [B + 1], of the N"""


class CodePointNormalizer(tf.Module):
    """Applies a CodePointTable to text."""

    def __init__(self, table: CodePointTable) -> None:
        """Takes the table of the reference tokenizer."""
        super().__init__(name="code_point_normalizer")
        self.table = table
        self._may_reorder = bool(len(table.reordered_code_points))

    def __call__(self, text: tf.Tensor) -> NormalizedCodePoints:
        """Normalises string [B]; bytes that are not UTF-8 are dropped."""
        code_points, row_splits = decode_rows(text)
        table = self.table
        entries = look_up(table.page_starts, table.entries, code_points)  # [N]
        if table.has_final_sigma:
            entries = tf.cond(
                tf.reduce_any(tf.equal(code_points, CAPITAL_SIGMA)),
                lambda: _with_final_sigmas(code_points, entries),
                lambda: entries,
            )
        values, sources, keys = self._normalize(code_points, entries, row_splits)
        return NormalizedCodePoints(values, sources, keys, row_splits)

    def _normalize(
        self, code_points: tf.Tensor, entries: tf.Tensor, row_splits: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """N code points and their entries -> values, sources and word keys, int32 [M] each."""
        del row_splits
        table = self.table
        if len(table.expansions) or len(table.reordered_code_points):
            values, sources = tf.cond(
                any_flag(entries, MULTIPLE | REORDERED),
                lambda: self._expand(code_points, entries),
                lambda: keep(code_points, entries),
            )
        else:
            values, sources = keep(code_points, entries)
        return values, sources, tf.gather(word_keys(entries), sources)

    def _expand(self, code_points: tf.Tensor, entries: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Normalised code points and their sources where some give several or may move."""
        table = self.table
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
        outputs = tf.where(
            tf.gather(is_multiple, sources), expanded, tf.gather(code_points + values, sources)
        )
        if not self._may_reorder:
            return outputs, sources
        return tf.cond(
            any_flag(entries, REORDERED),
            lambda: self._reorder(code_points, entries, outputs, sources),
            lambda: (outputs, sources),
        )

    def _reorder(
        self, code_points: tf.Tensor, entries: tf.Tensor, outputs: tf.Tensor, sources: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Canonical ordering (Unicode Standard, section 3.11) of the marks that survive.

        Marks move only among themselves, up to the next code point of class 0. Those
        that normalisation removes were flagged in the table, so runs are counted on the
        source code points.
        """
        del code_points
        table = self.table
        last = len(table.reordered_code_points) - 1
        found = tf.minimum(tf.searchsorted(table.reordered_code_points, outputs), last)
        is_mark = tf.equal(tf.gather(table.reordered_code_points, found), outputs)
        classes = tf.where(is_mark, tf.gather(table.combining_classes, found), 0)
        runs = tf.gather(tf.cumsum(flag(entries, BLOCKS_REORDERING)), sources)
        keys = tf.cast(runs, tf.int64) * (_LARGEST_COMBINING_CLASS + 1)
        order = tf.argsort(keys + tf.cast(classes, tf.int64), stable=True)
        return tf.gather(outputs, order), tf.gather(sources, order)


def decode(text: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """String [B] -> int32 [N] code points, int32 [B + 1] row splits.

    Bytes that are not UTF-8 are dropped.
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
    """The entry that a two-level table has for each code point: int32 [N] -> int32 [N]."""
    places = tf.gather(page_starts, tf.bitwise.right_shift(code_points, 8))
    places += tf.bitwise.bitwise_and(code_points, 255)
    return tf.gather(pages, places)


def keep(code_points: tf.Tensor, entries: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Values and sources, int32 [M] each, where every code point gives one or none."""
    kept = tf.equal(tf.bitwise.bitwise_and(entries, REMOVED), 0)
    sources = tf.cast(tf.where(kept)[:, 0], tf.int32)
    outputs = code_points + tf.bitwise.right_shift(entries, FLAG_BITS)
    return tf.gather(outputs, sources), sources


def word_keys(entries: tf.Tensor) -> tf.Tensor:
    """Numbers that change where a word starts: int32 [N] -> int32 [N].

    A separator starts a new word after it; an isolated mark before and after it.
    """
    separates = flag(entries, SEPARATOR)
    isolates = flag(entries, ISOLATED)
    return tf.cumsum(separates + isolates) - isolates


def final_sigmas(code_points: tf.Tensor, entries: tf.Tensor) -> tf.Tensor:
    """The capital sigmas that `str.lower` turns into final ones: int32 [N] x 2 -> int64 [F].

    Those after a cased letter and not before one, code points that the rule ignores
    left out (Unicode Standard, section 3.13, Final_Sigma).
    """
    counted = tf.where(tf.equal(flag(entries, CASE_IGNORABLE), 0))[:, 0]  # [K]
    is_cased = tf.equal(tf.gather(flag(entries, CASED), counted), 1)
    # The first code point is the space before the first row, never a sigma.
    after_cased = tf.concat([[False], is_cased], axis=0)[:-1]
    before_cased = tf.concat([is_cased, [False]], axis=0)[1:]
    is_sigma = tf.equal(tf.gather(code_points, counted), CAPITAL_SIGMA)
    return tf.boolean_mask(counted, is_sigma & after_cased & ~before_cased)


def _with_final_sigmas(code_points: tf.Tensor, entries: tf.Tensor) -> tf.Tensor:
    """The entries, int32 [N], with those of final sigmas."""
    final = final_sigmas(code_points, entries)
    shift = (FINAL_SIGMA - SMALL_SIGMA) << FLAG_BITS
    return tf.tensor_scatter_nd_add(
        entries, final[:, tf.newaxis], tf.fill(tf.shape(final), tf.constant(shift, tf.int32))
    )


def flag(entries: tf.Tensor, flag: int) -> tf.Tensor:
    """1 where the entry has the flag, else 0; int32."""
    shift = flag.bit_length() - 1
    return tf.bitwise.bitwise_and(tf.bitwise.right_shift(entries, shift), 1)


def any_flag(entries: tf.Tensor, flags: int) -> tf.Tensor:
    """Whether an entry has any of the flags; bool []."""
    return tf.reduce_any(tf.not_equal(tf.bitwise.bitwise_and(entries, flags), 0))
