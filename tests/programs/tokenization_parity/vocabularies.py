"""A vocabulary in which every difference between two tokenizers shows."""

import unicodedata
from pathlib import Path

_SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_NO_PIECES = ("Cn", "Cs", "Co", "Cc", "Cf", "Zs", "Zl", "Zp")


def write_every_character(file: Path) -> Path:
    """Writes each assigned character and its `##` form, some letters in longer pieces too.

    Of those that are not assigned, or never part of a word, some have pieces: a word with
    any other is [UNK], which still tells a removed character from one that is kept.
    """
    characters = [
        character
        for code_point in range(0x110000)
        if unicodedata.category(character := chr(code_point)) not in _NO_PIECES
        or (code_point > 0x80 and code_point % 97 == 0)
    ]
    tokens = dict.fromkeys(_SPECIAL_TOKENS)
    for character in characters:
        if character.strip() == character and not "\ud800" <= character <= "\udfff":
            tokens |= dict.fromkeys((character, f"##{character}"))
    tokens |= dict.fromkeys(("the", "##ing", "un", "##aff", "##able", "film", "ος", "##ος", "ΟΔ"))
    file.write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8", newline="\n")
    return file
