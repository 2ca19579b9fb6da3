"""Entities of labelled tokens: transformers' own example, and what no model may change."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
import tensorflow as tf

from bert.encoder.packed_tokens import PackedTokens
from bert.model import TextModel
from bert.tasks import TOKEN_CLASSIFICATION
from bert.tokenizers.vocabulary import Vocabulary
from exporter.artefact.entities import find_entities, row_splits_of
from exporter.text.passages import passages
from exporter.text.pipeline import PackedText

_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "micro", "##soft", "com", "##pany", "é")
_LABELS = ("O", "B-ENT", "I-ENT", "I-NAME", "E-ENT")

# "microsoft company": token, label, probability of the label, start, end.
_MICROSOFT = [
    ("[CLS]", "B-ENT", 0.9, -1, -1),
    ("micro", "B-ENT", 0.5, 0, 5),
    ("##soft", "I-NAME", 0.75, 5, 9),
    ("com", "I-ENT", 0.5, 10, 13),
    ("##pany", "I-ENT", 0.75, 13, 17),
    ("[SEP]", "B-ENT", 0.9, -1, -1),
]

_Row = Sequence[tuple[str, str, float, int, int]]


def model() -> TextModel:
    return TextModel(
        vocabulary=Vocabulary(_TOKENS),
        vocabulary_file=b"",
        do_lower_case=True,
        tokenizer="huggingface",
        task=TOKEN_CLASSIFICATION,
        labels=_LABELS,
        max_seq_length=16,
        provenance={},
    )


def entities(
    rows: Sequence[_Row], texts: Sequence[bytes], strategy: str
) -> list[list[tuple[str, str, float, int, int]]]:
    """The entities of each text, whose tokens have labels of such probabilities."""
    tokens = [token for row in rows for token in row]
    ids = tf.constant([_TOKENS.index(token[0]) for token in tokens], tf.int32)
    probabilities = np.zeros([len(tokens), len(_LABELS)], np.float32)
    for index, (_, label, probability, _, _) in enumerate(tokens):
        probabilities[index] = (1 - probability) / (len(_LABELS) - 1)
        probabilities[index, _LABELS.index(label)] = probability
    splits = tf.constant(np.cumsum([0, *map(len, rows)]), tf.int32)
    starts, ends = (tf.constant([token[place] for token in tokens], tf.int32) for place in (3, 4))
    is_cut = tf.fill([len(rows)], False)
    packed = PackedText(PackedTokens(ids, ids * 0, ids * 0, splits), starts, ends, is_cut)

    @tf.function(autograph=False)
    def find(texts: tf.Tensor) -> list[tf.Tensor]:
        found, names = find_entities(packed, tf.constant(probabilities), model(), strategy)
        labels = tf.gather(tf.constant(names), found.labels)
        spans = [
            passages(texts, found.rows, found.starts, found.ends),
            labels,
            found.scores,
            found.starts,
            found.ends,
        ]
        return [*spans, row_splits_of(found.rows, tf.size(texts))]

    *columns, row_splits = (
        values.numpy().tolist() for values in find(tf.constant(list(texts), tf.string))
    )
    flat = [
        (text.decode(), label.decode(), round(score, 4), start, end)
        for text, label, score, start, end in zip(*columns, strict=True)
    ]
    return [flat[a:b] for a, b in itertools.pairwise(row_splits)]


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (
            "none",
            [
                ("micro", "B-ENT", 0.5, 0, 5),
                ("soft", "I-NAME", 0.75, 5, 9),
                ("com", "I-ENT", 0.5, 10, 13),
                ("pany", "I-ENT", 0.75, 13, 17),
            ],
        ),
        (
            "simple",
            [
                ("micro", "ENT", 0.5, 0, 5),
                ("soft", "NAME", 0.75, 5, 9),
                ("company", "ENT", 0.625, 10, 17),
            ],
        ),
        ("first", [("microsoft company", "ENT", 0.5, 0, 17)]),
        ("max", [("microsoft", "NAME", 0.75, 0, 9), ("company", "ENT", 0.75, 10, 17)]),
        # NAME has (0.125 + 0.75) / 2 of the first word, ENT 0.625 of the second.
        ("average", [("microsoft", "NAME", 0.4375, 0, 9), ("company", "ENT", 0.625, 10, 17)]),
    ],
)
def test_strategies(strategy: str, expected: list[tuple[str, str, float, int, int]]) -> None:
    """The example of `aggregate_words`, with probabilities."""
    assert entities([_MICROSOFT], [b"microsoft company"], strategy) == [expected]


@pytest.mark.parametrize("strategy", ["none", "simple", "first", "average", "max"])
def test_no_entity_reaches_into_another_text(strategy: str) -> None:
    row = [("com", "I-ENT", 0.75, 0, 3)]
    empty = [("[CLS]", "B-ENT", 0.9, -1, -1)]
    name = "I-ENT" if strategy == "none" else "ENT"
    found = entities([row, empty, row], [b"com", b"", b"com"], strategy)
    assert found == [[("com", name, 0.75, 0, 3)], [], [("com", name, 0.75, 0, 3)]]


def test_a_b_begins_and_other_prefixes_are_part_of_the_tag() -> None:
    row = [
        ("com", "I-ENT", 0.75, 0, 3),
        ("com", "B-ENT", 0.75, 4, 7),
        ("com", "I-ENT", 0.75, 8, 11),
        ("com", "O", 0.75, 12, 15),
        ("com", "E-ENT", 0.75, 16, 19),
        ("com", "E-ENT", 0.75, 20, 23),
    ]
    places = [(span[3], span[4]) for span in entities([row], [b"com " * 6], "simple")[0]]
    assert places == [(0, 3), (4, 11), (16, 23)]


def test_characters_of_what_is_left_of_the_bytes() -> None:
    """Invalid bytes count no character, as everywhere."""
    row = [("é", "I-ENT", 0.75, 1, 2), ("[UNK]", "I-NAME", 0.75, 3, 4)]
    text = b"a\xff" + "é 😀!".encode()
    assert [span[0] for span in entities([row], [text], "simple")[0]] == ["é", "😀"]


def test_characters_that_tensorflow_does_not_encode() -> None:
    text = "a\0\ufdd0\ufffe\uffff\ufffd\U0003ffff\U0010ffffé"
    row = [("[UNK]", "I-ENT", 0.75, 0, len(text))]
    assert entities([row], [text.encode()], "simple")[0][0][0] == text


@pytest.mark.parametrize("strategy", ["none", "simple", "first", "average", "max"])
def test_nothing_at_all(strategy: str) -> None:
    assert entities([], [], strategy) == []
