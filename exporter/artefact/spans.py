"""Logits of tokens to the likeliest spans of each window, in graph.

Only spans of up to `max_answer_length` tokens are looked at, [windows, tokens, that length] at a
time, and only so many windows at a time as a budget of such cells allows.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from bert.encoder.packed_tokens import PackedTokens
from bert.encoder.row_groups import answer_in_groups
from bert.model import PIPELINE
from exporter.text.questions import QuestionSettings
from exporter.text.windows import Windows

# 4 MB of scores.
_CELLS_PER_GROUP = 2**20

# pipelines/question_answering.py, select_starts_ends: the logit of what cannot be an answer.
_MASKED = -10000.0


class Spans(NamedTuple):
    """M spans of W windows of B questions, the windows in order, the best of a window first."""

    rows: tf.Tensor
    """int32 [M], the number of the question, not falling"""

    firsts: tf.Tensor
    """int32 [M], the place of the first token among all"""

    lasts: tf.Tensor
    """int32 [M], the place of the last token among all"""

    scores: tf.Tensor
    """[M]: probabilities in float32, or sums of two logits in float64"""

    nulls: tf.Tensor
    """[B], the same for the answer that there is none"""


class _Group(NamedTuple):
    """Windows side by side, padded to the longest: R windows of S columns."""

    logits: tf.Tensor
    """float32 [R, S, 2]"""

    exists: tf.Tensor
    """bool [R, S], where there is a token"""

    in_context: tf.Tensor
    """bool [R, S]"""

    is_special: tf.Tensor
    """bool [R, S], [CLS]"""

    is_best: tf.Tensor
    """bool [R, S], as `Windows.is_best`"""


def find_spans(
    windows: Windows,
    logits: tf.Tensor,
    num_rows: tf.Tensor,
    cls_id: int,
    settings: QuestionSettings,
    count: int,
) -> Spans:
    """The likeliest spans of W windows.

    Args:
      windows: N tokens of B = `num_rows` questions.
      logits: float32 [N, 2], of being an answer's first token, and its last one.
      num_rows: B.
      cls_id: of [CLS].
      settings: whose rules, and which spans there may be.
      count: spans of a window by the pipeline's rules; by run_squad's, of starts and of ends.
    """
    is_pipeline = settings.rules == PIPELINE
    choose, size = (
        (_by_probabilities, count + 1) if is_pipeline else (_by_logits, count * count + 1)
    )
    tokens = windows.tokens
    found = _in_groups(
        tokens,
        [logits, windows.starts >= 0, tf.equal(tokens.ids, cls_id), windows.is_best],
        lambda group: choose(group, settings.max_answer_length, count),
        size,
        settings.max_answer_length,
    )  # [W, size, 3]
    places = tf.cast(found[:, :, 1:], tf.int32) + tokens.row_splits[:-1, tf.newaxis, tf.newaxis]
    scores = found[:, :, 0]
    is_span = scores >= 0.0
    if not is_pipeline:
        # As in Python, which adds floats of 64 bits.
        wide = tf.cast(logits, tf.float64)
        scores = tf.gather(wide[:, 0], places[:, :, 0]) + tf.gather(wide[:, 1], places[:, :, 1])
    # The first of each window is [CLS] alone, which stands for no answer.
    nulls = tf.math.unsorted_segment_min(scores[:, 0], windows.rows, num_rows)
    spans = tf.where(is_span[:, 1:])  # [M, 2]
    chosen = tf.gather_nd(places[:, 1:], spans)
    rows = tf.gather(windows.rows, spans[:, 0])
    return Spans(rows, chosen[:, 0], chosen[:, 1], tf.gather_nd(scores[:, 1:], spans), nulls)


def _in_groups(
    tokens: PackedTokens,
    values: list[tf.Tensor],
    choose: Callable[[_Group], tf.Tensor],
    size: int,
    width: int,
) -> tf.Tensor:
    """What `choose` says of each window: float32 [W, size, 3], scores and places in the window.

    A score below 0 stands for no span.
    """
    row_splits = tokens.row_splits
    lengths = tokens.lengths()
    num_windows = tf.size(lengths)
    # Only the empty batch has no window.
    longest = tf.reduce_max(tf.concat([[1], lengths], axis=0))
    cells = tf.maximum(longest * width, size)
    at_once = tf.maximum(1, _CELLS_PER_GROUP // cells)

    def choose_of_group(first: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        end = tf.minimum(first + at_once, num_windows)
        splits = row_splits[first : end + 1]
        start, stop = splits[0], splits[-1]

        def side_by_side(flat: tf.Tensor) -> tf.Tensor:
            rows = tf.RaggedTensor.from_row_splits(flat[start:stop], splits - start, validate=False)
            return rows.to_tensor()

        logits, in_context, is_special, is_best = map(side_by_side, values)
        exists = side_by_side(tf.ones_like(values[1]))
        group = _Group(logits, exists, in_context, is_special, is_best)
        return end, tf.range(first, end)[:, tf.newaxis], choose(group)

    return answer_in_groups(choose_of_group, num_windows, num_windows, [size, 3])


def _by_probabilities(group: _Group, width: int, count: int) -> tf.Tensor:
    """The `count` likeliest spans by the product of two probabilities (`decode_spans`)."""
    allowed = group.in_context | group.is_special
    logits = tf.where(allowed[:, :, tf.newaxis], group.logits, _MASKED)
    logits = tf.where(group.exists[:, :, tf.newaxis], logits, -float("inf"))
    probabilities = tf.nn.softmax(logits, axis=1)  # [R, S, 2]
    start, end = probabilities[:, :, 0], probabilities[:, :, 1]
    columns = tf.range(tf.shape(start)[1])[:, tf.newaxis] + tf.range(width)  # [S, width]

    def behind(values: tf.Tensor) -> tf.Tensor:
        """[R, S] -> [R, S, width], each value and those behind it."""
        return tf.gather(tf.pad(values, [[0, 0], [0, width]]), columns, axis=1)

    # The context is one piece: a span within it ends in it.
    is_span = group.in_context[:, :, tf.newaxis] & behind(group.in_context)
    scores = tf.where(is_span, start[:, :, tf.newaxis] * behind(end), -1.0)
    rows = tf.shape(scores)[0]
    flat = tf.pad(tf.reshape(scores, [rows, -1]), [[0, 0], [0, count]], constant_values=-1.0)
    best, index = tf.math.top_k(flat, count)  # of equal ones the first
    null = tf.stack([start[:, 0] * end[:, 0], *[tf.zeros([rows])] * 2], axis=1)
    spans = tf.stack(
        [
            best,
            tf.cast(index // width, tf.float32),
            tf.cast(index // width + index % width, tf.float32),
        ],
        axis=2,
    )
    # Places of what is no span lie behind the tokens.
    spans = tf.where(best[:, :, tf.newaxis] < 0.0, [[[-1.0, 0.0, 0.0]]], spans)
    return tf.concat([null[:, tf.newaxis], spans], axis=1)


def _by_logits(group: _Group, width: int, count: int) -> tf.Tensor:
    """Every pair of the `count` likeliest starts and ends (run_squad.py, `write_predictions`).

    Scores only say which pairs are spans.
    """
    lowest = group.logits.dtype.min
    logits = tf.where(group.exists[:, :, tf.newaxis], group.logits, lowest)
    logits = tf.pad(logits, [[0, 0], [0, count], [0, 0]], constant_values=lowest)
    _, start = tf.math.top_k(logits[:, :, 0], count)  # [R, count], of equal ones the first
    _, end = tf.math.top_k(logits[:, :, 1], count)

    def at(values: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
        return tf.gather(tf.pad(values, [[0, 0], [0, count]]), places, batch_dims=1)

    starts, ends = start[:, :, tf.newaxis], end[:, tf.newaxis, :]
    is_span = at(group.in_context & group.is_best, start)[:, :, tf.newaxis]
    is_span &= at(group.in_context, end)[:, tf.newaxis, :]
    is_span &= (starts <= ends) & (ends - starts < width)  # [R, count, count]
    pairs = [tf.where(is_span, places, 0) for places in (starts, ends)]
    scores = tf.where(is_span, 1.0, -1.0)
    spans = tf.stack([scores, *(tf.cast(places, tf.float32) for places in pairs)], axis=3)
    spans = tf.reshape(spans, [tf.shape(scores)[0], count * count, 3])
    null = tf.zeros_like(spans[:, :1])
    return tf.concat([null, spans], axis=1)
