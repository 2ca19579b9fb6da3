"""What this project reads from a directory, beside what the library says of it."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bert.checkpoints import ReadOptions, read
from bert.errors import UserError
from bert.model import FineTunedModel
from bert.reference import ReferenceModel
from bert.tokenizers.huggingface.characters import HuggingFaceCharacters
from bert.tokenizers.huggingface.tokenizer import HuggingFaceTokenizer

SAME, REFUSED, DIFFERENT, UNREAD = "same", "refused", "different", "the library reads it not"

_TOLERANCE = 1e-5


@dataclasses.dataclass(frozen=True)
class Verdict:
    """One of the four words above, and what it rests on."""

    outcome: str
    reason: str = ""


def compare(
    directory: Path,
    said: Mapping[str, Any],
    texts: Sequence[str],
    characters: HuggingFaceCharacters,
) -> Verdict:
    """Reads a directory and compares ids, labels, and answers where the library gave them."""
    try:
        model = read(directory, ReadOptions())
        tokenizer = HuggingFaceTokenizer(model.vocabulary, model.huggingface_settings(), characters)
    except UserError as error:
        return Verdict(REFUSED, _kind_of_sentence(str(error)))
    if "error" in said:
        return Verdict(UNREAD, said["error"])
    if model.takes_pairs != said["pairs"]:
        return Verdict(DIFFERENT, f"pairs {model.takes_pairs}, not {said['pairs']}")
    others = (*texts[1:], texts[0]) if model.takes_pairs else (None,) * len(texts)
    rows = [
        tokenizer.encode(model.prompt + text, other, model.max_seq_length)
        for text, other in zip(texts, others, strict=True)
    ]
    for text, (ids, _), expected in zip(texts, rows, said["ids"], strict=True):
        if ids != expected:
            return Verdict(DIFFERENT, f"ids of {text[:40]!r}: {ids[:20]}, not {expected[:20]}")
    if model.task.has_labels and list(model.labels) != said["labels"]:
        return Verdict(DIFFERENT, f"labels {model.labels}, not {said['labels']}")
    if "answers" in said:
        difference = _largest_difference(model, rows, said["answers"])
        if not difference <= _TOLERANCE:
            return Verdict(DIFFERENT, f"answers by {difference}")
    return Verdict(SAME)


def _largest_difference(
    model: FineTunedModel,
    rows: Sequence[tuple[list[int], list[int]]],
    expected: Sequence[Sequence[float]],
) -> float:
    witness = ReferenceModel(model)
    largest = 0.0
    for (ids, segment_ids), numbers in zip(rows, expected, strict=True):
        features = (np.array([ids]), np.ones((1, len(ids)), int), np.array([segment_ids]))
        (answer,) = witness.answers(*features).values()  # [1, C] or [1]
        largest = max(largest, float(np.abs(answer.reshape(-1) - numbers).max()))
    return largest


def _kind_of_sentence(sentence: str) -> str:
    """The sentence without the paths, names and numbers that are this directory's own."""
    without_paths = re.sub(r"\S*/\d+/", "", sentence)
    return re.sub(r"'[^']*'|\d+", "…", without_paths)
