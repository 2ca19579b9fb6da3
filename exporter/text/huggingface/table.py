"""The code-point tables of Hugging Face's BERT normalizer, one for each of its settings.

Each table joins the library's treatment of every character, part by part in the order in which
BertNormalizer runs the parts; so one small file serves all settings.
"""

import numpy as np

from bert.tokenizers.huggingface.characters import CODE_POINTS, HuggingFaceCharacters
from bert.tokenizers.huggingface.settings import HuggingFaceSettings
from exporter.text.engine.code_point_table import (
    FLAG_BITS,
    ISOLATED,
    MULTIPLE,
    REMOVED,
    REORDERED,
    SEPARATOR,
    CodePointTable,
    expansion_rows,
    into_pages,
)


def build_table(settings: HuggingFaceSettings, characters: HuggingFaceCharacters) -> CodePointTable:
    """The table of a normalizer and BERT's pre-tokenizer.

    White space is removed, but the value of its entry leads to the character that it would
    become. The order of marks is not in it: see `exporter.text.huggingface.ordering`.
    """
    entries = _unchanged_entries(settings, characters)
    expansions: dict[tuple[int, ...], int] = {}
    for character in _changing(settings, characters):
        output, flags = _entry(character, settings, characters)
        value = 0
        if len(output) == 1:
            value = output[0] - ord(character)
        elif output:
            flags |= MULTIPLE
            value = expansions.setdefault(output, len(expansions))
        entries[ord(character)] = value << FLAG_BITS | flags
    page_starts, pages = into_pages(entries)
    return CodePointTable(
        page_starts=page_starts,
        entries=pages,
        expansions=expansion_rows(expansions),
        reordered_code_points=np.array([], np.int32),
        combining_classes=np.array([], np.int32),
        has_final_sigma=False,
        unicode_version=characters.reference,
    )


def _unchanged_entries(
    settings: HuggingFaceSettings, characters: HuggingFaceCharacters
) -> np.ndarray:
    """The entries of characters that do not decompose and have no lower case, int32 [0x110000]."""
    code_points = np.arange(CODE_POINTS, dtype=np.int32)
    outputs = code_points.copy()
    if settings.clean_text:
        outputs[characters.cleaned_to_space.mask()] = ord(" ")
    flags = np.zeros(CODE_POINTS, np.int32)
    flags[characters.white_space.mask()[outputs]] = REMOVED | SEPARATOR
    flags[characters.punctuation.mask()] = SEPARATOR | ISOLATED
    if settings.handle_chinese_chars:
        flags[characters.chinese.mask()] = SEPARATOR | ISOLATED
    if settings.clean_text:
        flags[characters.removed.mask()] = REMOVED
    return (outputs - code_points) << FLAG_BITS | flags


def _changing(settings: HuggingFaceSettings, characters: HuggingFaceCharacters) -> list[str]:
    """The characters that survive cleaning and decompose, move, are stripped or are lowered."""
    changing: set[str] = set()
    if settings.strip_accents:
        accents = map(chr, np.flatnonzero(characters.accents.mask()).tolist())
        changing |= {*characters.decompositions, *characters.combining_orders, *accents}
    if settings.lowercase:
        changing |= set(characters.lower_cases)
    if settings.clean_text:
        changing = {
            character
            for character in changing
            if character not in characters.removed and character not in characters.cleaned_to_space
        }
    return sorted(changing)


def _entry(
    character: str, settings: HuggingFaceSettings, characters: HuggingFaceCharacters
) -> tuple[tuple[int, ...], int]:
    """The code points that a character gives, and the flags by which it cuts words.

    Example: with all settings on, "É" gives `(101,)` and 0, "!" `(33,)` and
    SEPARATOR | ISOLATED, and U+0301, an accent, `()` and REMOVED.

    Raises:
      ValueError: it gives several words, which no table can hold.
    """
    output, flags = character, 0
    if settings.strip_accents:
        parts = characters.decompositions.get(character, character)
        output = "".join(part for part in parts if part not in characters.accents)
        if any(part in characters.combining_orders for part in output):
            flags |= REORDERED
    if settings.lowercase:
        output = "".join(characters.lower_cases.get(part, part) for part in output)
    separators = [part in characters.white_space for part in output]
    isolated = [part in characters.punctuation for part in output]
    if len(output) > 1 and any(separators + isolated):
        raise ValueError(f"U+{ord(character):04X} becomes {output!r}, of several words")
    if not output:
        flags |= REMOVED
    elif separators[0]:
        flags |= REMOVED | SEPARATOR
    elif isolated[0] or (settings.handle_chinese_chars and character in characters.chinese):
        flags |= SEPARATOR | ISOLATED
    return tuple(map(ord, output)), flags
