"""Whether the characters that a token claims are the ones it came from."""

import itertools

from bert.tokenizers.vocabulary import UNK
from tests.oracles.original_bert import load_tokenization
from tests.programs.tokenization_parity.artefact import Row


class OffsetRule:
    """Judges offsets by the original's own normalisation of the slice they name."""

    def __init__(self, tokens: list[str], do_lower_case: bool) -> None:
        self._tokens = tokens
        self._words = load_tokenization().BasicTokenizer(do_lower_case).tokenize

    def holds(self, text: bytes, row: Row) -> bool:
        """Every token lies in its slice, and is all of it unless it shares a character.

        Tokens share a character where one gives several, as a Hangul syllable its letters.
        """
        decoded = text.decode("utf-8", "ignore")
        spans = list(zip(row.starts, row.ends, strict=True))
        shares = [b[0] < a[1] for a, b in itertools.pairwise(spans)]
        shares_before, shares_after = [False, *shares], [*shares, False]
        for index, (token_id, (start, end)) in enumerate(zip(row.ids, spans, strict=True)):
            if not 0 <= start < end <= len(decoded):
                return False
            token = self._tokens[token_id]
            words = [_plain_sigma(word) for word in self._words(decoded[start:end])]
            if len(words) != 1:
                return False
            if token == UNK:
                # It stands for a whole word, so neither neighbour is a part of that word.
                continue
            piece = _plain_sigma(token.removeprefix("##"))
            if shares_before[index] or shares_after[index]:
                if piece not in words[0]:
                    return False
            elif piece != words[0]:
                return False
        return True


def _plain_sigma(text: str) -> str:
    """Whether a sigma is final depends on what follows the slice."""
    return text.replace("ς", "σ")
