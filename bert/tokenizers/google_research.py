"""The Python reference of google-research/bert's tokenizer (`tokenization.py`).

It gives the ids of the original `FullTokenizer` for every text; bytes are decoded as UTF-8 with
invalid bytes dropped, as the original's `convert_to_unicode` does. Training uses it, the
table of the in-graph tokenizer is made by running it, and exports are verified against it.
Its Unicode version is the version of the Python that runs it.
"""

import unicodedata

from bert.tokenizers.vocabulary import CLS, SEP, UNK, Vocabulary
from bert.tokenizers.wordpiece import WordPiece

# tokenization.py, WordpieceTokenizer.__init__
MAX_CHARACTERS_PER_WORD = 200

# tokenization.py, BasicTokenizer._is_chinese_char
_CHINESE_RANGES = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


class BasicTokenizer:
    """Cleans text and splits it into words and punctuation marks."""

    def __init__(self, do_lower_case: bool) -> None:
        """Lower-cases and strips accents if `do_lower_case`."""
        self._do_lower_case = do_lower_case

    def tokenize(self, text: str) -> list[str]:
        """Splits `text` into words; no word is empty or holds white space.

        Example: "L’été, it's 漢字!" gives "l", "’", "ete", ",", "it", "'", "s", "漢", "字", "!".
        """
        words: list[str] = []
        for word in _clean_and_isolate_chinese(text).split():
            if self._do_lower_case:
                word = _strip_accents(word.lower())
            words.extend(_split_on_punctuation(word))
        return " ".join(words).split()


class FullTokenizer:
    """Text to word pieces of a vocabulary."""

    def __init__(self, vocabulary: Vocabulary, do_lower_case: bool) -> None:
        """Takes a vocabulary that holds [UNK]."""
        self.vocabulary = vocabulary
        self._basic_tokenizer = BasicTokenizer(do_lower_case)
        self._word_piece = WordPiece(vocabulary, MAX_CHARACTERS_PER_WORD, UNK)

    def tokenize(self, text: str | bytes) -> list[str]:
        """Splits `text` into pieces of the vocabulary."""
        if isinstance(text, bytes):
            text = text.decode("utf-8", "ignore")
        return [
            piece
            for word in self._basic_tokenizer.tokenize(text)
            for piece in self._word_piece.pieces(word)
        ]

    def encode(
        self, text_a: str | bytes, text_b: str | bytes | None, max_seq_length: int
    ) -> tuple[list[int], list[int]]:
        """Input ids and segment ids with [CLS] and [SEP], truncated, not padded.

        As `convert_single_example` of the original's `run_classifier.py`, which leaves out
        an empty second text and its [SEP].
        """
        tokens_a = self.tokenize(text_a)
        tokens_b = self.tokenize(text_b) if text_b else []
        if tokens_b:
            truncate_pair(tokens_a, tokens_b, max_seq_length - 3)
        else:
            del tokens_a[max_seq_length - 2 :]
        tokens = [CLS, *tokens_a, SEP]
        segment_ids = [0] * len(tokens)
        if tokens_b:
            tokens += [*tokens_b, SEP]
            segment_ids += [1] * (len(tokens_b) + 1)
        return self.vocabulary.convert_tokens_to_ids(tokens), segment_ids


def truncate_pair(tokens_a: list[str], tokens_b: list[str], max_length: int) -> None:
    """Shortens the longer list in place until both fit (`_truncate_seq_pair`)."""
    while len(tokens_a) + len(tokens_b) > max_length:
        if len(tokens_a) > len(tokens_b):
            tokens_a.pop()
        else:
            tokens_b.pop()


def _clean_and_isolate_chinese(text: str) -> str:
    """Removes control characters, makes white space plain, puts spaces around Chinese."""
    output = []
    for character in text:
        if _is_white_space(character):
            output.append(" ")
        elif _is_removed(character):
            continue
        elif _is_chinese(character):
            output.append(f" {character} ")
        else:
            output.append(character)
    return "".join(output)


def _strip_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(c for c in decomposed if unicodedata.category(c) != "Mn")


def _split_on_punctuation(word: str) -> list[str]:
    """Splits a word so that every punctuation mark stands alone."""
    words: list[str] = []
    inside_word = False
    for character in word:
        if _is_punctuation(character):
            words.append(character)
            inside_word = False
        elif inside_word:
            words[-1] += character
        else:
            words.append(character)
            inside_word = True
    return words


def _is_white_space(character: str) -> bool:
    return character in " \t\n\r" or unicodedata.category(character) == "Zs"


def _is_removed(character: str) -> bool:
    return character in "\0\ufffd" or unicodedata.category(character) in ("Cc", "Cf")


def _is_chinese(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in _CHINESE_RANGES)


def _is_punctuation(character: str) -> bool:
    # Every ASCII sign that is neither letter, digit, space nor control counts.
    if character.isascii():
        return character.isprintable() and not character.isalnum() and character != " "
    return unicodedata.category(character).startswith("P")
