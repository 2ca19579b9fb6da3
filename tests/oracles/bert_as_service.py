"""Vectors by bert-as-service's formulas on the original's graph.

Its `graph.py` (PyPI `bert-serving-server` 1.10.0) needs TensorFlow 1 and freezes a graph for its
own server; what it computes between BERT's layers and the answer is written anew here: masks of
1e30 under a maximum, and sums over masks plus 1e-10 under a mean.
"""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tests.oracles.original_bert import load_modeling

_tf1 = tf.compat.v1

STRATEGIES = ("NONE", "REDUCE_MEAN", "REDUCE_MAX", "REDUCE_MEAN_MAX", "CLS_TOKEN", "SEP_TOKEN")


class OriginalVectors:
    """All layers of `BertModel` of the original modeling.py."""

    def __init__(self, config_file: Path, seed: int) -> None:
        """Random weights."""
        modeling = load_modeling()
        config = modeling.BertConfig.from_json_file(str(config_file))
        graph = tf.Graph()
        with graph.as_default():
            self._features = [_tf1.placeholder(tf.int32, [None, None]) for _ in range(3)]
            model = modeling.BertModel(config, False, *self._features, False)
            self._layers = model.get_all_encoder_layers()
            self._session = _tf1.Session(graph=graph)
            generator = np.random.default_rng(seed)
            for variable in _tf1.global_variables():
                values = generator.normal("gamma" in variable.name, 0.3, variable.shape)
                variable.load(values.astype(np.float32), self._session)
            self._saver = _tf1.train.Saver()

    def save(self, prefix: Path) -> None:
        """Writes a checkpoint as the published ones are."""
        with self._session.graph.as_default():
            self._saver.save(self._session, str(prefix))

    def pooled(self, strategy: str, layers: tuple[int, ...], *features: np.ndarray) -> np.ndarray:
        """Int [B, S] x 3 -> float32 [B, D], or [B, S, D] with NONE."""
        fed = dict(zip(self._features, features, strict=True))
        hidden = self._session.run([self._layers[layer] for layer in layers], fed)
        encoded = np.concatenate(hidden, axis=-1)
        mask = features[1].astype(np.float32)
        masked = encoded * mask[:, :, np.newaxis]
        mean = masked.sum(axis=1) / (mask.sum(axis=1, keepdims=True) + 1e-10)
        maximum = (encoded - (1 - mask[:, :, np.newaxis]) * 1e30).max(axis=1)
        last = mask.sum(axis=1).astype(int) - 1
        answers: dict[str, Any] = {
            "NONE": masked,
            "REDUCE_MEAN": mean,
            "REDUCE_MAX": maximum,
            "REDUCE_MEAN_MAX": np.concatenate([mean, maximum], axis=1),
            "CLS_TOKEN": encoded[:, 0],
            "SEP_TOKEN": encoded[np.arange(len(encoded)), last],
        }
        return answers[strategy]
