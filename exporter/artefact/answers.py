"""Spans of windows to the best answers of each question, in graph.

As transformers' pipeline does it, answers that say the same are one, with the sum of their scores;
as run_squad.py does it, the better one counts, and the n best share a probability of 1.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from bert.encoder.packed_tokens import index_in_row
from bert.model import PIPELINE, TextModel
from exporter.artefact.entities import row_splits_of
from exporter.artefact.spans import find_spans
from exporter.text.passages import passages, same_passages
from exporter.text.questions import QuestionSettings
from exporter.text.windows import Windows

# What pieces of a word but its first begin with.
_CONTINUED = "##"


class Answers(NamedTuple):
    """The n best answers of each question, filled up with `NO_ANSWER`."""

    texts: tf.Tensor
    """string [B, n]"""

    scores: tf.Tensor
    """float32 [B, n]"""

    starts: tf.Tensor
    """int32 [B, n], first character"""

    ends: tf.Tensor
    """int32 [B, n], character after the last one"""


NO_ANSWER = -1


def find_answers(
    windows: Windows,
    logits: tf.Tensor,
    contexts: tf.Tensor,
    model: TextModel,
    settings: QuestionSettings,
    count: int,
) -> Answers:
    """The `count` best answers.

    Args:
      windows: N tokens of B questions.
      logits: float32 [N, 2].
      contexts: string [B].
      model: has word pieces.
      settings: whose rules, and what answers there may be.
      count: of answers.
    """
    cls_id, _ = model.special_ids()
    num_rows = tf.size(contexts)
    is_pipeline = settings.rules == PIPELINE
    # Some are lost when words are made whole (`postprocess`).
    spans_of_window = 2 * count + 10 if is_pipeline and settings.align_to_words else count
    found = find_spans(windows, logits, num_rows, cls_id, settings, spans_of_window)
    starts, ends = windows.starts, windows.ends
    if settings.align_to_words:
        starts, ends = _of_words(windows, model)
    starts, ends = tf.gather(starts, found.firsts), tf.gather(ends, found.lasts)
    rows, scores = found.rows, found.scores
    if not is_pipeline:
        order = _best_first(scores, rows)
        rows, scores, starts, ends = (
            tf.gather(values, order) for values in (rows, scores, starts, ends)
        )
    says = same_passages(contexts, rows, starts, ends, ignore_case=is_pipeline)
    num_answers = tf.reduce_max(tf.concat([[-1], says], axis=0)) + 1
    if is_pipeline:
        scores = tf.math.unsorted_segment_sum(scores, says, num_answers)
    firsts = tf.math.unsorted_segment_min(tf.range(tf.size(says)), says, num_answers)
    rows, starts, ends = (tf.gather(values, firsts) for values in (rows, starts, ends))
    if not is_pipeline:
        scores = tf.gather(scores, firsts)
    if settings.null_answer:
        zeros = tf.zeros([num_rows], tf.int32)
        rows = tf.concat([rows, tf.range(num_rows)], axis=0)
        scores = tf.concat([scores, found.nulls], axis=0)
        starts, ends = (tf.concat([values, zeros], axis=0) for values in (starts, ends))
    order = _best_first(scores, rows)
    rows, scores, starts, ends = (
        tf.gather(values, order) for values in (rows, scores, starts, ends)
    )
    ranks = index_in_row(row_splits_of(rows, num_rows), rows)
    if not is_pipeline:
        # The answer that there is none is one of the n best even where more are better.
        is_null = tf.equal(ends, 0)
        scores = _shared(scores, rows, (ranks < count) | is_null, num_rows)
    kept = tf.where(ranks < count)[:, 0]
    rows, scores, starts, ends, ranks = (
        tf.gather(values, kept) for values in (rows, scores, starts, ends, ranks)
    )
    texts = passages(contexts, rows, starts, ends)
    return _in_columns(texts, scores, starts, ends, rows, ranks, num_rows, count)


def _of_words(windows: Windows, model: TextModel) -> tuple[tf.Tensor, tf.Tensor]:
    """Where the word of each token begins and ends in this window: int32 [N] x 2."""
    continued = np.array([piece.startswith(_CONTINUED) for piece in model.vocabulary.tokens])
    in_context = windows.starts >= 0
    after_context = tf.concat([[False], in_context[:-1]], axis=0)
    continues = tf.gather(continued, windows.tokens.ids) & in_context & after_context
    words = tf.cumsum(tf.cast(~continues, tf.int32)) - 1  # [N]
    firsts = tf.where(~continues)[:, 0]  # [words]
    is_last = tf.concat([~continues[1:], [True]], axis=0)[: tf.size(words)]
    lasts = tf.where(is_last)[:, 0]
    return (
        tf.gather(tf.gather(windows.starts, firsts), words),
        tf.gather(tf.gather(windows.ends, lasts), words),
    )


def _best_first(scores: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
    """The order by row, then score, then place: int32 [M]."""
    by_score = tf.argsort(scores, direction="DESCENDING", stable=True)
    return tf.gather(by_score, tf.argsort(tf.gather(rows, by_score), stable=True))


def _shared(
    scores: tf.Tensor, rows: tf.Tensor, counts: tf.Tensor, num_rows: tf.Tensor
) -> tf.Tensor:
    """The softmax within each row over the scores that count: float64 [M] -> float32 [M]."""
    largest = tf.gather(tf.math.unsorted_segment_max(scores, rows, num_rows), rows)
    parts = tf.where(counts, tf.exp(scores - largest), tf.zeros_like(scores))
    sums = tf.gather(tf.math.unsorted_segment_sum(parts, rows, num_rows), rows)
    return tf.cast(parts / sums, tf.float32)


def _in_columns(
    texts: tf.Tensor,
    scores: tf.Tensor,
    starts: tf.Tensor,
    ends: tf.Tensor,
    rows: tf.Tensor,
    ranks: tf.Tensor,
    num_rows: tf.Tensor,
    count: int,
) -> Answers:
    """M answers -> [B, count] each."""
    num_answers = tf.size(rows)
    table = tf.tensor_scatter_nd_update(
        tf.fill([num_rows, count], num_answers),
        tf.stack([rows, ranks], axis=1),
        tf.range(num_answers),
    )

    def placed(values: tf.Tensor, filling: float | str) -> tf.Tensor:
        last = tf.constant([filling], values.dtype)
        return tf.gather(tf.concat([values, last], axis=0), table)

    return Answers(
        placed(texts, ""),
        placed(scores, NO_ANSWER),
        placed(starts, NO_ANSWER),
        placed(ends, NO_ANSWER),
    )
