import itertools

import numpy as np
import pytest
import tensorflow as tf

from bert.tokenization import truncate_pair
from exporter.text.truncation import keep_longer_shortened, keep_single


@pytest.mark.parametrize("max_seq_length", [3, 4, 10, 64])
def test_single(max_seq_length: int) -> None:
    kept = keep_single(tf.range(20), max_seq_length).numpy()
    assert kept.tolist() == [len(range(length)[: max_seq_length - 2]) for length in range(20)]


def test_pairs_as_the_original_does_one_token_at_a_time() -> None:
    pairs = list(itertools.product(range(24), repeat=2))
    lengths_a, lengths_b = np.array(pairs, np.int32).T
    for budget in range(30):
        kept_a, kept_b = keep_longer_shortened(lengths_a, lengths_b, budget)
        found = list(zip(kept_a.numpy().tolist(), kept_b.numpy().tolist(), strict=True))
        assert found == [shortened(a, b, budget) for a, b in pairs]


def shortened(length_a: int, length_b: int, budget: int) -> tuple[int, int]:
    tokens_a, tokens_b = [""] * length_a, [""] * length_b
    truncate_pair(tokens_a, tokens_b, budget)
    return len(tokens_a), len(tokens_b)
