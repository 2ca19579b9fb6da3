"""A share of the training examples for evaluation, where there is no file for that."""

import collections
from collections.abc import Collection, Sequence
from typing import TypeVar

import numpy as np

from bert.errors import UserError
from bert.training.dataset import DEV

E = TypeVar("E")


def share(
    split: str, examples: Sequence[E], names: Sequence[Collection[str]], fraction: float, seed: int
) -> list[E]:
    """The examples that stand for DEV, or those that are left for TRAIN; in their order.

    Args:
      split: DEV or TRAIN.
      examples: those of the training file.
      names: the labels that each of them has, if any.
      fraction: of the examples of each label that is held out for DEV.
      seed: of the choice.

    Raises:
      UserError: so few are left for DEV that there is none.
    """
    generator = np.random.default_rng(seed)
    by_label: dict[str, list[int]] = {}
    for index, label in enumerate(_rarest(names)):
        by_label.setdefault(label, []).append(index)
    held_out: set[int] = set()
    for _, indices in sorted(by_label.items()):
        # One example of a label at least stays to be learnt.
        count = min(len(indices) - 1, round(len(indices) * fraction))
        held_out.update(int(index) for index in generator.permutation(indices)[:count])
    if split == DEV and not held_out:
        raise UserError(
            f"--dev_fraction is {fraction:g}, of which {len(examples)} examples leave none for "
            f"--do_eval: give a larger share, or a file for {DEV}."
        )
    return [
        example for index, example in enumerate(examples) if (index in held_out) == (split == DEV)
    ]


def _rarest(names: Sequence[Collection[str]]) -> list[str]:
    """The rarest label of each example, "" without any."""
    counts = collections.Counter(name for each in names for name in each)
    return [min(each, key=lambda name: (counts[name], name), default="") for each in names]
