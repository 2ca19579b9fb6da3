"""The answers of tasks as numbers, in which contestants are compared.

tagging             float [M, 5]: row, index of the label, score, start and end of each entity
embedding           float [B, H]
question-answering  float [B, 3]: score, start and end of the best answer

Imports nothing but NumPy: contestants run in environments of their own.
"""

from collections.abc import Iterable

import numpy as np

TAGGING, EMBEDDING, QUESTION_ANSWERING = "tagging", "embedding", "question-answering"

# As in CoNLL 2003.
ENTITY_LABELS = ("PER", "ORG", "LOC", "MISC")
TOKEN_LABELS = ("O", *(f"{begin}-{label}" for label in ENTITY_LABELS for begin in "BI"))

Entity = tuple[int, str, float, int, int]
"""row, label, score, start, end"""


def of_entities(found: Iterable[Entity]) -> np.ndarray:
    """Entities in the order of the text, row by row."""
    rows = [
        (row, ENTITY_LABELS.index(label), score, start, end)
        for row, label, score, start, end in found
    ]
    return np.array(rows, float).reshape(-1, 5)
