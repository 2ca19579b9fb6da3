"""Text to word pieces, word by word."""

from collections.abc import Mapping
from typing import NamedTuple

import tensorflow as tf

from bert.encoder.calls import as_call
from bert.encoder.packed_tokens import row_of_each_value
from bert.tokenizers.vocabulary import Vocabulary
from exporter.text.engine.code_points import CodePointNormalizer, NormalizedCodePoints
from exporter.text.engine.stand_ins import substitute
from exporter.text.engine.wordpiece import WordPieces, WordPieceTokenizer
from exporter.text.tokens import TokenIds, Tokens


class _Words(NamedTuple):
    """W words of B rows, cut into T pieces."""

    code_points: NormalizedCodePoints

    values: tf.Tensor
    """int32 [M], the code points with stand-ins"""

    splits: tf.Tensor
    """int32 [W + 1], of the M"""

    pieces: WordPieces

    row_splits: tf.Tensor
    """int32 [B + 1], of the T"""


class WordTokenizer(tf.Module):
    """Tokenizes any text, by either op, with the place of each piece.

    The steps: the normalizer gives code points and word borders; each word becomes a string;
    WordPiece cuts it; literal tokens take the places that were kept for them.
    """

    def __init__(
        self,
        normalizer: CodePointNormalizer,
        vocabulary: Vocabulary,
        stand_ins: Mapping[int, int],
        max_characters_per_word: int,
        word_piece_op: str,
        unknown_token: str,
    ) -> None:
        """Takes the vocabulary and the stand-ins that `make_encodable` returns."""
        super().__init__(name="word_tokenizer")
        self._normalizer = normalizer
        self._stand_ins = stand_ins
        self._max_characters_per_word = max_characters_per_word
        self._unknown_token = unknown_token
        self._unknown_id = vocabulary.ids[unknown_token]
        self._word_pieces = WordPieceTokenizer(
            vocabulary, max_characters_per_word, word_piece_op, unknown_token
        )
        # Pieces with and without their places come of one function, which is saved once.
        self._words = as_call(self._cut_words, [tf.TensorSpec([None], tf.string)])

    def tokenize(self, text: tf.Tensor) -> TokenIds:
        """Tokenizes string [B], any bytes."""
        return self._token_ids(self._words(text))

    def tokenize_with_offsets(self, text: tf.Tensor) -> Tokens:
        """The same, with the place of each piece in its text."""
        words = self._words(text)
        return Tokens(*self._token_ids(words), *self._characters(words))

    def _cut_words(self, text: tf.Tensor) -> _Words:
        code_points = self._normalizer(text)
        values = substitute(code_points.values, self._stand_ins)  # [M]
        # The first code point of all starts a word, whatever its key.
        previous_keys = tf.concat([[-1], code_points.word_keys], axis=0)[:-1]
        word_starts = tf.where(tf.not_equal(code_points.word_keys, previous_keys))[:, 0]
        word_starts = tf.cast(word_starts, tf.int32)  # [W]
        word_splits = tf.concat([word_starts, [tf.size(values)]], axis=0)  # [W + 1]
        words = tf.raw_ops.UnicodeEncode(
            input_values=values, input_splits=word_splits, output_encoding="UTF-8"
        )  # [W]
        lengths = word_splits[1:] - word_splits[:-1]
        is_unknown = lengths > self._max_characters_per_word
        if self._normalizer.has_literals:
            # One unknown piece keeps the place of a literal token.
            is_unknown |= tf.gather(values, word_starts) < 0
        words = tf.where(is_unknown, self._unknown_token, words)
        pieces = self._word_pieces(words)
        # The words of a row are the words that come from its code points.
        word_sources = tf.gather(code_points.sources, word_starts)  # [W]
        rows_in_words = tf.searchsorted(word_sources, code_points.source_row_splits)  # [B + 1]
        row_splits = tf.gather(pieces.row_splits, rows_in_words)  # [B + 1]
        return _Words(code_points, values, word_splits, pieces, row_splits)

    def _token_ids(self, words: _Words) -> TokenIds:
        pieces, ids = words.pieces, words.pieces.ids
        if self._normalizer.has_literals:
            first_values = tf.gather(words.values, words.splits[:-1])  # [W]
            ids = tf.cond(
                tf.reduce_any(first_values < 0),
                lambda: _with_literals(pieces, first_values),
                lambda: pieces.ids,
            )
        return TokenIds(ids, words.row_splits)

    def _characters(self, words: _Words) -> tuple[tf.Tensor, tf.Tensor]:
        """First character of each piece in its text, and the character after it: int32 [T] x 2.

        The pieces of a word have all of its code points, so each piece spans the sources from
        its first code point to the next piece's.

        Example: " ½s x" with the normalised words "1⁄2s" and "x" and the pieces "1", "##⁄2",
        "##s", "x" gives the starts `[1, 1, 2, 4]` and the ends `[2, 2, 3, 5]`: the first two
        pieces come from the same character.
        """
        code_points, values, word_splits, pieces, row_splits = words
        byte_splits = tf.concat([[0], tf.cumsum(_utf8_lengths(values))], axis=0)
        word_starts = tf.gather(word_splits, row_of_each_value(pieces.row_splits))  # [T]
        # [UNK] stands for its whole word; its bytes may be the bytes of the literal "[UNK]".
        is_unknown = tf.equal(pieces.ids, self._unknown_id)
        first_bytes = tf.gather(byte_splits, word_starts) + pieces.starts
        firsts = tf.where(is_unknown, word_starts, tf.searchsorted(byte_splits, first_bytes))
        piece_splits = tf.concat([firsts, [tf.size(values)]], axis=0)
        owners = row_of_each_value(piece_splits)  # [M], the piece of each code point
        # Canonical ordering may have moved marks, so a piece's sources need not rise.
        first_sources = tf.math.segment_min(code_points.sources, owners)  # [T]
        last_sources = tf.math.segment_max(code_points.sources, owners)  # [T]
        # A row's sources begin with the space that was put before its text.
        rows = row_of_each_value(row_splits)  # [T]
        text_starts = tf.gather(code_points.source_row_splits, rows) + 1
        return first_sources - text_starts, last_sources + 1 - text_starts


def _with_literals(pieces: WordPieces, first_values: tf.Tensor) -> tf.Tensor:
    """The pieces' ids, int32 [T], with the ids of literal tokens in their places.

    Example: three words with the pieces `[7, 8]`, `[1]`, `[9]`, of which the second is the
    place of the literal 103, `first_values = [97, -104, 98]`, give `[7, 8, 103, 9]`.

    Args:
      pieces: of W words.
      first_values: int32 [W], the first code point of every word; -1 - id for literals.
    """
    literals = tf.where(first_values < 0)[:, 0]
    places = tf.gather(pieces.row_splits, literals)
    return tf.tensor_scatter_nd_update(
        pieces.ids, places[:, tf.newaxis], -1 - tf.gather(first_values, literals)
    )


def _utf8_lengths(code_points: tf.Tensor) -> tf.Tensor:
    """Bytes of each code point in UTF-8: int32 [M] -> int32 [M].

    Example: "a", "é", "漢" and "😀" have `[1, 2, 3, 4]`.
    """
    longer_than = [code_points > last for last in (0x7F, 0x7FF, 0xFFFF)]
    return 1 + tf.add_n([tf.cast(longer, tf.int32) for longer in longer_than])
