"""Synthetic vocabularies that make every difference between two tokenizers show in the ids."""

from collections.abc import Iterable
from pathlib import Path

from bert.tokenizers.google_research import BasicTokenizer

_SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused0]")
_PIECES = (
    "un",
    "##aff",
    "##able",
    "em",
    "##bed",
    "##ding",
    "##s",
    "the",
    "fi",
    "##lm",
    "don",
    "να",
)
_CAPITALIZED = ("THE", "The", "##FF", "UN", "CL", "##S", "MA", "##SK", "UNK", "[CLS", "##[", "οδοσ")
_SIGMAS = ("οδος", "ος", "##ος", "##οσ", "ΟΔΟΣ", "##ΟΣ")


def pieces_of(sample: str, do_lower_case: bool) -> list[str]:
    """What `sample` consists of once it is normalised: each character and its `##` form."""
    tokenizer = BasicTokenizer(do_lower_case)
    found = dict.fromkeys(c for word in tokenizer.tokenize(" ".join(sample)) for c in word)
    found |= dict.fromkeys(c for c in sample if tokenizer.tokenize(c) == [c])
    return [piece for c in found for piece in (c, f"##{c}")]


def sample_vocabulary(sample: str, do_lower_case: bool) -> list[str]:
    """All that the characters of `sample` can give, and longer pieces that compete for words."""
    characters = pieces_of(sample + "abeΣσς\U00016ff0", do_lower_case)
    return unique([*_SPECIAL_TOKENS, *_PIECES, *_CAPITALIZED, *_SIGMAS, *characters])


def write_vocabulary(file: Path, tokens: Iterable[str]) -> Path:
    file.write_bytes("".join(f"{token}\n" for token in tokens).encode())
    return file


def unique(tokens: Iterable[str]) -> list[str]:
    """Without duplicates and without what a vocab.txt cannot hold."""
    kept = (token for token in dict.fromkeys(tokens) if token and token == token.strip())
    return [token for token in kept if "\n" not in token]
