"""Examples to packed batches: in file order, or shuffled anew in every epoch."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from bert.encoder.packed_tokens import PackedTokens
from bert.tokenizers.google_research import FullTokenizer
from bert.training.dataset import InputExample, Label


class Batch(NamedTuple):
    """B rows of N tokens and their labels, as NumPy arrays; the arguments of a step."""

    ids: np.ndarray
    """int32 [N]."""

    segment_ids: np.ndarray
    """int32 [N]."""

    positions: np.ndarray
    """int32 [N]."""

    row_splits: np.ndarray
    """int32 [B + 1]."""

    label_ids: np.ndarray
    """int32 [B] of classes; whatever the model's losses take, as its `label_spec` has it."""


def batch_signature(label_spec: tf.TensorSpec) -> Batch:
    """One signature for batches of every size, so that a step is traced once."""
    integers = tf.TensorSpec([None], tf.int32)
    return Batch(integers, integers, integers, integers, label_spec)


def packed_tokens(batch: Batch) -> PackedTokens:
    """The tokens of a batch as the encoder takes them."""
    return PackedTokens(batch.ids, batch.segment_ids, batch.positions, batch.row_splits)


@dataclasses.dataclass(frozen=True)
class EncodedExample:
    """Input ids and segment ids of an example, not padded, and its label as a number."""

    ids: np.ndarray
    segment_ids: np.ndarray
    label_id: int | np.ndarray
    """a class, −1 for none; or a scalar or vector of the type that the losses take"""


def encode(
    examples: Sequence[InputExample],
    tokenizer: FullTokenizer,
    label_id: Callable[[Label | None], int | np.ndarray],
    max_seq_length: int,
) -> list[EncodedExample]:
    """Turns texts into ids, truncated to `max_seq_length` tokens, and labels by `label_id`."""
    encoded = []
    for example in examples:
        ids, segment_ids = tokenizer.encode(example.text_a, example.text_b, max_seq_length)
        arrays = np.array(ids, np.int32), np.array(segment_ids, np.int32)
        encoded.append(EncodedExample(*arrays, label_id(example.label)))
    return encoded


def in_order(examples: Sequence[EncodedExample], batch_size: int) -> Iterator[Batch]:
    """Cuts the examples into batches; the last one may be smaller."""
    for start in range(0, len(examples), batch_size):
        yield pack(examples[start : start + batch_size])


def shuffled(
    examples: Sequence[EncodedExample], batch_size: int, seed: int, steps: range
) -> Iterator[Batch]:
    """The training batches of the given steps.

    As in the original's input function, epochs follow each other as one stream that is
    cut into batches, so every batch is full and may reach into the next epoch. Every
    epoch has an order of its own that only `seed` and its number decide: a resumed run
    sees the batches that an uninterrupted one would have seen.
    """
    count = len(examples)
    orders: dict[int, np.ndarray] = {}
    for step in steps:
        chosen = []
        for place in range(step * batch_size, (step + 1) * batch_size):
            epoch, index = divmod(place, count)
            if epoch not in orders:
                orders = {epoch: np.random.default_rng([seed, epoch]).permutation(count)}
            chosen.append(examples[orders[epoch][index]])
        yield pack(chosen)


def pack(examples: Sequence[EncodedExample]) -> Batch:
    """Lays the tokens of the examples one after the other."""
    lengths = [len(example.ids) for example in examples]
    return Batch(
        ids=np.concatenate([example.ids for example in examples]),
        segment_ids=np.concatenate([example.segment_ids for example in examples]),
        positions=np.concatenate([np.arange(length, dtype=np.int32) for length in lengths]),
        row_splits=np.cumsum([0, *lengths], dtype=np.int32),
        label_ids=_stacked([example.label_id for example in examples]),
    )


def _stacked(label_ids: Sequence[int | np.ndarray]) -> np.ndarray:
    labels = np.array(label_ids)
    return labels.astype(np.int32) if labels.dtype.kind == "i" else labels
