"""The order of examples, and rows packed end to end."""

import dataclasses

import numpy as np

from bert.training.batches import pack, shuffled
from tests.bert.training.toy_task import toy_features


def test_every_epoch_shows_every_example_once_in_an_order_of_its_own() -> None:
    examples = toy_features(10)
    numbered = [
        dataclasses.replace(example, label_id=index) for index, example in enumerate(examples)
    ]

    def order(seed: int) -> list[int]:
        batches = shuffled(numbered, 4, seed, range(5))
        return [int(label) for batch in batches for label in batch.label_ids]

    first, second = order(1)[:10], order(1)[10:]
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert order(1) == first + second != order(2)
    resumed = [int(label) for batch in shuffled(numbered, 4, 1, range(3, 5)) for label in batch[4]]
    assert resumed == order(1)[12:]


def test_packing_lays_rows_end_to_end() -> None:
    examples = toy_features(2)
    batch = pack(examples)
    lengths = [len(example.ids) for example in examples]
    assert batch.row_splits.tolist() == [0, lengths[0], sum(lengths)]
    assert batch.positions.tolist() == [*range(lengths[0]), *range(lengths[1])]
    assert batch.ids.tolist() == [*examples[0].ids, *examples[1].ids]
    assert {part.dtype for part in batch} == {np.dtype(np.int32)}
