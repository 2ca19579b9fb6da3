"""The arrays that a served encoder keeps: each matrix by its layout, layers stacked."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from bert import variables
from bert.config import BertConfig
from bert.encoder.calibration import NOTHING_SEEN, InputRange
from bert.encoder.folding import Norm, folded_layer, scale_of_hidden
from bert.encoder.layout_table import Layouts
from bert.encoder.layouts import Arrays, Layout, Table

# The name of the layers before the last, whose weights are kept as one.
STACKED = "stacked"


def kept_arrays(
    config: BertConfig,
    weights: Mapping[str, np.ndarray],
    layouts: Layouts,
    input_ranges: Mapping[str, InputRange],
) -> Iterator[tuple[str, Any, Arrays]]:
    """Each scope with its layout and the arrays to keep; see ServingEncoder."""
    kept = _kept_arrays(config, weights, layouts, input_ranges)
    return _stacked(kept, config.num_hidden_layers - 1)


def _stacked(
    kept: Iterable[tuple[str, Any, Arrays]], count: int
) -> Iterator[tuple[str, Any, Arrays]]:
    """The same with the arrays of the first `count` layers as one each, [count, ...]."""
    stacks: dict[str, tuple[Any, list[Arrays]]] = {}
    layers = {
        f"{variables.layer(index)}/": f"{variables.layer(STACKED)}/" for index in range(count)
    }
    for scope, layout, arrays in kept:
        (prefix,) = [prefix for prefix in layers if scope.startswith(prefix)] or [""]
        if not prefix:
            yield scope, layout, arrays
            continue
        name = layers[prefix] + scope.removeprefix(prefix)
        stacks.setdefault(name, (layout, []))[1].append(arrays)
    for scope, (layout, of_layers) in stacks.items():
        yield (
            scope,
            layout,
            {name: np.stack([arrays[name] for arrays in of_layers]) for name in of_layers[0]},
        )


def _kept_arrays(
    config: BertConfig,
    weights: Mapping[str, np.ndarray],
    layouts: Layouts,
    input_ranges: Mapping[str, InputRange],
) -> Iterator[tuple[str, Any, Arrays]]:
    """Each scope with its layout and the arrays to keep."""

    for table in ("word_embeddings", "token_type_embeddings", "position_embeddings"):
        scope = f"{variables.EMBEDDINGS}/{table}"
        if scope in weights:  # an encoder may have no token types
            tables = layouts.words if table == "word_embeddings" else layouts.tables
            yield scope, tables, tables.keep(weights[scope])
    if variables.RELATIVE_ATTENTION_BIAS in weights:
        # So small that its precision costs nothing.
        scope, small = variables.RELATIVE_ATTENTION_BIAS, Table(tf.float32)
        yield scope, small, small.keep(weights[scope])

    def dense(scope: str, size: np.float32) -> tuple[str, Layout, Arrays]:
        layout, seen = layouts.dense[scope], input_ranges.get(scope, NOTHING_SEEN)
        kernel, bias = (weights[f"{scope}/{name}"] * size for name in ("kernel", "bias"))
        return scope, layout, layout.keep(kernel, bias, seen)

    def norm(scope: str, values: Norm) -> tuple[str, None, Arrays]:
        return f"{scope}/LayerNorm", None, values._asdict()

    scale, one = np.float32(scale_of_hidden(config)), np.float32(1)
    embeddings = Norm.of(weights, variables.EMBEDDINGS)
    if config.embedding_size is None:
        embeddings = embeddings.times(scale)
    else:
        yield dense(variables.EMBEDDINGS_PROJECTION, scale)
    yield norm(variables.EMBEDDINGS, embeddings)
    for index in range(config.num_hidden_layers):
        folded = folded_layer(config, weights, index, layouts, input_ranges)
        is_last = index == config.num_hidden_layers - 1
        heads = layouts.last_heads if is_last else layouts.heads
        yield variables.self_attention(index), heads, heads.keep(folded.projections, folded.seen)
        for name, parts in folded.dense.items():
            layout = layouts.dense[name]
            yield f"{variables.layer(index)}/{name}", layout, layout.keep(*parts)
        for name, normalisation in folded.norms.items():
            yield norm(f"{variables.layer(index)}/{name}", normalisation)
    if config.has_pooler:
        yield dense(variables.POOLER, one)
