import itertools
from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from bert.tokenizers.google_research import truncate_pair
from exporter.text.packing import keep_longer_shortened, keep_single
from tests.oracles.original_pairs import original_truncate_seq_pair

_LONGEST = 40


@pytest.mark.parametrize("max_seq_length", [3, 4, 10, 64])
def test_single(max_seq_length: int) -> None:
    kept = keep_single(tf.range(20), max_seq_length).numpy()
    assert kept.tolist() == [len(range(length)[: max_seq_length - 2]) for length in range(20)]


def test_pairs_as_the_original_does_one_token_at_a_time() -> None:
    """All lengths to 40 and all budgets, in the original, in Python and in graph."""
    original = original_truncate_seq_pair()
    pairs = list(itertools.product(range(_LONGEST + 1), repeat=2))
    lengths_a, lengths_b = np.array(pairs, np.int32).T
    for budget in range(2 * _LONGEST + 2):
        expected = [shortened(original, a, b, budget) for a, b in pairs]
        assert [shortened(truncate_pair, a, b, budget) for a, b in pairs] == expected
        kept_a, kept_b = keep_longer_shortened(lengths_a, lengths_b, budget)
        assert list(zip(kept_a.numpy().tolist(), kept_b.numpy().tolist(), strict=True)) == expected


def shortened(
    truncate: Callable[[list[str], list[str], int], None], length_a: int, length_b: int, budget: int
) -> tuple[int, int]:
    tokens_a, tokens_b = [""] * length_a, [""] * length_b
    truncate(tokens_a, tokens_b, budget)
    return len(tokens_a), len(tokens_b)
