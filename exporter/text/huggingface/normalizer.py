"""The normalizer of Hugging Face's BERT tokenizer, with its added tokens, in graph."""

from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from bert.encoder.packed_tokens import index_in_row, row_of_each_value
from bert.tokenizers.huggingface.added_tokens import normalized_patterns, raw_patterns
from bert.tokenizers.huggingface.characters import CODE_POINTS, CodePointSet, HuggingFaceCharacters
from bert.tokenizers.huggingface.settings import HuggingFaceSettings
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
from exporter.text.engine.code_points import CodePointNormalizer, KeyedOutputs, with_keys, word_keys
from exporter.text.engine.expansion import CodePoints, Expander, Outputs, any_flag, flag, keep
from exporter.text.huggingface.literals import BORDER, LiteralFinder, SpanAtPlace, is_in
from exporter.text.huggingface.ordering import AlignedOrdering
from exporter.text.huggingface.table import build_table

_SPACE = ord(" ")
# Stands for every code point of a literal token where marks are ordered.
_LETTER = ord("x")


def build_normalizer(
    settings: HuggingFaceSettings, characters: HuggingFaceCharacters
) -> CodePointNormalizer:
    """Builds the tables of a normalizer, and the tries of its added tokens.

    Raises:
      UserError: two added tokens look alike or overlap.
    """
    normalize = BertNormalizer(settings, characters).normalize
    raw = raw_patterns(settings.added_tokens, characters)
    normalized = normalized_patterns(settings.added_tokens, normalize, characters)
    chinese = characters.chinese if settings.handle_chinese_chars else None
    table = _with_literal_starts(build_table(settings, characters), raw, normalized, chinese)
    return CodePointNormalizer(
        table,
        Expander(table, AlignedOrdering(settings, characters) if settings.strip_accents else None),
        AddedTokens(
            LiteralFinder(raw, characters) if raw else None,
            LiteralFinder(normalized, characters) if normalized else None,
            chinese,
        ),
    )


class AddedTokens(tf.Module):
    """Takes tokens out of the raw text, has the rest normalised, takes tokens out of that."""

    def __init__(
        self,
        in_raw: LiteralFinder | None,
        in_normalized: LiteralFinder | None,
        chinese: CodePointSet | None,
    ) -> None:
        """Takes the finders; `chinese` are the characters that get spaces around them."""
        super().__init__(name="added_tokens")
        self._in_raw = in_raw
        self._in_normalized = in_normalized
        self._chinese = chinese

    def __call__(
        self, code_points: CodePoints, row_splits: tf.Tensor, expander: Expander
    ) -> KeyedOutputs:
        """Normalises N code points; most text neither holds tokens nor expands.

        Example: "a [MASK]b", with [MASK] as the added token 103, gives

            values    = ["a", -104, -104, -104, -104, -104, -104, "b"]
            sources   = [ 1,    3,    4,    5,    6,    7,    8,   9 ]
            word_keys = [ 1,    3,    3,    3,    3,    3,    3,   4 ]
        """
        return KeyedOutputs(
            *tf.cond(
                any_flag(code_points.entries, MULTIPLE | REORDERED | LITERAL_START),
                lambda: self._normalize_any(code_points, row_splits, expander),
                lambda: with_keys(keep(code_points), code_points),
            )
        )

    def _normalize_any(
        self, code_points: CodePoints, row_splits: tf.Tensor, expander: Expander
    ) -> KeyedOutputs:
        """The same for text that may hold tokens, expansions and marks that move."""
        # No token crosses the border of two rows, where `decode_rows` has put a space.
        borders = row_splits[:-1]
        may_have_literals = any_flag(code_points.entries, LITERAL_START)
        code_points = CodePoints(
            *tf.cond(
                may_have_literals,
                lambda: self._take_out_raw(code_points, borders),
                lambda: code_points,
            )
        )
        outputs = expander.expand(code_points)
        finder = self._in_normalized
        if finder is None:
            return with_keys(outputs, code_points)
        return KeyedOutputs(
            *tf.cond(
                may_have_literals,
                lambda: self._take_out_normalized(finder, code_points, borders, outputs),
                lambda: with_keys(outputs, code_points),
            )
        )

    def _take_out_raw(self, code_points: CodePoints, borders: tf.Tensor) -> CodePoints:
        """The N code points with tokens of the raw text in place.

        Where tokens are looked for in the normalised text too, white space is kept for it.
        """
        values, entries = code_points
        if self._in_raw is not None:
            stream = _with_borders(values, borders)
            literal = self._in_raw(stream).at(tf.size(stream))
            values = tf.where(literal.is_covered, _LETTER, values)
            entries = tf.where(literal.is_covered, _literal_entries(literal), entries)
        if self._in_normalized is not None:
            entries = _with_white_space_kept(entries)
        return CodePoints(values, entries)

    def _take_out_normalized(
        self,
        finder: LiteralFinder,
        code_points: CodePoints,
        borders: tf.Tensor,
        outputs: Outputs,
    ) -> KeyedOutputs:
        """The M outputs with tokens of the normalised text in place.

        Tokens may hold white space, so white space is dropped after the search.
        """
        values, sources = outputs
        entries = code_points.entries
        is_dropped = tf.equal(tf.gather(_is_white(entries), sources), 1) & (values >= 0)
        if self._chinese is not None:
            is_chinese = tf.gather(is_in(self._chinese, code_points.values), sources)
            origins, is_space = _spaces_around(is_chinese)
            values = tf.where(is_space, _SPACE, tf.gather(values, origins))
            sources = tf.gather(sources, origins)
            is_dropped = tf.gather(is_dropped, origins) | is_space
        stream_borders = tf.equal(_with_borders(code_points.values, borders), BORDER)
        stream = tf.where(tf.gather(stream_borders, sources), BORDER, values)
        literal = finder(stream).at(tf.size(stream))
        values = tf.where(literal.is_covered, literal.value, values)
        # Punctuation inside a token does not cut it.
        keys = tf.gather(word_keys(entries), sources)
        starts_word = tf.not_equal(keys, tf.concat([[-1], keys], axis=0)[:-1])
        starts_word = literal.is_first | (starts_word & ~literal.is_covered)
        follows_literal = tf.concat([[False], literal.is_last], axis=0)[:-1]
        keys = tf.cumsum(tf.cast(starts_word | follows_literal, tf.int32))
        is_kept = literal.is_covered | ~is_dropped
        return KeyedOutputs(*(tf.boolean_mask(x, is_kept) for x in (values, sources, keys)))


