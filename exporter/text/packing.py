"""Packing: token ids of one or two texts to the encoder's PackedTokens."""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from bert.packed_tokens import PackedTokens, index_in_row, row_of_each_value
from exporter.text.tokens import Tokens

# Where [CLS] and [SEP] start and end in the text: nowhere.
NOT_IN_TEXT = -1


class PackedText(NamedTuple):
    """The model's input, and where in the request's text each of its N tokens stands."""

    tokens: PackedTokens

    starts: tf.Tensor
    """int32 [N], first character of the token in its text; -1 for [CLS] and [SEP]"""

    ends: tf.Tensor
    """int32 [N], character after the token in its text; -1 for [CLS] and [SEP]"""


def pack(
    segments: Sequence[Tokens],
    kept: Sequence[tf.Tensor],
    has_segment: Sequence[tf.Tensor],
    cls_id: int,
    sep_id: int,
) -> PackedText:
    """`[CLS] a [SEP]` or `[CLS] a [SEP] b [SEP]` of every row, without padding.

    Args:
      segments: the texts' tokens, of B rows each.
      kept: int32 [B] for each text, how many of its tokens fit.
      has_segment: int32 [B] for each text, 0 where it is left out with its [SEP], else 1.
      cls_id: of [CLS].
      sep_id: of [SEP].

    Returns:
      N tokens of B rows; segment ids count the texts from 0.
    """
    # Behind the tokens of all texts stand [CLS] and [SEP], so that one gather finds them.
    cls_index = tf.add_n([tf.size(segment.ids) for segment in segments])
    sep_index = cls_index + 1
    rows = tf.zeros_like(kept[0])  # [B]

    # A row is made of parts: [CLS], then the tokens and the [SEP] of each text.
    lengths, starts, segment_ids = [rows + 1], [rows + cls_index], [0]
    offset = tf.constant(0)
    for number, (segment, length, has) in enumerate(zip(segments, kept, has_segment, strict=True)):
        lengths += [length, has]
        starts += [segment.row_splits[:-1] + offset, rows + sep_index]
        segment_ids += [number, number]
        offset += tf.size(segment.ids)
    parts_per_row = len(segment_ids)
    part_lengths = tf.reshape(tf.stack(lengths, axis=1), [-1])  # [B * parts]
    part_starts = tf.reshape(tf.stack(starts, axis=1), [-1])  # [B * parts]
    part_splits = tf.concat([[0], tf.cumsum(part_lengths)], axis=0)  # [B * parts + 1]

    parts = row_of_each_value(part_splits)  # [N]
    indices = tf.gather(part_starts, parts) + index_in_row(part_splits, parts)  # [N]
    row_splits = part_splits[::parts_per_row]  # [B + 1]

    def gathered(fields: list[tf.Tensor], cls_value: int, sep_value: int) -> tf.Tensor:
        return tf.gather(tf.concat([*fields, [cls_value, sep_value]], axis=0), indices)

    ids = gathered([segment.ids for segment in segments], cls_id, sep_id)
    return PackedText(
        tokens=PackedTokens(
            ids=ids,
            segment_ids=tf.gather(segment_ids, parts % parts_per_row),
            positions=index_in_row(row_splits, parts // parts_per_row),
            row_splits=row_splits,
            attention_bias=tf.zeros_like(ids, tf.float32),
        ),
        starts=gathered([segment.starts for segment in segments], NOT_IN_TEXT, NOT_IN_TEXT),
        ends=gathered([segment.ends for segment in segments], NOT_IN_TEXT, NOT_IN_TEXT),
    )
