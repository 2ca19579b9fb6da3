"""The arrays that a served encoder keeps: each matrix by its layout, layers stacked."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from bert import variables
from bert.config import BertConfig
from bert.encoder.calibration import NOTHING_SEEN, InputRange
from bert.encoder.layout_table import Layouts
from bert.encoder.layouts import Arrays, Table
from bert.encoder.projections import projections_of

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

    factors = layouts.dense[variables.INTERMEDIATE].factors(config.hidden_act)
    inner, outer = map(np.float32, factors)

    def dense(scope: str) -> tuple[np.ndarray, np.ndarray]:
        return weights[f"{scope}/kernel"], weights[f"{scope}/bias"]

    def seen(scope: str) -> InputRange:
        return input_ranges.get(scope, NOTHING_SEEN)

    for table in ("word_embeddings", "token_type_embeddings", "position_embeddings"):
        scope = f"{variables.EMBEDDINGS}/{table}"
        if scope in weights:  # an encoder may have no token types
            tables = layouts.words if table == "word_embeddings" else layouts.tables
            yield scope, tables, tables.keep(weights[scope])
    if variables.RELATIVE_ATTENTION_BIAS in weights:
        # So small that its precision costs nothing.
        scope, small = variables.RELATIVE_ATTENTION_BIAS, Table(tf.float32)
        yield scope, small, small.keep(weights[scope])
    if config.embedding_size is not None:
        scope = variables.EMBEDDINGS_PROJECTION
        layout = layouts.dense[scope]
        yield scope, layout, layout.keep(*dense(scope), seen(scope))
    norms = [variables.EMBEDDINGS]
    for index in range(config.num_hidden_layers):
        layer, attention = variables.layer(index), variables.self_attention(index)
        norms += [f"{layer}/attention/output", f"{layer}/output"]
        is_last = index == config.num_hidden_layers - 1
        heads = layouts.last_heads if is_last else layouts.heads
        projections = projections_of(config, weights, attention)
        yield attention, heads, heads.keep(projections, seen(attention))
        for name in (variables.ATTENTION_OUTPUT, variables.INTERMEDIATE, variables.OUTPUT):
            kernel, bias = dense(f"{layer}/{name}")
            if name == variables.ATTENTION_OUTPUT:
                # The weights of a query sum to 1, so the value's bias adds a constant.
                bias = bias + weights[f"{attention}/value/bias"] @ kernel
            elif name == variables.INTERMEDIATE:
                kernel, bias = kernel * inner, bias * inner
            else:
                # Its inputs are smaller by `outer`, all alike, which calibration may ignore.
                kernel = kernel * outer
            scope, layout = f"{layer}/{name}", layouts.dense[name]
            yield scope, layout, layout.keep(kernel, bias, seen(scope))
    if config.has_pooler:
        scope, layout = variables.POOLER, layouts.dense[variables.POOLER]
        yield scope, layout, layout.keep(*dense(scope), seen(scope))
    for norm in norms:
        scope = f"{norm}/LayerNorm"
        yield scope, None, {name: weights[f"{scope}/{name}"] for name in ("gamma", "beta")}
