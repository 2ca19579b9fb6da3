"""What no value of a network can exceed, by the size of its weights."""

import itertools
import math
from collections.abc import Iterator, Mapping

import numpy as np

from bert import variables
from bert.config import TANH, BertConfig
from bert.errors import UserError

# Squares, cubes and dot products of values below it are below float32's 3.4e38.
_LARGEST_VALUE = 1e12


def require_bounded(config: BertConfig, weights: Mapping[str, np.ndarray]) -> None:
    """Makes sure that no request leads to NaN or infinity.

    Raises:
      UserError: a variable is so large that values can overflow.
    """
    for name, bound in _bounds(config, weights):
        # Written so that NaN fails too.
        if not bound <= _LARGEST_VALUE:
            raise UserError(
                f"--checkpoint: variable {name!r} is so large that a request can lead to values "
                f"of {bound:.0e}, where at most {_LARGEST_VALUE:.0e} is sure not to end in NaN or "
                "infinity: the training diverged, give an earlier checkpoint."
            )


def _bounds(config: BertConfig, weights: Mapping[str, np.ndarray]) -> Iterator[tuple[str, float]]:
    """Each matrix or scale of the model, and what no value after it can exceed.

    Interval arithmetic: a normalised vector of H values has none above sqrt(H) before its
    scale, a dense unit's output is at most the sum of its inputs' bounds times its weights,
    attention mixes values and tanh ends at 1. Other activation functions do not enlarge.
    """
    embeddings = variables.EMBEDDINGS

    def normalised(scope: str) -> np.ndarray:
        gamma, beta = (_size(weights[f"{scope}/LayerNorm/{name}"]) for name in ("gamma", "beta"))
        return gamma * math.sqrt(len(gamma)) + beta  # [H]

    def dense(scope: str, inputs: np.ndarray) -> np.ndarray:
        return inputs @ _size(weights[f"{scope}/kernel"]) + _size(weights[f"{scope}/bias"])

    tables = ("word_embeddings", "token_type_embeddings", "position_embeddings")
    for name in (*(f"{embeddings}/{t}" for t in tables), variables.RELATIVE_ATTENTION_BIAS):
        if name in weights:
            yield name, float(np.abs(weights[name]).max())
    bound = normalised(embeddings)
    yield f"{embeddings}/LayerNorm/gamma", bound.max()
    projection = variables.EMBEDDINGS_PROJECTION
    if f"{projection}/kernel" in weights:
        bound = dense(projection, bound)
        yield f"{projection}/kernel", bound.max()
    largest = 1.0  # of what is pooled
    for index in range(config.num_hidden_layers):
        scope = variables.layer(index)
        for projection in ("query", "key", "value"):
            context = dense(f"{scope}/attention/self/{projection}", bound)
            yield f"{scope}/attention/self/{projection}/kernel", context.max()
        name = f"{scope}/attention/output"
        yield f"{name}/dense/kernel", dense(f"{name}/dense", context).max()
        bound = normalised(name)
        yield f"{name}/LayerNorm/gamma", bound.max()
        inner = dense(f"{scope}/intermediate/dense", bound)
        yield f"{scope}/intermediate/dense/kernel", inner.max()
        yield f"{scope}/output/dense/kernel", dense(f"{scope}/output/dense", inner).max()
        bound = normalised(f"{scope}/output")
        largest = max(largest, bound.max())
        yield f"{scope}/output/LayerNorm/gamma", bound.max()
    if variables.MASKED_WORDS_BIAS in weights:
        scope = variables.MASKED_WORDS_TRANSFORM
        yield f"{scope}/dense/kernel", dense(f"{scope}/dense", bound).max()
        words = _size(weights[f"{embeddings}/word_embeddings"]) @ normalised(scope)
        yield (
            variables.MASKED_WORDS_BIAS,
            (words + _size(weights[variables.MASKED_WORDS_BIAS])).max(),
        )
    if config.has_pooler:
        bound = dense(variables.POOLER, bound)
        yield f"{variables.POOLER}/kernel", bound.max()
        if config.pooler_act == TANH:
            bound = np.ones_like(bound)
    # A sum over tokens divided by the root of their number is the largest pooling.
    vector = np.array([largest * math.sqrt(config.max_position_embeddings)])
    for index in itertools.count():
        scope = variables.projection(index)
        if f"{scope}/kernel" not in weights:
            break
        vector = dense(scope, np.full(len(weights[f"{scope}/kernel"]), vector.max()))
        yield f"{scope}/kernel", vector.max()
    if variables.OUTPUT_WEIGHTS not in weights:
        return
    logits = _size(weights[variables.OUTPUT_WEIGHTS]) @ bound
    yield variables.OUTPUT_WEIGHTS, (logits + _size(weights[variables.OUTPUT_BIAS])).max()


def _size(values: np.ndarray) -> np.ndarray:
    return np.abs(values).astype(np.float64)
