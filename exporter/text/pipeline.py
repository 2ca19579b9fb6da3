"""TextPipeline: the texts of a request to the model's input, in graph."""

from collections.abc import Sequence

import tensorflow as tf

from bert.model import TextModel
from exporter.text.packing import PackedText, pack
from exporter.text.profiles import PROFILES
from exporter.text.tokens import Tokens
from exporter.text.truncation import keep_single


class TextPipeline(tf.Module):
    """One text, or two, to the model's input."""

    def __init__(self, model: TextModel, word_piece_op: str) -> None:
        """Takes the profile of the tokenizer that the model was trained with."""
        super().__init__(name="text")
        self._profile = PROFILES[model.tokenizer]
        self._tokenizer = self._profile.build_tokenizer(model, word_piece_op)
        self._max_seq_length = model.max_seq_length
        self._cls_id, self._sep_id = model.special_ids()

    def __call__(self, texts: Sequence[tf.Tensor]) -> PackedText:
        """String [B] for each text -> the tokens of B rows.

        Raises (when the graph runs):
          InvalidArgumentError: a text is not of rank 1, or the two differ in length.
        """
        # Survives grappler, where an assertion of the rank is folded away; without it a
        # request of another shape than [B] ends some servers.
        texts = [tf.ensure_shape(text, [None]) for text in texts]
        if len(texts) == 1:
            tokens = self._tokenizer(texts[0])
            lengths = _lengths(tokens)
            kept = keep_single(lengths, self._max_seq_length)
            return pack([tokens], [kept], [tf.ones_like(kept)], self._cls_id, self._sep_id)
        with tf.control_dependencies([_same_length(*texts)]):
            segments = [self._tokenizer(text) for text in texts]
        lengths_a, lengths_b = (_lengths(segment) for segment in segments)
        kept = self._profile.truncate_pair(lengths_a, lengths_b, self._max_seq_length - 3)
        has_a = has_b = tf.ones_like(lengths_a)
        if not self._profile.keeps_empty_second_text:
            # Without a second text the first one is truncated as if it came alone.
            alone = keep_single(lengths_a, self._max_seq_length)
            kept = tf.where(tf.equal(lengths_b, 0), alone, kept[0]), kept[1]
            has_b = tf.minimum(kept[1], 1)
        return pack(segments, kept, [has_a, has_b], self._cls_id, self._sep_id)


def _lengths(tokens: Tokens) -> tf.Tensor:
    return tokens.row_splits[1:] - tokens.row_splits[:-1]


def _same_length(text_a: tf.Tensor, text_b: tf.Tensor) -> tf.Operation:
    message = "text_a and text_b must have the same number of rows"
    return tf.debugging.Assert(
        tf.equal(tf.size(text_a), tf.size(text_b)), [message, tf.size(text_a), tf.size(text_b)]
    )
