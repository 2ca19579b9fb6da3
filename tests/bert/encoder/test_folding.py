"""What weights take over from a pass."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from bert import variables
from bert.encoder.calibration import input_ranges
from bert.encoder.folding import folded_layer, scale_of_hidden
from bert.encoder.layout_table import layouts
from bert.encoder.precision import FLOAT32, INT8
from bert.encoder.serving import ServingEncoder
from bert.encoder.trainable import TrainableEncoder
from tests.bert.encoder.test_encoder import packed, random_rows
from tests.tiny_model import random_weights, tiny_config


@pytest.mark.parametrize("epsilon", [1e-12, 1e-7, 1e-5, 1e-3])
def test_the_one_kernel_has_the_epsilon_of_all_releases(epsilon: float) -> None:
    """TensorFlow 2.11 overlooks the one in the graph, and takes 0.001."""
    config = tiny_config(50, layer_norm_eps=epsilon)
    encoder = ServingEncoder(config, random_weights(config, 3))
    graph = tf.function(encoder.sequence).get_concrete_function(packed(random_rows(0, [3, 9])))
    found = {
        node.attr["epsilon"].f
        for function in graph.graph.as_graph_def().library.function
        for node in function.node_def
        if node.op == "FusedBatchNormV3"
    }
    assert found == {np.float32(epsilon * scale_of_hidden(config) ** 2)}
    (taken,) = found
    assert epsilon * 0.001 / taken == pytest.approx(epsilon, rel=1e-4, abs=3e-12)


@pytest.mark.parametrize("lengths", [[9], [60, 60, 30]])
def test_a_large_bias_is_added_once(lengths: list[int]) -> None:
    """Of each matrix, in each layer; by a pass that folds nothing."""
    config = tiny_config(50)
    tokens = packed(random_rows(1, lengths))
    plain = random_weights(config, 3)
    for name in plain:
        if not name.endswith("/bias"):
            continue
        weights = {**plain, name: plain[name] + np.float32(0.5)}
        expected = TrainableEncoder(config, weights).sequence(tokens)
        found = tf.function(ServingEncoder(config, weights).sequence)(tokens)
        np.testing.assert_allclose(found, expected, atol=2e-5, err_msg=name)


def test_values_are_smoothed_for_the_product_behind_attention() -> None:
    """The context's largest columns become smaller than its smallest were apart."""
    config = tiny_config(50)
    weights = random_weights(config, 3)
    value = f"{variables.self_attention(0)}/value/kernel"
    weights[value] = weights[value] * np.geomspace(0.1, 10, config.hidden_size, dtype=np.float32)
    seen = input_ranges(config, weights, [packed(random_rows(1, [9, 30]))])
    of_floats, of_integers = (
        folded_layer(config, weights, 0, layouts(precision, config.hidden_act), seen)
        for precision in (FLOAT32, INT8)
    )
    before, after = (
        folded.dense[variables.ATTENTION_OUTPUT].seen.size() for folded in (of_floats, of_integers)
    )
    assert after.max() / after.min() < 0.3 * before.max() / before.min()
    for one, other in zip(of_floats.projections.value, of_integers.projections.value, strict=True):
        assert not np.allclose(one, other)
    exact, smoothed = (
        np.concatenate(list(folded.projections.value), axis=1)
        @ folded.dense[variables.ATTENTION_OUTPUT].kernel
        for folded in (of_floats, of_integers)
    )
    np.testing.assert_allclose(smoothed, exact, rtol=1e-3, atol=1e-6)


def test_the_context_is_expected_without_the_bias_of_values() -> None:
    """The served context has none: it is in the bias behind the product."""
    config = tiny_config(50)
    plain = random_weights(config, 3)
    bias = f"{variables.self_attention(0)}/value/bias"
    shifts = np.linspace(-3, 3, config.hidden_size, dtype=np.float32)
    tokens = packed(random_rows(1, [9, 30]))
    without, shifted = (
        folded_layer(
            config,
            weights,
            0,
            layouts(FLOAT32, config.hidden_act),
            input_ranges(config, weights, [tokens]),
        )
        .dense[variables.ATTENTION_OUTPUT]
        .seen
        for weights in ({**plain, bias: 0 * shifts}, {**plain, bias: shifts})
    )
    np.testing.assert_allclose(shifted.least, without.least, atol=1e-5)
    np.testing.assert_allclose(shifted.largest, without.largest, atol=1e-5)


@pytest.mark.parametrize("activation", ["gelu_tanh", "relu", "tanh", "linear"])
def test_integers_fit_each_activation(activation: str) -> None:
    config = dataclasses.replace(
        tiny_config(50, hidden_size=64, intermediate_size=256), hidden_act=activation
    )
    weights = {name: 0.3 * values for name, values in random_weights(config, 3).items()}
    tokens = packed(random_rows(9, [40] * 8))
    seen = input_ranges(config, weights, [tokens])
    expected = TrainableEncoder(config, weights).sequence(tokens)
    found = tf.function(ServingEncoder(config, weights, INT8, seen).sequence)(tokens)
    assert 1e-5 < np.abs(found - expected).mean() < 0.02
