"""Labels that nothing can be learnt of: told before training starts."""

import collections
from collections.abc import Sequence
from pathlib import Path

from bert.errors import UserError
from bert.training.dataset import InputExample
from bert.training.messages import tell


def require_learnable(examples: Sequence[InputExample], labels: Sequence[str], file: Path) -> None:
    """Checks that the labels of training examples differ; tells which of `labels` never occur.

    Raises:
      UserError: every example has the same label.
    """
    counts = collections.Counter(example.label for example in examples)
    if len(counts) < 2:
        (label,) = counts
        raise UserError(
            f"{file}: every example has the label {label!r}, where at least two are expected: "
            "give examples of the others, or name the right column."
        )
    occurring = {name for label in counts for name in _names(label)}
    never = [label for label in labels if label not in occurring]
    if never:
        tell(f"Warning: {file} has no example of the label {', '.join(map(repr, never))}.")


def _names(label: object) -> tuple[object, ...]:
    return label if isinstance(label, tuple) else (label,)
