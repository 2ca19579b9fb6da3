"""What a tagger says of words, and its measure: entities that are right, by seqeval."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from bert.errors import UserError
from bert.training.tagging.dataset import OUTSIDE
from bert.training.tagging.encoding import NO_TOKEN, EncodedSentence

F1 = "f1"
"""of entities: the measure that says which of two checkpoints is better"""

Tags = Sequence[Sequence[str]]
"""of the words of each sentence"""


def word_tags(
    sentences: Sequence[EncodedSentence], predicted: Sequence[np.ndarray], labels: Sequence[str]
) -> list[list[str]]:
    """The tags of words: each has that of its first token, and O without one.

    Args:
      sentences: whose words are asked about.
      predicted: int [S] of each sentence's tokens.
      labels: in class order.
    """
    return [
        [
            OUTSIDE if place == NO_TOKEN else labels[classes[place]]
            for place in sentence.first_pieces
        ]
        for sentence, classes in zip(sentences, predicted, strict=True)
    ]


def measure(predicted: Tags, expected: Tags) -> Mapping[str, float]:
    """Precision, recall and F1 of entities, and the accuracy of words."""
    metrics = import_seqeval()
    return {
        name: float(_asked(getattr(metrics, f"{name}_score"), predicted, expected))
        for name in ("accuracy", F1, "precision", "recall")
    }


def report(predicted: Tags, expected: Tags) -> str:
    """The same for each type of entity, as a table."""
    table = import_seqeval().classification_report
    return str(_asked(table, predicted, expected, digits=4, zero_division=0))


def import_seqeval() -> Any:
    """`seqeval.metrics`.

    Raises:
      UserError: it is not installed.
    """
    try:
        from seqeval import metrics
    except ImportError as error:
        raise UserError(
            "--do_eval measures entities with the package seqeval, which is not installed: type "
            "pip install 'bert-text-exporter[train]'."
        ) from error
    return metrics


def _asked(score: Callable[..., Any], predicted: Tags, expected: Tags, **more: Any) -> Any:
    return score([list(tags) for tags in expected], [list(tags) for tags in predicted], **more)
