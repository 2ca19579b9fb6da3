"""The entities of one text by plain Python: the independent witness of exporter.artefact.entities.

Written anew from transformers' TokenClassificationPipeline, one token after the other, and
sharing no code with the graph that it judges.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bert.model import TextModel
from bert.tasks import RowOutputs

# Means of float32 in another order.
_TOLERANCE = 1e-5


class Entity(NamedTuple):
    """One entity, its place in characters of the text."""

    text: str
    label: str
    score: float
    start: int
    end: int


class Token(NamedTuple):
    """One token, its place in characters of the text, -1 outside of it."""

    id: int
    start: int
    end: int
    probabilities: np.ndarray


class _Span(NamedTuple):
    probabilities: np.ndarray
    start: int
    end: int


def decode_entities(
    text: bytes, tokens: Sequence[Token], model: TextModel, strategy: str
) -> list[Entity]:
    """What the probabilities of a text's tokens say, by one of AGGREGATION_STRATEGIES.

    Args:
      text: as it was sent.
      tokens: of the text, or of a window of it.
      model: has labels and word pieces.
      strategy: see above.
    """
    characters = text.decode("utf-8", "ignore")
    pieces = [
        (model.vocabulary.tokens[token.id], _Span(token.probabilities, token.start, token.end))
        for token in tokens
        if token.start >= 0
    ]
    if strategy in ("none", "simple"):
        spans = [span for _, span in pieces]
    else:
        unknown = model.huggingface_settings().unk_token
        spans = [_one_label(word, strategy) for word in _words(pieces, unknown)]
    entities = [
        Entity(
            characters[span.start : span.end],
            model.labels[int(span.probabilities.argmax())],
            float(span.probabilities.max()),
            span.start,
            span.end,
        )
        for span in spans
    ]
    if strategy != "none":
        entities = _grouped(entities, characters)
    return [entity for entity in entities if entity.label != "O"]


def merged_entities(windows: Sequence[Sequence[Entity]]) -> list[Entity]:
    """The entities of a text's windows as those of the text."""
    entities = [entity for window in windows for entity in window]
    if len(windows) == 1 or not entities:
        return entities
    kept = []
    entities.sort(key=lambda entity: entity.start)
    last, *others = entities
    for entity in others:
        if entity.start >= last.end:
            kept.append(last)
            last = entity
        elif (entity.end - entity.start, entity.score) > (last.end - last.start, last.score):
            last = entity
    return [*kept, last]


def given_entities(answer: RowOutputs) -> list[Entity]:
    """The entities that the signature `text` gave, without padding."""
    count = int(answer["count"])
    columns = [answer[name][:count] for name in ("entities", "labels", "scores", "starts", "ends")]
    return [
        Entity(text.decode(), label.decode(), float(score), int(start), int(end))
        for text, label, score, start, end in zip(*columns, strict=True)
    ]


def same_entities(found: Sequence[Entity], expected: Sequence[Entity]) -> bool:
    """Whether they are equal, scores within rounding."""
    return len(found) == len(expected) and all(
        abs(mine.score - other.score) <= _TOLERANCE
        and mine._replace(score=0) == other._replace(score=0)
        for mine, other in zip(found, expected, strict=True)
    )


def _words(tokens: Sequence[tuple[str, _Span]], unknown: str) -> list[list[_Span]]:
    words: list[list[_Span]] = []
    for piece, span in tokens:
        is_rest = piece != unknown and len(piece) != span.end - span.start
        if is_rest and words:
            words[-1].append(span)
        else:
            words.append([span])
    return words


def _one_label(word: Sequence[_Span], strategy: str) -> _Span:
    if strategy == "first":
        probabilities = word[0].probabilities
    elif strategy == "max":
        probabilities = max((span.probabilities for span in word), key=lambda row: row.max())
    else:
        probabilities = np.mean([span.probabilities for span in word], axis=0)
    return _Span(probabilities, word[0].start, word[-1].end)


def _grouped(entities: Sequence[Entity], characters: str) -> list[Entity]:
    groups: list[list[Entity]] = []
    for entity in entities:
        if groups and entity.label[:2] != "B-" and _tag(entity) == _tag(groups[-1][-1]):
            groups[-1].append(entity)
        else:
            groups.append([entity])
    return [
        Entity(
            characters[group[0].start : group[-1].end],
            group[0].label.split("-", 1)[-1],
            float(np.mean([entity.score for entity in group])),
            group[0].start,
            group[-1].end,
        )
        for group in groups
    ]


def _tag(entity: Entity) -> str:
    return entity.label[2:] if entity.label[:2] in ("B-", "I-") else entity.label
