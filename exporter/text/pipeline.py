"""TextPipeline: the texts of a request to the model's input, in graph."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import tensorflow as tf

from bert.encoder.packed_tokens import PackedTokens
from bert.model import TextModel
from exporter.text.long_texts import CUT, HEAD_TAIL, HeadAndTail, LongTexts
from exporter.text.packing import Packed, keep_single, pack
from exporter.text.profiles import PROFILES
from exporter.text.questions import QuestionSettings
from exporter.text.tokens import TokenIds, Tokens, head_and_tail
from exporter.text.windows import RowWindows, TextCutter, Windows, cut_windows, kept_of_question

_Segment = TypeVar("_Segment", TokenIds, Tokens)

# The start and end of [CLS] and [SEP], which stand in no text.
NOT_IN_TEXT = -1


class PackedText(NamedTuple):
    """The model's input, and the place of each of its N tokens in the request's text."""

    tokens: PackedTokens

    starts: tf.Tensor
    """int32 [N], first character of the token in its text; -1 for [CLS] and [SEP]"""

    ends: tf.Tensor
    """int32 [N], character after the token in its text; -1 for [CLS] and [SEP]"""

    truncated: tf.Tensor
    """bool [B], whether pieces of the row's texts are not among the tokens"""


class TextPipeline(tf.Module):
    """One text, or two, to the model's input: tokenize each, truncate, pack."""

    def __init__(
        self,
        model: TextModel,
        word_piece_op: str,
        questions: QuestionSettings | None = None,
        long_texts: LongTexts = CUT,
    ) -> None:
        """Takes the profile of the tokenizer that the model was trained with.

        `questions` are given where the two texts are a question and its context; `long_texts` says
        what becomes of single texts that are too long.
        """
        super().__init__(name="text")
        self._profile = PROFILES[model.tokenizer]
        self._tokenizer = self._profile.build(model, word_piece_op)
        self._max_seq_length = model.max_seq_length
        self._cls_id, self._sep_id = model.special_ids()
        self._pair_form = model.pair_form()
        self._questions = questions
        self._prompt = model.prompt
        self._long_texts = long_texts

    def windows(self, texts: Sequence[tf.Tensor]) -> Windows:
        """Texts, or questions and contexts, string [B] each -> all windows of them."""
        if self._questions is None:
            (text,) = _map_texts(self._tokenizer.tokenize_with_offsets, texts)
            return self._cutter().windows(text)
        question, context = _map_texts(self._tokenizer.tokenize_with_offsets, texts)
        return cut_windows(
            question.without_offsets(),
            context,
            self._questions,
            self._max_seq_length,
            self._cls_id,
            self._sep_id,
            self._pair_form,
        )

    def row_windows(self, texts: Sequence[tf.Tensor]) -> RowWindows:
        """Texts, string [B] -> all windows of them."""
        (text,) = _map_texts(self._tokenizer.tokenize, texts)
        return self._cutter().rows(text)

    def _cutter(self) -> TextCutter:
        return TextCutter(
            self._max_seq_length, self._long_texts.doc_stride, self._cls_id, self._sep_id
        )

    def tokenize(self, texts: Sequence[tf.Tensor]) -> PackedTokens:
        """String [B] for each text -> the tokens of B rows.

        Raises (when the graph runs):
          InvalidArgumentError: a text is not of rank 1, or the two differ in length.
        """
        segments = _map_texts(self._with_prompt(self._tokenizer.tokenize), texts)
        return self._pack([self._without_middle(segment) for segment in segments]).tokens

    def tokenize_with_offsets(self, texts: Sequence[tf.Tensor]) -> PackedText:
        """The same, with the place of each token in its text, and whether texts were cut.

        Example: the text "good film" gives the tokens [CLS], "good", "film", [SEP] and

            starts = [-1, 0, 5, -1]
            ends   = [-1, 4, 9, -1]
        """
        segments = _map_texts(self._with_prompt(self._tokenizer.tokenize_with_offsets), texts)
        given = tf.add_n([segment.without_offsets().lengths() for segment in segments])
        segments = [self._without_middle(segment) for segment in segments]
        packed = self._pack([segment.without_offsets() for segment in segments])
        starts, ends = (
            packed.gather(places, NOT_IN_TEXT, NOT_IN_TEXT)
            for places in zip(*(segment.offsets() for segment in segments), strict=True)
        )
        if self._prompt:
            starts, ends = _behind(len(self._prompt), starts, ends)
        return PackedText(packed.tokens, starts, ends, packed.pieces < given)

    def _with_prompt(
        self, tokenize: Callable[[tf.Tensor], _Segment]
    ) -> Callable[[tf.Tensor], _Segment]:
        prompt = self._prompt
        return (lambda text: tokenize(tf.strings.join([prompt, text]))) if prompt else tokenize

    def _without_middle(self, segment: _Segment) -> _Segment:
        if self._long_texts.long_text != HEAD_TAIL:
            return segment
        return head_and_tail(segment, *HeadAndTail.of(self._max_seq_length))

    def _pack(self, segments: Sequence[TokenIds]) -> Packed:
        if len(segments) == 1:
            kept = segments[0].lengths()
            if not self._long_texts.reads_windows:  # else all of a text is read
                kept = keep_single(kept, self._max_seq_length)
            return pack(segments, [kept], [tf.ones_like(kept)], self._cls_id, self._sep_id)
        lengths_a, lengths_b = (segment.lengths() for segment in segments)
        if self._questions is not None:
            # All of a context is read, in one window or several.
            question = kept_of_question(lengths_a, self._questions)
            kept = question, lengths_b
            has_a = has_b = tf.ones_like(question)
        else:
            budget = self._pair_form.budget(self._max_seq_length)
            kept = self._profile.truncate_pair(lengths_a, lengths_b, budget)
            has_a = has_b = tf.ones_like(lengths_a)
            if not self._profile.keeps_empty_second_text:
                # Without a second text the first one is truncated as if it came alone.
                alone = keep_single(lengths_a, self._max_seq_length)
                kept = tf.where(tf.equal(lengths_b, 0), alone, kept[0]), kept[1]
                has_b = tf.minimum(kept[1], 1)
        return pack(
            segments, kept, [has_a, has_b], self._cls_id, self._sep_id, pair_form=self._pair_form
        )


def _behind(length: int, starts: tf.Tensor, ends: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Places in a text that had so many characters before it, which stand in no text."""
    is_inside = ends > length
    return (
        tf.where(is_inside, tf.maximum(starts - length, 0), NOT_IN_TEXT),
        tf.where(is_inside, ends - length, NOT_IN_TEXT),
    )


def _map_texts(
    tokenize: Callable[[tf.Tensor], _Segment], texts: Sequence[tf.Tensor]
) -> list[_Segment]:
    # `ensure_shape` survives grappler, which folds an assertion of the rank away; without it a
    # request of another shape than [B] ends some servers.
    texts = [tf.ensure_shape(text, [None]) for text in texts]
    if len(texts) == 1:
        return [tokenize(texts[0])]
    with tf.control_dependencies([_same_length(*texts)]):
        return [tokenize(text) for text in texts]


def _same_length(text_a: tf.Tensor, text_b: tf.Tensor) -> tf.Operation:
    message = "the two texts of a row must come in the same number of rows"
    return tf.debugging.Assert(
        tf.equal(tf.size(text_a), tf.size(text_b)), [message, tf.size(text_a), tf.size(text_b)]
    )
