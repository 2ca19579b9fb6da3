"""Labels of tokens to entities of the text, in graph, as transformers' pipeline groups them.

`TokenClassificationPipeline` (transformers, pipelines/token_classification.py) has three steps:

1. tokens, or with the strategies of words the words, get a label and a score: `label_spans`
2. neighbours whose labels belong together become one, unless the strategy is `none`: `merge`
3. those labelled O are left out: `without`
"""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from bert.encoder.packed_tokens import row_of_each_value
from bert.model import TextModel
from exporter.contract import AVERAGE, MAX, NONE, SIMPLE
from exporter.text.pipeline import NOT_IN_TEXT, PackedText
from exporter.text.windows import Windows

_OUTSIDE = "O"


class Spans(NamedTuple):
    """M spans of B texts, in order: tokens, words or entities."""

    rows: tf.Tensor
    """int32 [M], the number of the text, not falling"""

    labels: tf.Tensor
    """int32 [M]"""

    scores: tf.Tensor
    """float32 [M]"""

    starts: tf.Tensor
    """int32 [M], first character"""

    ends: tf.Tensor
    """int32 [M], character after the last one"""


@dataclasses.dataclass(frozen=True)
class LabelScheme:
    """What the names of C labels say of entities.

    Example: of O, B-PER, I-PER and PER the tags are O, PER, PER and PER; only B-PER begins an
    entity where its tag continues.
    """

    names: Sequence[str]
    """of the entities of each label"""

    tags: np.ndarray
    """int32 [C], equal where labels may be of one entity"""

    begins: np.ndarray
    """bool [C], whether a label is never of the entity before it"""

    @classmethod
    def of(cls, labels: Sequence[str], strategy: str) -> "LabelScheme":
        """Reads the prefixes B- and I-; a label without one continues (`get_tag`)."""
        tags = [name[2:] if name.startswith(("B-", "I-")) else name for name in labels]
        # `group_sub_entities` names an entity by all that follows the first hyphen.
        names = labels if strategy == NONE else [name.split("-", 1)[-1] for name in labels]
        return cls(
            names=list(names),
            tags=np.array([tags.index(tag) for tag in tags], np.int32),
            begins=np.array([name.startswith("B-") for name in labels]),
        )


def find_entities(
    packed: PackedText | Windows,
    probabilities: tf.Tensor,
    model: TextModel,
    strategy: str,
) -> tuple[Spans, Sequence[str]]:
    """The entities of B texts or windows, and the names of their labels.

    Args:
      packed: N tokens of them.
      probabilities: float32 [N, C].
      model: has labels and word pieces.
      strategy: one of AGGREGATION_STRATEGIES.
    """
    scheme = LabelScheme.of(model.labels, strategy)
    # [CLS] and [SEP] stand in no text.
    places = tf.where(tf.not_equal(packed.starts, NOT_IN_TEXT))[:, 0]
    rows, ids, starts, ends, probabilities = (
        tf.gather(values, places)
        for values in (
            row_of_each_value(packed.tokens.row_splits),
            packed.tokens.ids,
            packed.starts,
            packed.ends,
            probabilities,
        )
    )
    tokens = Spans(
        rows,
        tf.argmax(probabilities, axis=1, output_type=tf.int32),
        tf.reduce_max(probabilities, axis=1),
        starts,
        ends,
    )
    if strategy not in (NONE, SIMPLE):
        # `gather_pre_entities`: a piece of a word is longer than its text, by its ##.
        pieces = model.vocabulary.tokens
        unknown = model.huggingface_settings().unk_token
        lengths = np.array([len(piece) for piece in pieces], np.int32)
        is_unknown = np.array([piece == unknown for piece in pieces])
        begins = is_first(rows) | tf.gather(is_unknown, ids)
        begins |= tf.equal(tf.gather(lengths, ids), ends - starts)
        tokens = _words(tokens, probabilities, begins, strategy)
    if strategy != NONE:
        tokens = _merged(tokens, scheme)
    inside = tf.constant([name != _OUTSIDE for name in scheme.names])
    kept = tf.where(tf.gather(inside, tokens.labels))[:, 0]
    return Spans(*(tf.gather(values, kept) for values in tokens)), scheme.names


