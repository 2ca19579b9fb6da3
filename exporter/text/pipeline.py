"""TextPipeline: the texts of a request to the model's input, in graph."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import tensorflow as tf

from bert.encoder.packed_tokens import PackedTokens
from bert.model import TextModel
from exporter.text.packing import Packed, keep_single, pack
from exporter.text.profiles import PROFILES
from exporter.text.tokens import TokenIds

_Segment = TypeVar("_Segment")


# Where [CLS] and [SEP] start and end in the text: nowhere.
NOT_IN_TEXT = -1


class PackedText(NamedTuple):
    """The model's input, and where in the request's text each of its N tokens stands."""

    tokens: PackedTokens

    starts: tf.Tensor
    """int32 [N], first character of the token in its text; -1 for [CLS] and [SEP]"""

    ends: tf.Tensor
    """int32 [N], character after the token in its text; -1 for [CLS] and [SEP]"""


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
        """String [B] for each text -> the tokens of B rows, and where they stand.

        Raises (when the graph runs):
          InvalidArgumentError: a text is not of rank 1, or the two differ in length.
        """
        segments = _tokenize(texts, self._tokenizer)
        packed = self._pack([segment.without_offsets() for segment in segments])
        starts, ends = (
            packed.gather(places, NOT_IN_TEXT, NOT_IN_TEXT)
            for places in zip(*(segment.offsets() for segment in segments), strict=True)
        )
        return PackedText(packed.tokens, starts, ends)

    def tokens(self, texts: Sequence[tf.Tensor]) -> PackedTokens:
        """The same without places, in a graph that has nothing for them."""
        return self._pack(_tokenize(texts, self._tokenizer.ids)).tokens

    def _pack(self, segments: Sequence[TokenIds]) -> Packed:
        if len(segments) == 1:
            kept = keep_single(_lengths(segments[0]), self._max_seq_length)
            return pack(segments, [kept], [tf.ones_like(kept)], self._cls_id, self._sep_id)
        lengths_a, lengths_b = (_lengths(segment) for segment in segments)
        kept = self._profile.truncate_pair(lengths_a, lengths_b, self._max_seq_length - 3)
        has_a = has_b = tf.ones_like(lengths_a)
        if not self._profile.keeps_empty_second_text:
            # Without a second text the first one is truncated as if it came alone.
            alone = keep_single(lengths_a, self._max_seq_length)
            kept = tf.where(tf.equal(lengths_b, 0), alone, kept[0]), kept[1]
            has_b = tf.minimum(kept[1], 1)
        return pack(segments, kept, [has_a, has_b], self._cls_id, self._sep_id)


def _tokenize(
    texts: Sequence[tf.Tensor], tokenize: Callable[[tf.Tensor], _Segment]
) -> list[_Segment]:
    # Survives grappler, where an assertion of the rank is folded away; without it a
    # request of another shape than [B] ends some servers.
    texts = [tf.ensure_shape(text, [None]) for text in texts]
    if len(texts) == 1:
        return [tokenize(texts[0])]
    with tf.control_dependencies([_same_length(*texts)]):
        return [tokenize(text) for text in texts]


def _lengths(tokens: TokenIds) -> tf.Tensor:
    return tokens.row_splits[1:] - tokens.row_splits[:-1]


def _same_length(text_a: tf.Tensor, text_b: tf.Tensor) -> tf.Operation:
    message = "text_a and text_b must have the same number of rows"
    return tf.debugging.Assert(
        tf.equal(tf.size(text_a), tf.size(text_b)), [message, tf.size(text_a), tf.size(text_b)]
    )
