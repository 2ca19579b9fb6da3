"""The in-graph tokenizer: strings to word pieces with the reference's ids."""

import tensorflow as tf

from bert.tokenizers.vocabulary import Vocabulary
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

    1. `PlainAsciiTokenizer` for a batch of plain ASCII: one op
    2. `RowTokenizer` for rows without rare characters: some ops
    3. `WordTokenizer` for any text: word by word

    Offsets, which few signatures ask for, come from the first or the third. The op of older
    servers has the third way only.
    """

    def __init__(
        self,
        normalizer: CodePointNormalizer,
        vocabulary: Vocabulary,
        max_characters_per_word: int,
        word_piece_op: str,
        unknown_token: str,
    ) -> None:
        """Builds the tables; `word_piece_op` is one of `exporter.text.engine.wordpiece`'s."""
        super().__init__(name="text_tokenizer")
        encodable, stand_ins = make_encodable(normalizer.table, vocabulary)
        self._words = WordTokenizer(
            normalizer, encodable, stand_ins, max_characters_per_word, word_piece_op, unknown_token
        )
        self._plain_ascii = self._rows = None
        if word_piece_op == FAST_OP:
            self._plain_ascii = PlainAsciiTokenizer(
                normalizer, encodable, max_characters_per_word, unknown_token
            )
            self._rows = RowTokenizer(
                normalizer.table,
                RowTable.build(normalizer, stand_ins),
                encodable,
                max_characters_per_word,
                unknown_token,
                by_words=self._words.tokenize,
            )

    def tokenize(self, text: tf.Tensor) -> TokenIds:
        """Tokenizes string [B], any bytes."""
        plain_ascii, rows = self._plain_ascii, self._rows
        if plain_ascii is None or rows is None:
            return self._words.tokenize(text)
        return tf.cond(
            plain_ascii.is_plain(text),
            lambda: plain_ascii.tokenize_with_offsets(text).without_offsets(),
            lambda: rows.tokenize(text),
        )

    def tokenize_with_offsets(self, text: tf.Tensor) -> Tokens:
        """The same, with the place of each piece in its text.

        Places count the characters of the text decoded as UTF-8, invalid bytes dropped.
        """
        plain_ascii = self._plain_ascii
        if plain_ascii is None:
            return self._words.tokenize_with_offsets(text)
        # The ids of the words are equal; these are the ids that the model gets.
        ids = self.tokenize(text)
        offsets = tf.cond(
            plain_ascii.is_plain(text),
            lambda: plain_ascii.tokenize_with_offsets(text).offsets(),
            lambda: self._words.tokenize_with_offsets(text).offsets(),
        )
        return Tokens(*ids, *offsets)