def _with_literal_starts(
    table: CodePointTable,
    raw: Iterable[str],
    normalized: Iterable[str],
    chinese: CodePointSet | None,
) -> CodePointTable:
    """Flags every code point that a token can start with, there or once normalised.

    Example: for the raw token "[CLS]" and the normalised one "é" it flags "[", and "é" and
    "É", which an uncased table that keeps accents turns into "é".
    """
    entries = table.all_entries()
    values, code_points = entries >> FLAG_BITS, np.arange(CODE_POINTS)
    firsts = [ord(pattern[0]) for pattern in normalized]
    is_multiple = (entries & MULTIPLE) != 0
    row_has_first = np.isin(table.expansions, firsts).any(axis=1)
    starts = np.isin(code_points + values, firsts) & ~is_multiple
    starts[is_multiple] = row_has_first[values[is_multiple]]
    if chinese is not None and _SPACE in firsts:
        starts |= chinese.mask()
    starts[[ord(pattern[0]) for pattern in raw]] = True
    return table.with_entries(np.where(starts, entries | LITERAL_START, entries))


def _literal_entries(literal: SpanAtPlace) -> tf.Tensor:
    """The entries of code points in literal tokens, int32 [L], as if a table held them.

    Each leads from the letter that stands there to -1 - id. SEPARATOR on the first code point
    starts a word with it, and ISOLATED on the last one starts another after it.

    Example: for a token of three code points and the id 103 the letters "xxx" get the values
    `[-224, -224, -224]`, since 120 - 224 = -104, and the flags `[SEPARATOR, 0, ISOLATED]`. With
    "a" before and "b" behind them the five have the word keys `[0, 1, 1, 1, 2]`.
    """
    entries = (literal.value - _LETTER) * (1 << FLAG_BITS)
    entries += tf.cast(literal.is_first, tf.int32) * SEPARATOR
    return entries + tf.cast(literal.is_last, tf.int32) * ISOLATED


def _with_white_space_kept(entries: tf.Tensor) -> tf.Tensor:
    """The entries, int32 [N], without REMOVED on white space.

    Example: of the flags `[REMOVED | SEPARATOR, REMOVED, SEPARATOR]` of a space, a control
    character and the start of a literal token the first become `SEPARATOR`; the others stay.
    """
    return entries - REMOVED * _is_white(entries) * flag(entries, REMOVED)


def _is_white(entries: tf.Tensor) -> tf.Tensor:
    """1 for white space, and for the first code point of a literal token; else 0."""
    return flag(entries, SEPARATOR) * (1 - flag(entries, ISOLATED))


def _spaces_around(is_chinese: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Puts a space before and behind every Chinese character.

    Example: "a漢b", `[False, True, False]`, becomes "a 漢 b": the origins `[0, 1, 1, 1, 2]`, of
    which `[False, True, False, True, False]` are spaces.

    Args:
      is_chinese: bool [M].

    Returns:
      int32 [M + 2 * Chinese], the place among the M of each; bool, whether it is a space.
    """
    splits = tf.cumsum(1 + 2 * tf.cast(is_chinese, tf.int32))
    splits = tf.concat([[0], splits], axis=0)
    origins = row_of_each_value(splits)
    is_space = tf.gather(is_chinese, origins) & tf.not_equal(index_in_row(splits, origins), 1)
    return origins, is_space


def _with_borders(code_points: tf.Tensor, borders: tf.Tensor) -> tf.Tensor:
    return tf.tensor_scatter_nd_update(
        code_points, borders[:, tf.newaxis], tf.fill(tf.shape(borders), BORDER)
    )
