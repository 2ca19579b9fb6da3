"""Entities of overlapping windows, against transformers' way of merging them."""

import numpy as np
import tensorflow as tf

from exporter.artefact.entities import Spans
from exporter.artefact.entity_windows import merge_windows

_SETS = 200

# Window, start, end, score.
_Entity = tuple[int, int, int, float]


def aggregated(entities: list[_Entity]) -> list[_Entity]:
    """`aggregate_overlapping_entities` of transformers 4.57's TokenClassificationPipeline."""
    if len(entities) == 0:
        return entities
    entities = sorted(entities, key=lambda entity: entity[1])
    aggregated_entities = []
    previous = entities[0]
    for entity in entities:
        if previous[1] <= entity[1] < previous[2]:
            current_length = entity[2] - entity[1]
            previous_length = previous[2] - previous[1]
            if current_length > previous_length or (
                current_length == previous_length and entity[3] > previous[3]
            ):
                previous = entity
        else:
            aggregated_entities.append(previous)
            previous = entity
    aggregated_entities.append(previous)
    return aggregated_entities


def random_entities(generator: np.random.Generator, windows: int, length: int) -> list[_Entity]:
    """Those of each window beside each other, of which many lie in several windows."""
    found = []
    for window in range(windows):
        place = 4 * window
        while place < 4 * window + length:
            end = place + int(generator.integers(1, 6))
            if generator.random() < 0.7:
                found.append((window, place, end, float(generator.integers(0, 3)) / 4))
            place = end + int(generator.integers(0, 2))
    return found


def test_windows_are_merged_as_in_transformers() -> None:
    """Many texts at once, some of one window or none, with ties of lengths and scores."""
    generator = np.random.default_rng(17)
    merged = tf.function(merge_windows, autograph=False, reduce_retracing=True)
    rows: list[int] = []
    given: list[_Entity] = []
    expected = []
    for text in range(_SETS):
        windows = int(generator.integers(1, 7))
        entities = random_entities(generator, windows, int(generator.integers(0, 40)))
        # The entities of one window are given as they are.
        kept = aggregated(entities) if windows > 1 else entities
        expected += [(text, start, end, score) for _, start, end, score in kept]
        given += [(len(rows) + window, start, end, score) for window, start, end, score in entities]
        rows += [text] * windows
    columns = [np.array(column) for column in zip(*given, strict=True)]
    windows_of, starts, ends = (tf.constant(columns[place], tf.int32) for place in (0, 1, 2))
    scores = tf.constant(columns[3], tf.float32)
    spans = Spans(windows_of, tf.range(len(given)), scores, starts, ends)
    found = merged(spans, tf.constant(rows, tf.int32))
    told = zip(*(found[place].numpy().tolist() for place in (0, 3, 4, 2)), strict=True)
    assert list(told) == expected
    assert len(expected) > 2 * _SETS
    # What belongs to an entity stays with it.
    kept = [given[label] for label in found.labels.numpy()]
    assert [entity[1:] for entity in kept] == [entity[1:] for entity in expected]


def test_nothing_is_merged() -> None:
    none = tf.constant([], tf.int32)
    spans = Spans(none, none, tf.constant([], tf.float32), none, none)
    for rows in ([], [0, 0, 1]):
        assert merge_windows(spans, tf.constant(rows, tf.int32)).rows.shape == [0]
