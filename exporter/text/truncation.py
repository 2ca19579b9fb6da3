"""How many tokens of each text fit, in closed form and core ops."""

import tensorflow as tf


def keep_single(lengths: tf.Tensor, max_seq_length: int) -> tf.Tensor:
    """The first tokens that fit beside [CLS] and [SEP]: int32 [B] -> int32 [B]."""
    return tf.minimum(lengths, max_seq_length - 2)


def keep_longer_shortened(
    lengths_a: tf.Tensor, lengths_b: tf.Tensor, budget: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """What is left when the longer text loses tokens until both fit; of equals, the second.

    `_truncate_seq_pair` of the original's run_classifier.py, one token at a time there;
    tensorflow_text's RoundRobinTrimmer, which fills from the front, keeps as much.

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
    """The same, but an odd token goes to the longer text (tokenizers, `LongestFirst`).

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
