"""Questions and contexts to the model's input, in graph: a long context in overlapping windows.

Each window is a row of the model's own: `[CLS] question [SEP] part of the context [SEP]`.
"""

from typing import NamedTuple

import tensorflow as tf

from bert.encoder.packed_tokens import PackedTokens, index_in_row, row_of_each_value
from exporter.text.packing import pack
from exporter.text.questions import QuestionSettings
from exporter.text.tokens import TokenIds, Tokens

# The start and end of what stands in no context.
_NOWHERE = -1


class Windows(NamedTuple):
    """N tokens of W windows of B questions, those of a question one after the other."""

    tokens: PackedTokens
    """a row a window"""

    starts: tf.Tensor
    """int32 [N], first character of the token in its context; -1 outside of it"""

    ends: tf.Tensor
    """int32 [N], character after the token in its context; -1 outside of it"""

    rows: tf.Tensor
    """int32 [W], the number of the question, not falling"""

    is_best: tf.Tensor
    """bool [N], whether no other window has more of the context around the token"""


class Cut(NamedTuple):
    """Where the windows of B contexts lie."""

    row_splits: tf.Tensor
    """int32 [B + 1], of the W windows"""

    rows: tf.Tensor
    """int32 [W]"""

    starts: tf.Tensor
    """int32 [W], in tokens of the context"""

    lengths: tf.Tensor
    """int32 [W], tokens of the context"""

    steps: tf.Tensor
    """int32 [B], from the start of a window to that of the next"""


def kept_of_question(lengths: tf.Tensor, settings: QuestionSettings) -> tf.Tensor:
    """How many tokens of each question are kept: int32 [B] -> int32 [B]."""
    return tf.minimum(lengths, settings.max_query_length)


def cut_contexts(
    question_lengths: tf.Tensor,
    context_lengths: tf.Tensor,
    settings: QuestionSettings,
    max_seq_length: int,
) -> Cut:
    """The windows of each context, as many as it takes to see all of it; one of an empty one.

    Example: contexts of 9 and 2 tokens where windows hold 5 and, as in transformers, share 2:
    windows of the rows 0, 0, 0, 1 start at 0, 3, 6, 0 and hold 5, 5, 3, 2 tokens.

    Args:
      question_lengths: int32 [B], as they are kept.
      context_lengths: int32 [B].
      settings: how far windows are apart.
      max_seq_length: of a window with question and special tokens.
    """
    capacity = max_seq_length - 3 - question_lengths  # [B]
    if settings.stride_is_shared:
        steps = capacity - settings.doc_stride
    else:
        steps = tf.minimum(capacity, settings.doc_stride)
    beyond = tf.maximum(context_lengths - capacity, 0)
    counts = 1 + (beyond + steps - 1) // steps
    row_splits = tf.concat([[0], tf.cumsum(counts)], axis=0)
    rows = row_of_each_value(row_splits)  # [W]
    starts = index_in_row(row_splits, rows) * tf.gather(steps, rows)
    lengths = tf.minimum(tf.gather(capacity, rows), tf.gather(context_lengths, rows) - starts)
    return Cut(row_splits, rows, starts, lengths, steps)


def cut_windows(
    question: TokenIds,
    context: Tokens,
    settings: QuestionSettings,
    max_seq_length: int,
    cls_id: int,
    sep_id: int,
) -> Windows:
    """All windows of B questions and their contexts."""
    kept = kept_of_question(question.lengths(), settings)
    cut = cut_contexts(kept, context.without_offsets().lengths(), settings, max_seq_length)
    rows = cut.rows
    packed = pack(
        [question, context.without_offsets()],
        [tf.gather(kept, rows), cut.lengths],
        [tf.ones_like(rows)] * 2,
        cls_id,
        sep_id,
        [
            tf.gather(question.row_splits, rows),
            tf.gather(context.row_splits, rows) + cut.starts,
        ],
    )
    nowhere = tf.fill(tf.shape(question.ids), _NOWHERE)
    starts, ends = (
        packed.gather([nowhere, places], _NOWHERE, _NOWHERE) for places in context.offsets()
    )
    tokens = packed.tokens
    window_of = row_of_each_value(tokens.row_splits)  # [N]
    # The context begins behind [CLS], the question and its [SEP].
    place = tokens.positions - 2 - tf.gather(tf.gather(kept, rows), window_of)
    place += tf.gather(cut.starts, window_of)
    is_best = tf.equal(_best_windows(cut, tf.gather(rows, window_of), place), window_of)
    return Windows(tokens, starts, ends, rows, is_best)


def _best_windows(cut: Cut, rows: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """The window that has most around each token (run_squad.py, `_check_is_max_context`).

    A window's score for a token is the smaller of its tokens to the left and to the right, and a
    hundredth of its length, as run_squad computes it; the first of the best windows counts. All
    windows of a context but the last are equally long, so that one of the two whose middle is
    nearest is the best of these.

    Args:
      cut: W windows.
      rows: int32 [N], not falling.
      places: int32 [N], tokens of the context before each; outside of it the result means nothing.

    Returns:
      int32 [N].
    """
    first, last = tf.gather(cut.row_splits, rows), tf.gather(cut.row_splits, rows + 1) - 1
    step = tf.gather(cut.steps, rows)
    # The middle of a window that holds L tokens is (L - 1) / 2 behind its start.
    nearest = (2 * places - tf.gather(cut.lengths, first) + 1) // (2 * step)
    last_long = tf.maximum(first, last - 1)
    candidates = tf.stack(
        [tf.clip_by_value(first + nearest + more, first, last_long) for more in (0, 1)] + [last]
    )  # [3, N], not falling
    starts, lengths = tf.gather(cut.starts, candidates), tf.gather(cut.lengths, candidates)
    left, right = places - starts, starts + lengths - 1 - places
    around = tf.minimum(left, right)
    scores = tf.cast(around, tf.float64) + 0.01 * tf.cast(lengths, tf.float64)
    scores = tf.where(around < 0, tf.constant(-1.0, tf.float64), scores)
    best = tf.argmax(scores, axis=0, output_type=tf.int32)  # the first of equal ones
    return tf.gather_nd(candidates, tf.stack([best, tf.range(tf.size(best))], axis=1))
