"""The in-graph tokenizer: strings to word pieces with the reference's ids."""

import tensorflow as tf

from bert.vocabulary import UNK, Vocabulary
from exporter.text.code_point_table import CodePointTable
from exporter.text.code_points import CodePointNormalizer
from exporter.text.plain_ascii import PlainAsciiTokenizer
from exporter.text.row_table import RowTable
from exporter.text.row_tokenizer import RowTokenizer
from exporter.text.stand_ins import make_encodable
from exporter.text.tokens import TokenIds, Tokens
from exporter.text.word_tokenizer import WordTokenizer
from exporter.text.wordpiece import FAST_OP


class TextTokenizer(tf.Module):
    """Chooses the fastest way that gives the reference's ids.

    Batches of plain ASCII need one op, rows without rare characters some ops, and any text
    goes word by word; offsets, which few signatures ask for, come word by word too.
    """

    def __init__(
        self,
        table: CodePointTable,
        vocabulary: Vocabulary,
        max_characters_per_word: int,
        word_piece_op: str,
        *,
        unknown_token: str = UNK,
        literal_normalizer: CodePointNormalizer | None = None,
    ) -> None:
        """Builds the tables; `word_piece_op` is one of `exporter.text.wordpiece`'s.

        A `literal_normalizer` goes by the same table, and gives literal tokens too.
        """
        super().__init__(name="text_tokenizer")
        has_literals = literal_normalizer is not None
        encodable, stand_ins = make_encodable(table, vocabulary)
        self._words = WordTokenizer(
            literal_normalizer or CodePointNormalizer(table),
            encodable,
            stand_ins,
            max_characters_per_word,
            word_piece_op,
            unknown_token,
            has_literals=has_literals,
        )
        self._plain_ascii = self._rows = None
        if word_piece_op == FAST_OP:
            self._plain_ascii = PlainAsciiTokenizer(
                table, encodable, max_characters_per_word, unknown_token, has_literals=has_literals
            )
            self._rows = RowTokenizer(
                table,
                RowTable.build(table, stand_ins, has_literals=has_literals),
                encodable,
                max_characters_per_word,
                unknown_token,
                by_words=lambda text: TokenIds(*self._words(text)[:2]),
            )

    def __call__(self, text: tf.Tensor) -> Tokens:
        """Tokenizes string [B], any bytes.

        Characters are those of the text decoded as UTF-8, invalid bytes dropped.
        """
        plain_ascii, rows = self._plain_ascii, self._rows
        if plain_ascii is None or rows is None:
            return self._words(text)
        is_plain = plain_ascii.is_plain(text)
        # A tf.cond computes all that it returns, read or not, so the offsets have their own.
        ids = tf.cond(
            is_plain,
            lambda: TokenIds(*plain_ascii(text)[:2]),
            lambda: rows(text),
        )
        offsets = tf.cond(
            is_plain, lambda: tuple(plain_ascii(text))[2:], lambda: tuple(self._words(text))[2:]
        )
        return Tokens(*ids, *offsets)
