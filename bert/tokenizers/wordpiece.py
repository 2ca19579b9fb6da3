"""WordPiece in Python: cuts a word into the longest pieces of a vocabulary, from its start."""

from bert.tokenizers.vocabulary import Vocabulary

_CONTINUED = "##"


class WordPiece:
    """Greedy longest match first, as in tokenization.py's WordpieceTokenizer.

    Example: with the pieces "un", "##aff", "##able" and the unknown token "[UNK]" the word
    "unaffable" gives the spans ("un", 0, 2), ("##aff", 2, 5), ("##able", 5, 9), and the word
    "unless" ("[UNK]", 0, 6).
    """

    def __init__(
        self, vocabulary: Vocabulary, max_characters_per_word: int, unknown_token: str
    ) -> None:
        """Takes a vocabulary; words longer than the limit become `unknown_token`."""
        self._vocabulary = vocabulary
        self._max_characters_per_word = max_characters_per_word
        self._unknown_token = unknown_token
        self._longest_token = max(map(len, vocabulary.tokens))

    def pieces(self, word: str) -> list[str]:
        """The pieces of a word, or the unknown token alone."""
        if len(word) > self._max_characters_per_word:
            return [self._unknown_token]
        pieces: list[str] = []
        start = 0
        while start < len(word):
            prefix = _CONTINUED if start else ""
            # No piece longer than the longest can match, so the search starts there.
            end = min(len(word), start + self._longest_token)
            while end > start and prefix + word[start:end] not in self._vocabulary.ids:
                end -= 1
            if end == start:
                return [self._unknown_token]
            pieces.append(prefix + word[start:end])
            start = end
        return pieces

    def spans(self, word: str) -> list[tuple[str, int, int]]:
        """The pieces, each with its first character and the character after it."""
        pieces = self.pieces(word)
        if pieces == [self._unknown_token]:
            return [(self._unknown_token, 0, len(word))]
        spans = []
        start = 0
        for piece in pieces:
            end = start + len(piece) - (len(_CONTINUED) if start else 0)
            spans.append((piece, start, end))
            start = end
        return spans