def _words(tokens: Spans, probabilities: tf.Tensor, begins: tf.Tensor, strategy: str) -> Spans:
    """Tokens to words, each with one label (`aggregate_word`).

    Args:
      tokens: M of them.
      probabilities: float32 [M, C].
      begins: bool [M], whether a token is a word's first.
      strategy: FIRST, AVERAGE or MAX.
    """
    words = _number(begins)  # [M]
    firsts = tf.where(begins)[:, 0]
    if strategy == AVERAGE:
        mean = tf.math.segment_mean(probabilities, words)  # [W, C]
        labels = tf.argmax(mean, axis=1, output_type=tf.int32)
        scores = tf.reduce_max(mean, axis=1)
    else:
        places = firsts
        if strategy == MAX:  # the first token with the best score
            best = tf.gather(tf.math.segment_max(tokens.scores, words), words)  # [M]
            numbers = tf.range(tf.size(words))
            of_best = tf.where(tf.equal(tokens.scores, best), numbers, tf.size(words))
            places = tf.math.segment_min(of_best, words)
        labels, scores = tf.gather(tokens.labels, places), tf.gather(tokens.scores, places)
    return Spans(
        tf.gather(tokens.rows, firsts),
        labels,
        scores,
        tf.gather(tokens.starts, firsts),
        tf.boolean_mask(tokens.ends, _is_last(begins)),
    )


def _merged(spans: Spans, scheme: LabelScheme) -> Spans:
    """Neighbours of one tag as one span, with their mean score (`group_entities`).

    Example: the labels I-PER, I-PER, O, B-PER, B-PER, I-PER make the spans of 2, 1, 1 and 2.
    """
    tags = tf.gather(scheme.tags, spans.labels)
    begins = is_first(spans.rows) | tf.not_equal(tags, _previous(tags))
    begins |= tf.gather(scheme.begins, spans.labels)
    return Spans(
        tf.boolean_mask(spans.rows, begins),
        tf.boolean_mask(spans.labels, begins),
        tf.math.segment_mean(spans.scores, _number(begins)),
        tf.boolean_mask(spans.starts, begins),
        tf.boolean_mask(spans.ends, _is_last(begins)),
    )


def _previous(values: tf.Tensor) -> tf.Tensor:
    """`[7, 8, 9]` -> `[7, 7, 8]`, `[]` -> `[]`."""
    return tf.concat([values[:1], values[:-1]], axis=0)


def is_first(rows: tf.Tensor) -> tf.Tensor:
    """Whether a span is its row's first: `[0, 0, 2]` -> `[True, False, True]`."""
    return tf.not_equal(rows, _previous(rows)) | tf.equal(tf.range(tf.size(rows)), 0)


def _is_last(begins: tf.Tensor) -> tf.Tensor:
    """Whether a span is its group's last: `[True, False, True]` -> `[False, True, True]`."""
    return tf.concat([begins[1:], begins[:1]], axis=0)


def _number(begins: tf.Tensor) -> tf.Tensor:
    """The group of each span: `[True, False, True]` -> `[0, 0, 1]`."""
    return tf.cumsum(tf.cast(begins, tf.int32)) - 1


def row_splits_of(rows: tf.Tensor, num_rows: tf.Tensor) -> tf.Tensor:
    """Where each row's spans begin and end: `[0, 0, 2]` of 3 rows -> `[0, 2, 2, 3]`."""
    counts = tf.math.unsorted_segment_sum(tf.ones_like(rows), rows, num_rows)
    return tf.concat([[0], tf.cumsum(counts)], axis=0)
