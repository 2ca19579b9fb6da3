"""Batches of plain ASCII, straight from the text to word pieces in one op.

`FastWordpieceTokenizeWithOffsets` can split text at white space and punctuation itself.
Where that, after lower-casing, is all that a table does to the characters of the rows, they
need no code points, and their bytes are their characters.
"""

import string

import tensorflow as tf

from bert.tokenizers.vocabulary import Vocabulary
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
from exporter.text.engine.wordpiece import FastWordPiece
from exporter.text.tokens import Tokens

_WHITE_SPACE = " \t\n\r"
_ALPHANUMERIC = string.ascii_letters + string.digits
_CASE_SHIFT = ord("a") - ord("A")
_BEYOND_ASCII = "é"


class PlainAsciiTokenizer(tf.Module):
    """Tokenizes rows that hold nothing but plain characters."""

    def __init__(
        self,
        table: CodePointTable,
        vocabulary: Vocabulary,
        max_characters_per_word: int,
        unknown_token: str,
        *,
        has_literals: bool,
    ) -> None:
        """Finds out from the table which characters are plain.

        `has_literals` says that the table flags where literal tokens may start.
        """
        super().__init__(name="plain_ascii_tokenizer")
        self._lower_cases = _value(table, "A") == _CASE_SHIFT
        plain = plain_characters(table, has_literals)
        escaped = "".join(f"\\x{ord(character):02x}" for character in sorted(plain))
        # An empty class is no pattern; then the empty row alone is plain.
        self._pattern = f"[{escaped}]*" if escaped else ""
        pieces = _plain_pieces(vocabulary)
        self._tokenizer = FastWordPiece(
            pieces,
            pieces[vocabulary.ids[unknown_token]],
            max_characters_per_word,
            splits_text=True,
        )

    def is_plain(self, text: tf.Tensor) -> tf.Tensor:
        """Whether it is for these rows: string [B] -> bool []."""
        # A match costs more than joining does, and ends at the first other character.
        return tf.strings.regex_full_match(tf.strings.reduce_join(text), self._pattern)

    def __call__(self, text: tf.Tensor) -> Tokens:
        """Tokenizes plain rows, string [B]."""
        if self._lower_cases:
            # Without an encoding it knows ASCII only, whatever the locale.
            text = tf.strings.lower(text)
        ids, starts, ends = self._tokenizer.tokenize_with_offsets(text)
        return Tokens(
            ids.values,
            tf.cast(ids.row_splits, tf.int32),
            tf.cast(starts.values, tf.int32),
            tf.cast(ends.values, tf.int32),
        )


def plain_characters(table: CodePointTable, has_literals: bool) -> set[str]:
    """The ASCII characters to which the table does what the op does by itself."""
    shift = _CASE_SHIFT if _value(table, "A") == _CASE_SHIFT else 0
    plain = {c for c in _WHITE_SPACE if _flags(table, c, has_literals) == REMOVED | SEPARATOR}
    for character in string.punctuation:
        isolates = _flags(table, character, has_literals) == SEPARATOR | ISOLATED
        if isolates and not _value(table, character):
            plain.add(character)
    for character in _ALPHANUMERIC:
        expected = shift if character.isupper() else 0
        if not _flags(table, character, has_literals) and _value(table, character) == expected:
            plain.add(character)
    return plain


def _value(table: CodePointTable, character: str) -> int:
    return int(table.all_entries()[ord(character)]) >> FLAG_BITS


def _flags(table: CodePointTable, character: str, has_literals: bool) -> int:
    """The flags that make a difference where no character is beyond ASCII."""
    relevant = REMOVED | SEPARATOR | ISOLATED | MULTIPLE | REORDERED
    if has_literals:
        relevant |= LITERAL_START
    return int(table.all_entries()[ord(character)]) & relevant


def _plain_pieces(vocabulary: Vocabulary) -> list[str]:
    """The pieces by id; those that no plain text reaches begin with a letter beyond ASCII.

    Plain words are letters and digits, or one mark of punctuation. The op looks for its
    pieces in whole rows, so it must not see any other: one with white space would match
    across words, and one with punctuation would not be cut there.
    """
    return [
        piece if _is_plain_piece(piece) else f"{_BEYOND_ASCII}{index}"
        for index, piece in enumerate(vocabulary.reachable_tokens)
    ]


def _is_plain_piece(piece: str) -> bool:
    letters = piece.removeprefix("##")
    is_mark = len(piece) == 1 and piece in string.punctuation
    return is_mark or (letters.isascii() and letters.isalnum())
