"""The in-graph tokenizer: strings to word pieces with the reference's ids."""

from typing import NamedTuple

import tensorflow as tf

from bert.vocabulary import UNK, Vocabulary
from exporter.text.code_point_table import CodePointTable
from exporter.text.code_points import CodePointNormalizer
from exporter.text.wordpiece import word_piece_tokenizer


class Tokens(NamedTuple):
    """T pieces of B rows, without [CLS] and [SEP]."""

    ids: tf.Tensor
    """int32 [T]"""

    row_splits: tf.Tensor
    """int32 [B + 1]"""


class TextTokenizer(tf.Module):
    """A code-point table, then WordPiece."""

    def __init__(
        self,
        table: CodePointTable,
        vocabulary: Vocabulary,
        max_characters_per_word: int,
        word_piece_op: str,
    ) -> None:
        """Builds the tables; `word_piece_op` is one of `exporter.text.wordpiece`'s."""
        super().__init__(name="text_tokenizer")
        self._normalizer = CodePointNormalizer(table)
        self._max_characters_per_word = max_characters_per_word
        self._word_pieces = word_piece_tokenizer(vocabulary, max_characters_per_word, word_piece_op)

    def __call__(self, text: tf.Tensor) -> Tokens:
        """Tokenizes string [B], any bytes."""
        code_points = self._normalizer(text)
        # The first code point of all starts a word, whatever its key.
        previous_keys = tf.concat([[-1], code_points.word_keys], axis=0)[:-1]
        starts = tf.where(tf.not_equal(code_points.word_keys, previous_keys))[:, 0]
        starts = tf.cast(starts, tf.int32)  # [W]
        word_splits = tf.concat([starts, [tf.size(code_points.values)]], axis=0)  # [W + 1]
        words = tf.raw_ops.UnicodeEncode(
            input_values=code_points.values, input_splits=word_splits, output_encoding="UTF-8"
        )  # [W]
        lengths = word_splits[1:] - word_splits[:-1]
        words = tf.where(lengths > self._max_characters_per_word, UNK, words)
        pieces = self._word_pieces(words)
        # The words of a row are those that come from its code points.
        word_sources = tf.gather(code_points.sources, starts)  # [W]
        rows_in_words = tf.searchsorted(word_sources, code_points.source_row_splits)  # [B + 1]
        return Tokens(pieces.ids, tf.gather(pieces.row_splits, rows_in_words))
