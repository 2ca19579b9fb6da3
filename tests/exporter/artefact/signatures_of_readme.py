"""The signatures as README.md states them, and the features of old clients."""

import numpy as np
import tensorflow as tf

from bert.tokenizers.google_research import FullTokenizer

TEXTS = (
    "the film is good",
    "bad",
    "",
    "A very FUNNY film! isn't it?",
    "not " * 50,
    "漢字 é ß",
    "\0",
)

POSITIONS = 64

_STRING, _INT32, _FLOAT32 = tf.string, tf.int32, tf.float32

# name: shape and dtype
_Tensors = dict[str, tuple[list[int | None], tf.DType]]

TEXT_INPUT: _Tensors = {"text": ([None], _STRING)}

_PROBABILITIES: _Tensors = {"probabilities": ([None, 3], _FLOAT32)}

_FEATURES: _Tensors = {
    name: ([None, None], _INT32) for name in ("input_ids", "input_mask", "segment_ids")
}

# README.md, "Signatures"
EXPECTED: dict[str, tuple[_Tensors, _Tensors]] = {
    "serving_default": (TEXT_INPUT, _PROBABILITIES),
    "text": (TEXT_INPUT, _PROBABILITIES),
    "labels": (
        TEXT_INPUT,
        {
            "label": ([None], _STRING),
            "score": ([None], _FLOAT32),
            "labels": ([None, 3], _STRING),
            "scores": ([None, 3], _FLOAT32),
        },
    ),
    "features": (_FEATURES, _PROBABILITIES),
    "features_with_label_ids": (
        {**_FEATURES, "label_ids": ([None], _INT32)},
        {"output": ([None, 3], _FLOAT32)},
    ),
    "classify": (
        {"inputs": ([None], _STRING)},
        {"classes": ([None, 3], _STRING), "scores": ([None, 3], _FLOAT32)},
    ),
    "embedding": (TEXT_INPUT, {"embedding": ([None, 16], _FLOAT32)}),
    "tokenize": (
        TEXT_INPUT,
        {
            "input_ids": ([None, None], _INT32),
            "input_mask": ([None, None], _INT32),
            "segment_ids": ([None, None], _INT32),
            "tokens": ([None, None], _STRING),
            "truncated": ([None], tf.bool),
        },
    ),
}


def client_features(
    tokenizer: FullTokenizer, lines: tuple[str, ...], max_seq_length: int, width: int
) -> dict[str, tf.Tensor]:
    """As the clients of the 2020 recipe: tokenized in Python, padded with zeros."""
    features = np.zeros((3, len(lines), width), np.int32)
    for row, line in enumerate(lines):
        ids, segments = tokenizer.encode(line, None, max_seq_length)
        features[0, row, : len(ids)] = ids
        features[1, row, : len(ids)] = 1
        features[2, row, : len(ids)] = segments
    names = ("input_ids", "input_mask", "segment_ids")
    return {name: tf.constant(value) for name, value in zip(names, features, strict=True)}
