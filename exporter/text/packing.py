"""Packing: token ids of one or two texts to the encoder's PackedTokens."""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from bert.encoder.packed_tokens import PackedTokens, index_in_row, row_of_each_value
from bert.tokenizers.huggingface.settings import PairForm
from exporter.text.tokens import TokenIds

_OF_BERT = PairForm()


class Packed(NamedTuple):
    """The model's input, and the sources of its tokens."""

    tokens: PackedTokens
    """N of B rows; segment ids count the texts from 0"""

    sources: tf.Tensor
    """int32 [N], places in the list of the first text's tokens of all rows, the second text's
    tokens of all rows, [CLS] and [SEP]"""

    pieces: tf.Tensor
    """int32 [B], how many pieces of the texts are in each row"""

    def gather(self, values: Sequence[tf.Tensor], cls: int, sep: int) -> tf.Tensor:
        """Gives each of the N tokens its value: int32 [N].

        Args:
          values: for each text, the values of its tokens before packing.
          cls: the value of [CLS].
          sep: the value of [SEP].
        """
        return _gather(values, cls, sep, self.sources)


def pack(
    segments: Sequence[TokenIds],
    kept: Sequence[tf.Tensor],
    has_segment: Sequence[tf.Tensor],
    cls_id: int,
    sep_id: int,
    firsts: Sequence[tf.Tensor] | None = None,
    pair_form: PairForm = _OF_BERT,
) -> Packed:
    """`[CLS] a [SEP]` or `[CLS] a [SEP] b [SEP]` of every row, without padding.

    Example: the first texts `[1, 2, 3]`, `[4]`, `[]` and the second texts `[5]`, `[]`, `[6, 7]`
    with `kept = [2, 1, 0], [1, 0, 2]`, `has_segment = [1, 1, 1], [1, 0, 1]`, and the ids 101
    and 102 give the rows `[101, 1, 2, 102, 5, 102]`, `[101, 4, 102]`, `[101, 102, 6, 7, 102]`:

        ids         = [101, 1, 2, 102, 5, 102,  101, 4, 102,  101, 102, 6, 7, 102]
        segment_ids = [  0, 0, 0,   0, 1,   1,    0, 0,   0,    0,   0, 1, 1,   1]
        positions   = [  0, 1, 2,   3, 4,   5,    0, 1,   2,    0,   1, 2, 3,   4]
        row_splits  = [0, 6, 9, 14]
        sources     = [  7, 0, 1,   8, 4,   8,    7, 3,   8,    7,   8, 5, 6,   8]
        pieces      = [3, 1, 2]

    Args:
      segments: the texts' tokens, of B rows each.
      kept: int32 [B] for each text, how many of its tokens fit.
      has_segment: int32 [B] for each text, 0 where it is left out with its [SEP], else 1.
      cls_id: of [CLS].
      sep_id: of [SEP].
      firsts: int32 [B] for each text, the places of its first tokens where rows are parts of
        `segments`; None stands for the first tokens of their rows.
      pair_form: what two texts become.
    """
    if firsts is None:
        firsts = [segment.row_splits[:-1] for segment in segments]
    # Behind the tokens of all texts stand [CLS] and [SEP], so that one gather finds them.
    cls_index = tf.add_n([tf.size(segment.ids) for segment in segments])
    sep_index = cls_index + 1
    rows = tf.zeros_like(kept[0])  # [B]

    # A row is made of parts: [CLS], then the tokens and the [SEP] of each text.
    lengths, starts, segment_ids = [rows + 1], [rows + cls_index], [0]
    offset = tf.constant(0)
    texts = zip(segments, firsts, kept, has_segment, strict=True)
    for number, (segment, first, length, has) in enumerate(texts):
        is_last = number == len(segments) - 1
        lengths += [length, has if is_last else has * pair_form.separators]
        starts += [first + offset, rows + sep_index]
        segment_ids += [number * pair_form.second_segment] * 2
        offset += tf.size(segment.ids)
    parts_per_row = len(segment_ids)
    part_lengths = tf.reshape(tf.stack(lengths, axis=1), [-1])  # [B * parts]
    part_starts = tf.reshape(tf.stack(starts, axis=1), [-1])  # [B * parts]
    part_splits = tf.concat([[0], tf.cumsum(part_lengths)], axis=0)  # [B * parts + 1]

    parts = row_of_each_value(part_splits)  # [N]
    sources = tf.gather(part_starts, parts) + index_in_row(part_splits, parts)  # [N]
    if pair_form.separators > 1:
        sources = tf.minimum(sources, sep_index)
    row_splits = part_splits[::parts_per_row]  # [B + 1]
    ids = _gather([segment.ids for segment in segments], cls_id, sep_id, sources)
    tokens = PackedTokens(
        ids=ids,
        segment_ids=tf.gather(segment_ids, parts % parts_per_row),
        positions=index_in_row(row_splits, parts // parts_per_row),
        row_splits=row_splits,
        attention_bias=tf.zeros_like(ids, tf.float32),
    )
    return Packed(tokens, sources, tf.add_n(list(kept)))


def _gather(values: Sequence[tf.Tensor], cls: int, sep: int, sources: tf.Tensor) -> tf.Tensor:
    return tf.gather(tf.concat([*values, [cls, sep]], axis=0), sources)


def keep_single(lengths: tf.Tensor, max_seq_length: int) -> tf.Tensor:
    """How many tokens fit with [CLS] and [SEP]: int32 [B] -> int32 [B].

    Example: `lengths = [3, 9, 0]` and `max_seq_length = 8` give `[3, 6, 0]`.
    """
    return tf.minimum(lengths, max_seq_length - 2)


def keep_longer_shortened(
    lengths_a: tf.Tensor, lengths_b: tf.Tensor, budget: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """How many tokens are left when the longer text loses tokens until both fit.

    Of texts of equal length the second loses one. `_truncate_seq_pair` of the original's
    run_classifier.py removes one token at a time; this is its result. RoundRobinTrimmer of
    tensorflow_text, which fills from the front, keeps as many.

    Example: `lengths_a = [2, 9, 1]`, `lengths_b = [2, 9, 9]` and `budget = 5` give `[2, 3, 1]`
    and `[2, 2, 4]`.

    Args:
      lengths_a: int32 [B].
      lengths_b: int32 [B].
      budget: tokens for both texts.

    Returns:
      int32 [B] for each.
    """
    kept_a = tf.minimum(lengths_a, tf.maximum(budget - lengths_b, (budget + 1) // 2))
    kept_b = tf.minimum(lengths_b, tf.maximum(budget - lengths_a, budget // 2))
    return kept_a, kept_b


def keep_longest_first(
    lengths_a: tf.Tensor, lengths_b: tf.Tensor, budget: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """The same, but an odd token goes to the longer text (`LongestFirst` of `tokenizers`).

    Example: `lengths_a = [8, 9, 9]`, `lengths_b = [9, 9, 8]` and `budget = 5` give `[2, 2, 3]`
    and `[3, 3, 2]`, where `keep_longer_shortened` gives `[3, 3, 3]` and `[2, 2, 2]`.

    Args:
      lengths_a: int32 [B].
      lengths_b: int32 [B].
      budget: tokens for both texts.

    Returns:
      int32 [B] for each.
    """
    a_is_longer = tf.cast(lengths_a > lengths_b, tf.int32)
    share_a = budget // 2 + a_is_longer * (budget % 2)
    kept_a = tf.minimum(lengths_a, tf.maximum(budget - lengths_b, share_a))
    kept_b = tf.minimum(lengths_b, tf.maximum(budget - lengths_a, budget - share_a))
    return kept_a, kept_b
