"""Text to normalised code points with literal tokens among them, as Hugging Face has it."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from bert.encoder.packed_tokens import index_in_row, row_of_each_value
from bert.tokenizers.huggingface.added_tokens import normalized_patterns, raw_patterns
from bert.tokenizers.huggingface.characters import CODE_POINTS, HuggingFaceCharacters
from bert.tokenizers.huggingface.settings import AddedToken, HuggingFaceSettings
from bert.tokenizers.huggingface.tokenizer import BertNormalizer
from exporter.text.engine.code_point_table import (
    FLAG_BITS,
    ISOLATED,
    LITERAL_START,
    MULTIPLE,
    REMOVED,
    REORDERED,
    SEPARATOR,
    CodePointTable,
)
from exporter.text.engine.code_points import CodePointNormalizer, any_flag, flag, keep, word_keys
from exporter.text.huggingface.literals import BORDER, LiteralFinder, is_in
from exporter.text.huggingface.ordering import AlignedOrdering
from exporter.text.huggingface.table import build_table

_SPACE = ord(" ")
# What the code points of a literal token are taken for where marks are ordered.
_LETTER = ord("x")

# Values, sources and word keys, int32 [M] each.
_Normalized = tuple[tf.Tensor, tf.Tensor, tf.Tensor]


class HuggingFaceNormalizer(CodePointNormalizer):
    """Takes tokens out of the raw text, normalises the rest, takes tokens out of that."""

    def __init__(self, settings: HuggingFaceSettings, characters: HuggingFaceCharacters) -> None:
        """Builds the tables.

        Raises:
          UserError: added tokens cannot be told apart.
        """
        normalize = BertNormalizer(settings, characters).normalize
        raw = raw_patterns(settings.added_tokens, characters)
        normalized = normalized_patterns(settings.added_tokens, normalize, characters)
        self._chinese = characters.chinese if settings.handle_chinese_chars else None
        table = build_table(settings, characters)
        super().__init__(self._with_literal_starts(table, raw, normalized))
        self._raw = LiteralFinder(raw, characters) if raw else None
        self._in_normalized = LiteralFinder(normalized, characters) if normalized else None
        self._may_reorder = settings.strip_accents
        self._ordering = AlignedOrdering(settings, characters)

    def _with_literal_starts(
        self,
        table: CodePointTable,
        raw: Mapping[str, AddedToken],
        normalized: Mapping[str, AddedToken],
    ) -> CodePointTable:
        """Flags every code point that a token can start with, there or once normalised."""
        entries = table.all_entries()
        values, code_points = entries >> FLAG_BITS, np.arange(CODE_POINTS)
        firsts = [ord(pattern[0]) for pattern in normalized]
        is_multiple = (entries & MULTIPLE) != 0
        row_has_first = np.isin(table.expansions, firsts).any(axis=1)
        starts = np.isin(code_points + values, firsts) & ~is_multiple
        starts[is_multiple] = row_has_first[values[is_multiple]]
        if self._chinese is not None and _SPACE in firsts:
            starts |= self._chinese.mask()
        starts[[ord(pattern[0]) for pattern in raw]] = True
        return table.with_entries(np.where(starts, entries | LITERAL_START, entries))

    def _normalize(
        self, code_points: tf.Tensor, entries: tf.Tensor, row_splits: tf.Tensor
    ) -> _Normalized:
        return tf.cond(
            any_flag(entries, MULTIPLE | REORDERED | LITERAL_START),
            lambda: self._normalize_any(code_points, entries, row_splits),
            lambda: _with_keys(keep(code_points, entries), entries),
        )

    def _reorder(
        self, code_points: tf.Tensor, entries: tf.Tensor, outputs: tf.Tensor, sources: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Canonical ordering of the marks that survive."""
        del sources
        return self._ordering(code_points, entries, outputs)

    def _normalize_any(
        self, code_points: tf.Tensor, entries: tf.Tensor, row_splits: tf.Tensor
    ) -> _Normalized:
        """The same for text that may hold tokens, expansions and marks that move."""
        # Nothing is found across the border of two rows, where a space was put.
        borders = row_splits[:-1]
        may_have_literals = any_flag(entries, LITERAL_START)
        code_points, entries = tf.cond(
            may_have_literals,
            lambda: self._take_out_raw(code_points, entries, borders),
            lambda: (code_points, entries),
        )
        values, sources = self._expand(code_points, entries)
        finder = self._in_normalized
        if finder is None:
            return _with_keys((values, sources), entries)
        return tf.cond(
            may_have_literals,
            lambda: self._take_out_normalized(
                finder, code_points, entries, borders, values, sources
            ),
            lambda: _with_keys((values, sources), entries),
        )

    def _take_out_raw(
        self, code_points: tf.Tensor, entries: tf.Tensor, borders: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Code points and entries, int32 [N] each, with tokens of the raw text in place.

        Where tokens are looked for in the normalised text too, white space is kept for it.
        """
        if self._raw is not None:
            stream = _with_borders(code_points, borders)
            literal = self._raw(stream).at(tf.size(stream))
            code_points = tf.where(literal.is_covered, _LETTER, code_points)
            literal_entries = (literal.value - _LETTER) * (1 << FLAG_BITS)
            literal_entries += tf.cast(literal.is_first, tf.int32) * SEPARATOR
            literal_entries += tf.cast(literal.is_last, tf.int32) * ISOLATED
            entries = tf.where(literal.is_covered, literal_entries, entries)
        if self._in_normalized is not None:
            entries -= REMOVED * _is_white(entries) * flag(entries, REMOVED)
        return code_points, entries

    def _take_out_normalized(
        self,
        finder: LiteralFinder,
        code_points: tf.Tensor,
        entries: tf.Tensor,
        borders: tf.Tensor,
        values: tf.Tensor,
        sources: tf.Tensor,
    ) -> _Normalized:
        """Values, sources and word keys with tokens of the normalised text in place.

        Tokens may hold white space, so it is dropped only after they were looked for.
        """
        is_dropped = tf.equal(tf.gather(_is_white(entries), sources), 1) & (values >= 0)
        if self._chinese is not None:
            # One space before and one behind.
            is_chinese = tf.gather(is_in(self._chinese, code_points), sources)
            splits = tf.cumsum(1 + 2 * tf.cast(is_chinese, tf.int32))
            splits = tf.concat([[0], splits], axis=0)
            origins = row_of_each_value(splits)
            is_space = tf.gather(is_chinese, origins) & tf.not_equal(
                index_in_row(splits, origins), 1
            )
            values = tf.where(is_space, _SPACE, tf.gather(values, origins))
            sources = tf.gather(sources, origins)
            is_dropped = tf.gather(is_dropped, origins) | is_space
        is_border = tf.equal(tf.gather(_with_borders(code_points, borders), sources), BORDER)
        stream = tf.where(is_border, BORDER, values)
        literal = finder(stream).at(tf.size(stream))
        values = tf.where(literal.is_covered, literal.value, values)
        # Punctuation inside a token does not cut it.
        keys = tf.gather(word_keys(entries), sources)
        starts_word = tf.not_equal(keys, tf.concat([[-1], keys], axis=0)[:-1])
        starts_word = literal.is_first | (starts_word & ~literal.is_covered)
        follows_literal = tf.concat([[False], literal.is_last], axis=0)[:-1]
        keys = tf.cumsum(tf.cast(starts_word | follows_literal, tf.int32))
        is_kept = literal.is_covered | ~is_dropped
        return tuple(tf.boolean_mask(x, is_kept) for x in (values, sources, keys))


def _is_white(entries: tf.Tensor) -> tf.Tensor:
    """1 for white space, and for the first code point of a literal token; else 0."""
    return flag(entries, SEPARATOR) * (1 - flag(entries, ISOLATED))


def _with_borders(code_points: tf.Tensor, borders: tf.Tensor) -> tf.Tensor:
    return tf.tensor_scatter_nd_update(
        code_points, borders[:, tf.newaxis], tf.fill(tf.shape(borders), BORDER)
    )


def _with_keys(outputs: tuple[tf.Tensor, tf.Tensor], entries: tf.Tensor) -> _Normalized:
    values, sources = outputs
    return values, sources, tf.gather(word_keys(entries), sources)
