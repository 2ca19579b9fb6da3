"""Truncation and packing: token ids to the encoder's PackedTokens."""

import tensorflow as tf

from bert.packed_tokens import PackedTokens, index_in_row, row_of_each_value
from exporter.text.tokenizer import Tokens

# [CLS] and [SEP]
_SPECIAL_TOKENS = 2


def pack(tokens: Tokens, max_seq_length: int, cls_id: int, sep_id: int) -> PackedTokens:
    """`[CLS] tokens [SEP]` of every row, the first `max_seq_length - 2` tokens kept.

    Args:
      tokens: of B rows.
      max_seq_length: with [CLS] and [SEP], at least 3.
      cls_id: of [CLS].
      sep_id: of [SEP].

    Returns:
      N tokens of B rows (`convert_single_example` of the original's run_classifier.py,
      without its padding).
    """
    starts = tokens.row_splits[:-1]  # [B]
    kept = tf.minimum(tokens.row_splits[1:] - starts, max_seq_length - _SPECIAL_TOKENS)
    lengths = kept + _SPECIAL_TOKENS  # [B]
    row_splits = tf.concat([[0], tf.cumsum(lengths)], axis=0)  # [B + 1]
    rows = row_of_each_value(row_splits)  # [N]
    positions = index_in_row(row_splits, rows)  # [N]
    # [CLS] and [SEP] stand behind the tokens, so that one gather finds all three.
    candidates = tf.concat([tokens.ids, [cls_id, sep_id]], axis=0)
    cls_index = tf.size(tokens.ids)
    indices = tf.gather(starts, rows) + positions - 1
    indices = tf.where(tf.equal(positions, 0), cls_index, indices)
    indices = tf.where(tf.equal(positions, tf.gather(lengths, rows) - 1), cls_index + 1, indices)
    ids = tf.gather(candidates, indices)
    return PackedTokens(
        ids=ids,
        segment_ids=tf.zeros_like(ids),
        positions=positions,
        row_splits=row_splits,
        attention_bias=tf.zeros_like(ids, tf.float32),
    )
