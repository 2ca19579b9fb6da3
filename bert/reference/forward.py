"""A textbook BERT in NumPy, padded and in float64: the independent witness.

Written from the paper (Devlin et al. 2018; Vaswani et al. 2017) and `modeling.py`, one
row at a time in the plainest form, sharing no code with the encoder that it judges.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from bert.config import GELU_ERF, GELU_TANH, LINEAR, RELU, TANH, BertConfig
from bert.tasks import (
    FIRST_TOKEN,
    LAST_LAYER,
    LAST_TOKEN,
    MAX,
    MEAN_SQRT,
    POOLER,
    WEIGHTED_MEAN,
    Pooling,
)

_erf = np.vectorize(math.erf, otypes=[np.float64])

_POOLER = Pooling()

_ACTIVATIONS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    GELU_TANH: lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    GELU_ERF: lambda x: 0.5 * x * (1 + _erf(x / math.sqrt(2))),
    RELU: lambda x: np.maximum(x, 0),
    TANH: np.tanh,
    LINEAR: lambda x: x,
}


class ReferenceClassifier:
    """The padded forward pass of a fine-tuned classifier."""

    def __init__(self, config: BertConfig, weights: Mapping[str, np.ndarray]) -> None:
        """Takes weights under google-research names."""
        self._config = config
        self._weights = {name: value.astype(np.float64) for name, value in weights.items()}

    def probabilities(
        self, input_ids: np.ndarray, input_mask: np.ndarray, segment_ids: np.ndarray
    ) -> np.ndarray:
        """Class probabilities of padded features: int [B, S] x 3 -> float64 [B, C]."""
        return softmax(self.logits(input_ids, input_mask, segment_ids))

    def logits(
        self, input_ids: np.ndarray, input_mask: np.ndarray, segment_ids: np.ndarray
    ) -> np.ndarray:
        """Class logits of padded features: int [B, S] x 3 -> float64 [B, C]."""
        return self.classified(self.pooled(input_ids, input_mask, segment_ids))

    def classified(self, vectors: np.ndarray) -> np.ndarray:
        """The dense layer of the head: float64 [..., H] -> float64 [..., C]."""
        return vectors @ self._weights["output_weights"].T + self._weights["output_bias"]

    def pooled(
        self,
        input_ids: np.ndarray,
        input_mask: np.ndarray,
        segment_ids: np.ndarray,
        pooling: Pooling = _POOLER,
    ) -> np.ndarray:
        """One vector a row: int [B, S] x 3 -> float64 [B, H]."""
        hidden = self.sequence(input_ids, input_mask, segment_ids, pooling.layers)
        rows = [
            self._pool(row, mask, pooling) for row, mask in zip(hidden, input_mask, strict=True)
        ]
        return np.stack(rows) if rows else np.zeros((0, pooling.size(self._config.hidden_size)))

    def sequence(
        self,
        input_ids: np.ndarray,
        input_mask: np.ndarray,
        segment_ids: np.ndarray,
        layers: Sequence[int] = LAST_LAYER,
    ) -> np.ndarray:
        """One vector a column, of several layers side by side: int [B, S] x 3 -> [B, S, ...]."""
        rows = []
        for row in zip(input_ids, input_mask, segment_ids, strict=True):
            outputs = self._encode_row(*row)
            rows.append(np.concatenate([outputs[layer] for layer in layers], axis=-1))
        size = len(layers) * self._config.hidden_size
        return np.stack(rows) if rows else np.zeros((*input_ids.shape, size))

    def word_logits(self, vector: np.ndarray) -> np.ndarray:
        """What speaks for each word (`get_masked_lm_output`): float64 [H] -> float64 [V]."""
        scope = "cls/predictions/transform"
        activation = _ACTIVATIONS[self._config.words_act or self._config.hidden_act]
        vector = self._layer_norm(scope, activation(self._dense(f"{scope}/dense", vector)))
        table = self._weights["bert/embeddings/word_embeddings"]
        return table @ vector + self._weights["cls/predictions/output_bias"]

    def _pool(self, hidden: np.ndarray, mask: np.ndarray, pooling: Pooling) -> np.ndarray:
        """Float64 [S, H], int [S] -> float64 [D]."""
        parts = [self._pooled_by(mode, hidden, mask) for mode in pooling.modes]
        vector = np.concatenate(parts)
        for index, projection in enumerate(pooling.projections):
            vector = _ACTIVATIONS[projection.activation](self._dense(f"projection_{index}", vector))
        if pooling.normalize:
            vector = vector / np.linalg.norm(vector)
        return vector[: pooling.dimensions]

    def _pooled_by(self, mode: str, hidden: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Float64 [S, H], int [S] -> float64 [H]."""
        if mode == POOLER:
            activation = _ACTIVATIONS[self._config.pooler_act]
            return activation(self._dense("bert/pooler/dense", hidden[0]))
        if mode == FIRST_TOKEN:
            return hidden[0]
        places = np.flatnonzero(mask == 1)
        seen = hidden[places]
        if mode == LAST_TOKEN:
            return seen[-1]
        if mode == MAX:
            return seen.max(axis=0)
        if mode == MEAN_SQRT:
            return seen.sum(axis=0) / math.sqrt(len(seen))
        if mode == WEIGHTED_MEAN:
            return np.average(seen, axis=0, weights=places + 1)
        return seen.mean(axis=0)

    def _encode_row(
        self, input_ids: np.ndarray, input_mask: np.ndarray, segment_ids: np.ndarray
    ) -> list[np.ndarray]:
        """Int [S] x 3 -> float64 [S, H] of each layer."""
        weights = self._weights
        hidden = (
            weights["bert/embeddings/word_embeddings"][input_ids]
            + weights["bert/embeddings/position_embeddings"][self._places(input_ids)]
        )
        if self._config.type_vocab_size:
            hidden += weights["bert/embeddings/token_type_embeddings"][segment_ids]
        hidden = self._layer_norm("bert/embeddings", hidden)
        if "bert/embeddings_project/kernel" in weights:
            hidden = self._dense("bert/embeddings_project", hidden)
        bias = (1.0 - input_mask.astype(np.float64)) * -10000.0  # [S]
        by_head = [bias] * self._config.num_attention_heads
        if self._config.relative_attention_buckets:
            by_head = [bias + of_head for of_head in self._distance_bias(len(input_ids))]  # [S, S]
        activation = _ACTIVATIONS[self._config.hidden_act]
        outputs = []
        for index in range(self._config.num_hidden_layers):
            scope = f"bert/encoder/layer_{index}"
            attended = self._dense(
                f"{scope}/attention/output/dense", self._self_attention(scope, hidden, by_head)
            )
            attended = self._layer_norm(f"{scope}/attention/output", attended + hidden)
            inner = activation(self._dense(f"{scope}/intermediate/dense", attended))
            output = self._dense(f"{scope}/output/dense", inner)
            hidden = self._layer_norm(f"{scope}/output", output + attended)
            outputs.append(hidden)
        return outputs

    def _places(self, input_ids: np.ndarray) -> list[int]:
        """Rows of the position table: int [S] -> [S]."""
        padding_id = self._config.padding_id
        if padding_id is None:
            return list(range(len(input_ids)))
        places, last = [], padding_id
        for token_id in input_ids:
            last += token_id != padding_id
            places.append(padding_id if token_id == padding_id else last)
        return places

    def _distance_bias(self, length: int) -> np.ndarray:
        """What the distance from query to key adds to a score: float64 [heads, S, S]."""
        table = self._weights["bert/encoder/relative_attention_bias"]
        buckets = [[_bucket(key - query) for key in range(length)] for query in range(length)]
        return table[np.array(buckets)].transpose(2, 0, 1)

    def _self_attention(
        self, scope: str, hidden: np.ndarray, bias: Sequence[np.ndarray]
    ) -> np.ndarray:
        """Float64 [S, H], [S] or [S, S] for each head -> float64 [S, H]."""
        query, key, value = (
            self._dense(f"{scope}/attention/self/{name}", hidden)
            for name in ("query", "key", "value")
        )
        size = self._config.size_per_head
        heads = []
        for head, start in enumerate(range(0, self._config.hidden_size, size)):
            part = slice(start, start + size)
            scores = query[:, part] @ key[:, part].T / math.sqrt(size) + bias[head]  # [S, S]
            heads.append(softmax(scores) @ value[:, part])
        return np.concatenate(heads, axis=-1)

    def _dense(self, scope: str, inputs: np.ndarray) -> np.ndarray:
        return inputs @ self._weights[f"{scope}/kernel"] + self._weights[f"{scope}/bias"]

    def _layer_norm(self, scope: str, inputs: np.ndarray) -> np.ndarray:
        mean = inputs.mean(axis=-1, keepdims=True)
        deviation = np.sqrt(inputs.var(axis=-1, keepdims=True) + self._config.layer_norm_eps)
        gamma = self._weights[f"{scope}/LayerNorm/gamma"]
        return (inputs - mean) / deviation * gamma + self._weights[f"{scope}/LayerNorm/beta"]


def _bucket(distance: int) -> int:
    """The bucket of a distance from query to key (Raffel et al. 2020, 2.1; Song et al. 2020).

    Of 32, keys behind the query have the second half. 8 of a half are for one distance each; in
    the others the distance doubles with every second bucket, up to 128.
    """
    half, away = 16 if distance > 0 else 0, abs(distance)
    doublings = sum(away**2 >= 8**2 * 2**bucket for bucket in range(1, 8))
    return half + (away if away < 8 else 8 + doublings)


def softmax(scores: np.ndarray) -> np.ndarray:
    """Float64 [..., C] -> shares of 1 along the last axis."""
    exponents = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponents / exponents.sum(axis=-1, keepdims=True)
