"""The in-graph tokenizer: strings to word pieces with the reference's ids."""

import tensorflow as tf

from bert.tokenizers.vocabulary import UNK, Vocabulary
from exporter.text.engine.code_point_table import CodePointTable
from exporter.text.engine.code_points import CodePointNormalizer
from exporter.text.engine.plain_ascii import PlainAsciiTokenizer
from exporter.text.engine.row_table import RowTable
from exporter.text.engine.rows import RowTokenizer
from exporter.text.engine.stand_ins import make_encodable
from exporter.text.engine.wordpiece import FAST_OP
from exporter.text.engine.words import WordTokenizer
from exporter.text.tokens import TokenIds, Tokens


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
        """Builds the tables; `word_piece_op` is one of `exporter.text.engine.wordpiece`'s.

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
                by_words=self._words.ids,
            )

    def __call__(self, text: tf.Tensor) -> Tokens:
        """Tokenizes string [B], any bytes.

        Characters are those of the text decoded as UTF-8, invalid bytes dropped.
        """
        plain_ascii = self._plain_ascii
        if plain_ascii is None:
            return self._words(text)
        # Those of the words are the same; but these are the ids that the model gets.
        ids = self.ids(text)
        offsets = tf.cond(
            plain_ascii.is_plain(text),
            lambda: plain_ascii(text).offsets(),
            lambda: self._words(text).offsets(),
        )
        return Tokens(*ids, *offsets)

    def ids(self, text: tf.Tensor) -> TokenIds:
        """The same without offsets."""
        plain_ascii, rows = self._plain_ascii, self._rows
        if plain_ascii is None or rows is None:
            return self._words.ids(text)
        return tf.cond(
            plain_ascii.is_plain(text),
            lambda: plain_ascii(text).without_offsets(),
            lambda: rows(text),
        )
