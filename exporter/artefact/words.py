"""The words that a network tells in place of a mask token, in graph."""

import tensorflow as tf

from bert.tokenizers.vocabulary import Vocabulary


def words_by_name(answer: tf.Tensor, vocabulary: Vocabulary) -> dict[str, tf.Tensor]:
    """The outputs of a row: `tokens` string [B, k] and `scores` float32 [B, k], best first.

    "" and -1 for a row without a mask token, "" for a word that the vocabulary has no name for.

    Args:
      answer: float32 [B, k, 2], words by id, and scores; both -1 where there is no mask.
      vocabulary: of the model.
    """
    nameless = len(vocabulary.tokens)
    words = tf.cast(answer[..., 0], tf.int32)
    is_named = (words >= 0) & (words < nameless)
    names = tf.constant([*vocabulary.tokens, ""])
    return {
        "tokens": tf.gather(names, tf.where(is_named, words, nameless)),
        "scores": answer[..., 1],
    }
