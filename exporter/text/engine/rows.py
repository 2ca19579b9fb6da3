"""Text to word pieces, whole rows at a time.

A tokenizer that works word by word spends most of its time on the words: their borders, a
string for each, and the way back to rows. Here the words of a row stay one string, with
spaces between them, and `FastWordpieceTokenizeWithOffsets` takes the whole string.

The steps: bytes to code points; the `RowTable` gives up to three code points for each; these
become one string a row; the op cuts it. Rows with anything rare take more steps.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from bert.encoder.calls import as_call
from bert.tokenizers.vocabulary import Vocabulary
from exporter.text.engine.code_point_table import CODE_POINTS, FINAL_SIGMA, CodePointTable
from exporter.text.engine.code_points import decode, decode_rows, final_sigmas, look_up
from exporter.text.engine.row_table import (
    COLUMNS,
    MAY_BE_FINAL_SIGMA,
    NEEDS_WORDS,
    SPACE,
    TABLE_SIZE,
    RowTable,
)
from exporter.text.engine.wordpiece import MAX_BYTES_PER_CHARACTER, FastWordPiece
from exporter.text.tokens import TokenIds, merge_rows

# UnicodeEncode never gives it.
_NONCHARACTER = "\uffff"


class _Rows(NamedTuple):
    """B rows of N code points, normalised."""

    outputs: tf.Tensor
    """int32 [N, 3], of a RowTable"""

    row_splits: tf.Tensor
    """int32 [B + 1], of the N"""

    text: tf.Tensor
    """string [B]"""


class RowTokenizer(tf.Module):
    """Tokenizes the rows that a RowTable holds, and hands the others on."""

    def __init__(
        self,
        table: CodePointTable,
        row_table: RowTable,
        vocabulary: Vocabulary,
        max_characters_per_word: int,
        unknown_token: str,
        by_words: Callable[[tf.Tensor], TokenIds],
    ) -> None:
        """Takes a table in both forms, and the vocabulary that `make_encodable` returns.

        `by_words` is a tokenizer of any text with the same ids, slower.
        """
        super().__init__(name="row_tokenizer")
        self._table = table
        self._by_words = by_words
        # Grappler would fold a constant of 1.5 MB in every function that it passes through.
        self._outputs = tf.Variable(row_table.outputs, trainable=False)
        self._max_characters_per_word = max_characters_per_word
        pieces = _pieces(vocabulary, row_table)
        self._word_piece = FastWordPiece(
            pieces,
            pieces[vocabulary.ids[unknown_token]],
            max_characters_per_word * MAX_BYTES_PER_CHARACTER,
            splits_text=True,
        )
        # The executor visits every op of a branch that is not taken, which costs 36 us for this
        # branch. A call is one op.
        self._with_care_as_one_op = as_call(
            self._with_care,
            [
                tf.TensorSpec([None], tf.string),
                _Rows(
                    tf.TensorSpec([None, COLUMNS], tf.int32),
                    tf.TensorSpec([None], tf.int32),
                    tf.TensorSpec([None], tf.string),
                ),
                tf.TensorSpec([], tf.int32),
            ],
        )

    def tokenize(self, text: tf.Tensor) -> TokenIds:
        """Tokenizes string [B], any bytes."""
        code_points, row_splits = decode(text)
        rows = _encoded(self._look_up(code_points), row_splits)
        highest = tf.reduce_max(rows.outputs)
        longest = tf.reduce_max(tf.strings.length(rows.text, unit="UTF8_CHAR"))
        # Every tf.cond takes time, so a single one looks for anything rare.
        is_simple = (highest < MAY_BE_FINAL_SIGMA) & (longest <= self._max_characters_per_word)

        return TokenIds(
            *tf.cond(
                is_simple,
                lambda: self._word_pieces(rows.text),
                lambda: self._with_care_as_one_op(text, rows, highest),
            )
        )

    def _look_up(self, code_points: tf.Tensor) -> tf.Tensor:
        """Code points, int32 [N] -> their outputs, int32 [N, 3]."""
        return tf.gather(self._outputs, tf.minimum(code_points, TABLE_SIZE))

    def _word_pieces(self, rows: tf.Tensor) -> TokenIds:
        ids, _, _ = self._word_piece.tokenize_with_offsets(rows)
        return TokenIds(ids.values, tf.cast(ids.row_splits, tf.int32))

    def _with_care(self, text: tf.Tensor, rows: _Rows, highest: tf.Tensor) -> TokenIds:
        """Tokenizes rows with final sigmas, long words, and characters that need words."""
        if self._table.has_final_sigma:
            rows = _Rows(
                *tf.cond(
                    highest >= MAY_BE_FINAL_SIGMA,
                    lambda: self._with_final_sigmas(text),
                    lambda: rows,
                )
            )
        lengths, words = _word_lengths(rows)
        needs_words = tf.gather(lengths, words) > self._max_characters_per_word  # [N]
        needs_words |= tf.reduce_max(rows.outputs, axis=1) >= NEEDS_WORDS

        def some_by_words() -> TokenIds:
            places = tf.cast(tf.where(needs_words)[:, 0], tf.int32)
            rows_of_places = tf.searchsorted(rows.row_splits, places, side="right") - 1
            counts = tf.math.unsorted_segment_sum(
                tf.ones_like(places), rows_of_places, tf.size(text)
            )
            is_row = tf.equal(counts, 0)  # [B]
            order = tf.concat([tf.where(is_row)[:, 0], tf.where(~is_row)[:, 0]], axis=0)
            return merge_rows(
                self._word_pieces(tf.boolean_mask(rows.text, is_row)),
                self._by_words(tf.boolean_mask(text, ~is_row)),
                tf.cast(order, tf.int32),
            )

        return tf.cond(
            tf.reduce_any(needs_words), some_by_words, lambda: self._word_pieces(rows.text)
        )

    def _with_final_sigmas(self, text: tf.Tensor) -> _Rows:
        code_points, row_splits = decode_rows(text)
        entries = look_up(self._table.page_starts, self._table.entries, code_points)
        places = final_sigmas(code_points, entries)
        outputs = tf.tensor_scatter_nd_update(
            self._look_up(code_points),
            tf.stack([places, tf.zeros_like(places)], axis=1),
            tf.fill(tf.shape(places), FINAL_SIGMA),
        )
        return _encoded(outputs, row_splits)


def _encoded(outputs: tf.Tensor, row_splits: tf.Tensor) -> _Rows:
    """Rows as strings.

    Example: the outputs of "Hi!" are `["h", -, -]`, `["i", -, -]` and `[" ", "!", " "]`, where "-"
    is NOTHING; the text of the row is "hi ! ".
    """
    text = tf.raw_ops.UnicodeEncode(
        input_values=tf.reshape(outputs, [-1]),
        input_splits=row_splits * COLUMNS,
        output_encoding="UTF-8",
        # It leaves out values that are not code points.
        errors="ignore",
    )
    return _Rows(outputs, row_splits, text)


def _word_lengths(rows: _Rows) -> tuple[tf.Tensor, tf.Tensor]:
    """The characters of each word, or one more, int32 [W]; the word of each input, int32 [N].

    A word begins at each input whose first output is a space, and at the start of a row.

    Example: the rows "ab c" and "d!" have the words "ab", " c", "d" and " ! " with the lengths
    `[2, 1, 1, 1]`; their inputs are in the words `[1, 1, 2, 2, 3, 4]`, numbered from 1, so a
    length of 0 stands before these four.
    """
    count = tf.shape(rows.outputs)[0]
    row_starts = rows.row_splits[:-1, tf.newaxis]
    # Rows without text may start behind the last input.
    starts_row = tf.scatter_nd(row_starts, tf.ones_like(row_starts[:, 0]), [count + 1])[:-1]
    starts_word = tf.cast(tf.equal(rows.outputs[:, 0], SPACE), tf.int32) + starts_row
    words = tf.cumsum(starts_word)
    is_character = (rows.outputs >= 0) & (rows.outputs < CODE_POINTS)
    is_character &= tf.not_equal(rows.outputs, SPACE)
    counts = tf.reduce_sum(tf.cast(is_character, tf.int32), axis=1)
    return tf.math.segment_sum(counts, words), words


def _pieces(vocabulary: Vocabulary, row_table: RowTable) -> list[str]:
    """The pieces by id, each that no row leads to replaced by a noncharacter and its id.

    The op looks for its pieces in whole rows, so it must not see a piece that it could find
    across words, or a piece that it would not cut where it cuts the text.

    Example: "film", "##s" and "." stay; "a b" with the id 7 becomes U+FFFF "7".
    """
    return [
        piece if _is_piece(piece, row_table) else f"{_NONCHARACTER}{index}"
        for index, piece in enumerate(vocabulary.reachable_tokens)
    ]


def _is_piece(piece: str, row_table: RowTable) -> bool:
    letters = piece.removeprefix("##")
    is_isolated = len(piece) == 1 and ord(piece) in row_table.isolated
    return is_isolated or (bool(letters) and all(ord(c) in row_table.letters for c in letters))
