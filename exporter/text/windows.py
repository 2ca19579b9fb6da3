"""Long texts to the model's input, in graph, in windows that overlap.

Each window is a row of the model's own: `[CLS] part of the text [SEP]`, or, where questions are
answered, `[CLS] question [SEP] part of the context [SEP]` or a relative of that.
"""

from typing import NamedTuple

import tensorflow as tf

from bert.encoder.packed_tokens import PackedTokens, index_in_row, row_of_each_value
from bert.tokenizers.huggingface.settings import PairForm
from exporter.text.packing import Packed, pack
from exporter.text.questions import QuestionSettings
from exporter.text.tokens import TokenIds, Tokens

# The start and end of what stands in no context.
_NOWHERE = -1


class RowWindows(NamedTuple):
    """N tokens of W windows of B texts, those of a text one after the other."""

    tokens: PackedTokens
    """a row a window"""

    rows: tf.Tensor
    """int32 [W], the number of the text, not falling; every text has a window"""


class Windows(NamedTuple):
    """N tokens of W windows of B texts or contexts, those of one after the other."""

    tokens: PackedTokens
    """a row a window"""

    starts: tf.Tensor
    """int32 [N], first character of the token in its text or context; -1 outside of it"""

    ends: tf.Tensor
    """int32 [N], character after the token in its text or context; -1 outside of it"""

    rows: tf.Tensor
    """int32 [W], the number of the text or question, not falling"""

    is_best: tf.Tensor
    """bool [N], whether no other window has more of the text around the token"""

    def best(self, num_rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Each token of single texts once, out of its best window.

        Returns:
          row splits int32 [B + 1] of M tokens, and their places int32 [M] among the N.
        """
        row_splits = self.tokens.row_splits
        window_of = row_of_each_value(row_splits)
        is_first = tf.not_equal(self.rows, tf.concat([[-1], self.rows[:-1]], axis=0))
        is_last = tf.concat([is_first[1:], is_first[:1]], axis=0)
        place = tf.range(tf.size(window_of))
        # [CLS] of the first window and [SEP] of the last one.
        is_cls = tf.equal(place, tf.gather(row_splits, window_of))
        is_sep = tf.equal(place, tf.gather(row_splits, window_of + 1) - 1)
        kept = self.is_best & ~is_cls & ~is_sep
        kept |= is_cls & tf.gather(is_first, window_of)
        kept |= is_sep & tf.gather(is_last, window_of)
        places = tf.where(kept)[:, 0]
        rows = tf.gather(self.rows, tf.gather(window_of, places))
        counts = tf.math.unsorted_segment_sum(tf.ones_like(rows), rows, num_rows)
        return tf.concat([[0], tf.cumsum(counts)], axis=0), places


class Cut(NamedTuple):
    """Where the windows of B texts lie."""

    row_splits: tf.Tensor
    """int32 [B + 1], of the W windows"""

    rows: tf.Tensor
    """int32 [W]"""

    starts: tf.Tensor
    """int32 [W], in tokens of the text"""

    lengths: tf.Tensor
    """int32 [W], tokens of the text"""

    steps: tf.Tensor
    """int32 [B], from the start of a window to that of the next"""


def kept_of_question(lengths: tf.Tensor, settings: QuestionSettings) -> tf.Tensor:
    """How many tokens of each question are kept: int32 [B] -> int32 [B]."""
    return tf.minimum(lengths, settings.max_query_length)


def cut(text_lengths: tf.Tensor, capacity: tf.Tensor, steps: tf.Tensor) -> Cut:
    """The windows of each text, as many as it takes to see all of it; one of an empty one.

    Example: texts of 9 and 2 tokens where windows hold 5 and, as in transformers, share 2:
    windows of the rows 0, 0, 0, 1 start at 0, 3, 6, 0 and hold 5, 5, 3, 2 tokens.

    Args:
      text_lengths: int32 [B].
      capacity: int32 [B], tokens that windows hold of the text.
      steps: int32 [B], from the start of a window to that of the next, from 1 to `capacity`.
    """
    beyond = tf.maximum(text_lengths - capacity, 0)
    counts = 1 + (beyond + steps - 1) // steps
    row_splits = tf.concat([[0], tf.cumsum(counts)], axis=0)
    rows = row_of_each_value(row_splits)  # [W]
    starts = index_in_row(row_splits, rows) * tf.gather(steps, rows)
    lengths = tf.minimum(tf.gather(capacity, rows), tf.gather(text_lengths, rows) - starts)
    return Cut(row_splits, rows, starts, lengths, steps)


class TextCutter(NamedTuple):
    """Cuts single texts into windows."""

    max_seq_length: int
    """of a window with [CLS] and [SEP]"""

    doc_stride: int
    """tokens that two windows share"""

    cls_id: int
    sep_id: int

    def rows(self, text: TokenIds) -> RowWindows:
        """All windows of B texts."""
        parts = self._cut(text)
        return RowWindows(self._packed(text, parts).tokens, parts.rows)

    def windows(self, text: Tokens) -> Windows:
        """The same, with the place of each token in its text."""
        parts = self._cut(text.without_offsets())
        packed = self._packed(text.without_offsets(), parts)
        starts, ends = (packed.gather([places], _NOWHERE, _NOWHERE) for places in text.offsets())
        return _windows(packed.tokens, starts, ends, parts, tf.ones_like(parts.rows))

    def _cut(self, text: TokenIds) -> Cut:
        lengths = text.lengths()
        capacity = tf.fill(tf.shape(lengths), self.max_seq_length - 2)
        return cut(lengths, capacity, capacity - self.doc_stride)

    def _packed(self, text: TokenIds, parts: Cut) -> Packed:
        firsts = tf.gather(text.row_splits, parts.rows) + parts.starts
        one = tf.ones_like(parts.rows)
        return pack([text], [parts.lengths], [one], self.cls_id, self.sep_id, [firsts])


def cut_windows(
    question: TokenIds,
    context: Tokens,
    settings: QuestionSettings,
    max_seq_length: int,
    cls_id: int,
    sep_id: int,
    pair_form: PairForm,
) -> Windows:
    """All windows of B questions and their contexts."""
    kept = kept_of_question(question.lengths(), settings)
    capacity = pair_form.budget(max_seq_length) - kept  # [B]
    if settings.stride_is_shared:
        steps = capacity - settings.doc_stride
    else:
        steps = tf.minimum(capacity, settings.doc_stride)
    parts = cut(context.without_offsets().lengths(), capacity, steps)
    rows = parts.rows
    packed = pack(
        [question, context.without_offsets()],
        [tf.gather(kept, rows), parts.lengths],
        [tf.ones_like(rows)] * 2,
        cls_id,
        sep_id,
        [
            tf.gather(question.row_splits, rows),
            tf.gather(context.row_splits, rows) + parts.starts,
        ],
        pair_form,
    )
    nowhere = tf.fill(tf.shape(question.ids), _NOWHERE)
    starts, ends = (
        packed.gather([nowhere, places], _NOWHERE, _NOWHERE) for places in context.offsets()
    )
    # What stands before the context: [CLS], the question and [SEP], once or twice.
    before = 1 + tf.gather(kept, rows) + pair_form.separators
    return _windows(packed.tokens, starts, ends, parts, before)


def _windows(
    tokens: PackedTokens, starts: tf.Tensor, ends: tf.Tensor, parts: Cut, before: tf.Tensor
) -> Windows:
    """Windows with `before`, int32 [W], tokens before their part of the text."""
    window_of = row_of_each_value(tokens.row_splits)  # [N]
    place = tokens.positions + tf.gather(parts.starts - before, window_of)
    rows = tf.gather(parts.rows, window_of)
    is_best = tf.equal(_best_windows(parts, rows, place), window_of)
    return Windows(tokens, starts, ends, parts.rows, is_best)


def _best_windows(parts: Cut, rows: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """The window that has most around each token (run_squad.py, `_check_is_max_context`).

    A window's score for a token is the smaller of its tokens to the left and to the right, and a
    hundredth of its length, as run_squad computes it; the first of the best windows counts. All
    windows of a text but the last are equally long, so that one of the two whose middle is
    nearest is the best of these.

    Args:
      parts: W windows.
      rows: int32 [N], not falling.
      places: int32 [N], tokens of the text before each; outside of it the result means nothing.

    Returns:
      int32 [N].
    """
    first, last = tf.gather(parts.row_splits, rows), tf.gather(parts.row_splits, rows + 1) - 1
    step = tf.gather(parts.steps, rows)
    # The middle of a window that holds L tokens is (L - 1) / 2 behind its start.
    nearest = (2 * places - tf.gather(parts.lengths, first) + 1) // (2 * step)
    last_long = tf.maximum(first, last - 1)
    candidates = tf.stack(
        [tf.clip_by_value(first + nearest + more, first, last_long) for more in (0, 1)] + [last]
    )  # [3, N], not falling
    starts, lengths = tf.gather(parts.starts, candidates), tf.gather(parts.lengths, candidates)
    left, right = places - starts, starts + lengths - 1 - places
    around = tf.minimum(left, right)
    scores = tf.cast(around, tf.float64) + 0.01 * tf.cast(lengths, tf.float64)
    scores = tf.where(around < 0, tf.constant(-1.0, tf.float64), scores)
    best = tf.argmax(scores, axis=0, output_type=tf.int32)  # the first of equal ones
    return tf.gather_nd(candidates, tf.stack([best, tf.range(tf.size(best))], axis=1))
