"""Batches of plain ASCII, straight from the text to word pieces in one op.

`FastWordpieceTokenizeWithOffsets` can split text at white space and punctuation itself. Rows
to whose characters a table does nothing else but lower-casing need no code points, and their
bytes are their characters.
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
from exporter.text.engine.code_points import CodePointNormalizer
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
        normalizer: CodePointNormalizer,
        vocabulary: Vocabulary,
        max_characters_per_word: int,
        unknown_token: str,
    ) -> None:
        """Reads from the normalizer's table which characters are plain."""
        super().__init__(name="plain_ascii_tokenizer")
        self._lower_cases = _value(normalizer.table, "A") == _CASE_SHIFT
        plain = plain_characters(normalizer)
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
        """Whether all rows are plain: string [B] -> bool []."""
        # A match costs more than joining the rows, and ends at the first other character.
        return tf.strings.regex_full_match(tf.strings.reduce_join(text), self._pattern)

    def tokenize_with_offsets(self, text: tf.Tensor) -> Tokens:
        """Tokenizes plain rows, string [B], with the place of each piece."""
        if self._lower_cases:
            # Without an encoding the op lowers ASCII only, in any locale.
            text = tf.strings.lower(text)
        ids, starts, ends = self._tokenizer.tokenize_with_offsets(text)
        return Tokens(
            ids.values,
            tf.cast(ids.row_splits, tf.int32),
            tf.cast(starts.values, tf.int32),
            tf.cast(ends.values, tf.int32),
        )


def plain_characters(normalizer: CodePointNormalizer) -> set[str]:
    """The ASCII characters that the table and the op treat alike."""
    table = normalizer.table
    # The flags that make a difference where no character is beyond ASCII.
    relevant = REMOVED | SEPARATOR | ISOLATED | MULTIPLE | REORDERED
    if normalizer.has_literals:
        relevant |= LITERAL_START
    entries = table.all_entries()
    flags = {c: int(entries[ord(c)]) & relevant for c in map(chr, range(128))}
    shift = _CASE_SHIFT if _value(table, "A") == _CASE_SHIFT else 0
    plain = {c for c in _WHITE_SPACE if flags[c] == REMOVED | SEPARATOR}
    for character in string.punctuation:
        if flags[character] == SEPARATOR | ISOLATED and not _value(table, character):
            plain.add(character)
    for character in _ALPHANUMERIC:
        expected = shift if character.isupper() else 0
        if not flags[character] and _value(table, character) == expected:
            plain.add(character)
    return plain


def _value(table: CodePointTable, character: str) -> int:
    return int(table.all_entries()[ord(character)]) >> FLAG_BITS


def _plain_pieces(vocabulary: Vocabulary) -> list[str]:
    """The pieces by id, each that no plain text reaches replaced by "é" and its id.

    Plain words are letters and digits, or one mark of punctuation. The op looks for its
    pieces in whole rows, so it must not see any other: a piece with white space would match
    across words, and a piece with punctuation would not be cut there.

    Example: "film", "##s" and "." stay; "a b" with the id 7 becomes "é7".
    """
    return [
        piece if _is_plain_piece(piece) else f"{_BEYOND_ASCII}{index}"
        for index, piece in enumerate(vocabulary.reachable_tokens)
    ]


def _is_plain_piece(piece: str) -> bool:
    letters = piece.removeprefix("##")
    is_mark = len(piece) == 1 and piece in string.punctuation
    return is_mark or (letters.isascii() and letters.isalnum())
