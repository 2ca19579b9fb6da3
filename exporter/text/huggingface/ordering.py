"""Canonical ordering as Hugging Face's library does it, with the sources that it reports."""

import numpy as np
import tensorflow as tf

from bert.tokenizers.huggingface.characters import CODE_POINTS, HuggingFaceCharacters
from bert.tokenizers.huggingface.settings import HuggingFaceSettings
from exporter.text.engine.code_point_table import ISOLATED, REMOVED, SEPARATOR, into_pages
from exporter.text.engine.code_points import look_up
from exporter.text.engine.expansion import CodePoints, Outputs, flag

# The parts that a character decomposes into take four bytes, from the lowest on. A byte is 0
# where there is no further part, else 1 + 2 * combining order + (1 if normalising keeps the
# part). Example: "é", in a table where U+0301 has the order 50 and is stripped, has the parts
# 2 ("e": order 0, kept) and 101 (U+0301), together 101 << 8 | 2.
_PARTS = 4
_BITS = 8
_ORDERS = 1 << (_BITS - 1)
_STARTER = 1
_KEPT_STARTER = 2


class AlignedOrdering(tf.Module):
    """Orders marks while the accents that are stripped later are still there.

    The library orders marks together with a note on each whether it is the first of its
    source, and then counts sources by these notes. So the library reports for a mark that
    has moved the source that had its new place, and stripped accents count.
    """

    def __init__(self, settings: HuggingFaceSettings, characters: HuggingFaceCharacters) -> None:
        """Takes a normalizer that strips accents."""
        super().__init__(name="aligned_ordering")
        self._page_starts, self._pages = into_pages(_all_parts(settings, characters))

    def __call__(self, code_points: CodePoints, outputs: Outputs) -> Outputs:
        """Puts the M outputs of N code points into their order, with the reported sources.

        White space without REMOVED counts as kept. The sources of `outputs` do not matter.

        Example: "x", U+1D16D (class 226), U+1D165 (class 216) becomes "x", U+1D165, U+1D16D; the
        sources stay `[0, 1, 2]`, though both marks have moved.
        """
        entries = code_points.entries
        parts = look_up(self._page_starts, self._pages, code_points.values)  # [N]
        is_white = flag(entries, SEPARATOR) * (1 - flag(entries, ISOLATED))
        white = _STARTER + (_KEPT_STARTER - _STARTER) * (1 - flag(entries, REMOVED))
        parts = tf.where(tf.equal(is_white, 1), white, parts)
        shifts = tf.constant([part * _BITS for part in range(_PARTS)])
        shifted = tf.bitwise.right_shift(parts[:, tf.newaxis], shifts)
        by_column = tf.bitwise.bitwise_and(shifted, (1 << _BITS) - 1)  # [N, 4]
        places = tf.where(by_column > 0)  # [F, 2], of all parts in the text's order
        notes = tf.gather_nd(by_column, places) - 1  # [F]
        is_kept = tf.bitwise.bitwise_and(notes, 1)
        orders = tf.bitwise.right_shift(notes, 1)
        # A part of order 0 ends the run of marks before it.
        runs = tf.cumsum(tf.cast(tf.equal(orders, 0), tf.int64))
        moved = tf.argsort(runs * _ORDERS + tf.cast(orders, tf.int64), stable=True)  # [F]

        is_first = tf.cast(tf.equal(tf.gather(places[:, 1], moved), 0), tf.int32)
        present = tf.where(by_column[:, 0] > 0)[:, 0]  # the code points that have a part
        sources = tf.gather(tf.cast(present, tf.int32), tf.cumsum(is_first) - 1)  # [F]
        kept_places = tf.where(tf.equal(tf.gather(is_kept, moved), 1))[:, 0]  # [M]
        output_of_part = tf.cumsum(is_kept) - 1  # [F]
        kept = tf.gather(output_of_part, tf.gather(moved, kept_places))
        return Outputs(tf.gather(outputs.values, kept), tf.gather(sources, kept_places))


def _all_parts(settings: HuggingFaceSettings, characters: HuggingFaceCharacters) -> np.ndarray:
    """Int32 [0x110000], the parts of every code point."""
    parts = np.full(CODE_POINTS, _KEPT_STARTER, np.int32)
    parts[characters.accents.mask()] = _STARTER
    for mark, order in characters.combining_orders.items():
        parts[ord(mark)] = _part(mark, order, characters)
    for character, decomposition in characters.decompositions.items():
        notes = [
            _part(part, characters.combining_orders.get(part, 0), characters)
            for part in decomposition
        ]
        parts[ord(character)] = sum(note << (_BITS * place) for place, note in enumerate(notes))
    if settings.clean_text:
        parts[characters.removed.mask()] = 0
    return parts


def _part(part: str, order: int, characters: HuggingFaceCharacters) -> int:
    return 1 + 2 * order + (part not in characters.accents)
