"""Small operations in the forms that TensorFlow has fast kernels for."""

import numpy as np
import pytest
import tensorflow as tf

from bert.encoder.kernels import layer_norm_of_few, layer_norm_of_many


@pytest.mark.parametrize("epsilon", [1e-20, 1e-12, 1e-7, 1e-5, 1e-3])
@pytest.mark.parametrize("size", [1e-4, 1.0, 1e9])
def test_layer_normalisation(epsilon: float, size: float) -> None:
    random = np.random.default_rng(0)
    inputs = (random.normal(size=(100, 24)) * size).astype(np.float32)
    inputs[3] = 0.5
    gamma, beta = (tf.Variable(random.normal(size=24).astype(np.float32)) for _ in range(2))
    wide = inputs.astype(np.float64)
    variance = wide.var(axis=1, keepdims=True)
    expected = (wide - wide.mean(axis=1, keepdims=True)) / np.sqrt(variance + epsilon)
    expected = expected * gamma.numpy() + beta.numpy()
    for normalised in (layer_norm_of_few, layer_norm_of_many):
        run = tf.function(lambda x, by=normalised: by(x, gamma, beta, epsilon), autograph=False)
        np.testing.assert_allclose(run(inputs), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("epsilon", [1e-12, 1e-7, 1e-5, 1e-3])
def test_the_one_kernel_has_the_epsilon_of_all_releases(epsilon: float) -> None:
    """TensorFlow 2.11 overlooks the one in the graph, and takes 0.001."""
    ones = tf.Variable(tf.ones(8))
    run = tf.function(lambda x: layer_norm_of_many(x, ones, ones, epsilon), autograph=False)
    graph = run.get_concrete_function(tf.TensorSpec([None, 8])).graph
    (operation,) = (op for op in graph.get_operations() if op.type == "FusedBatchNormV3")
    taken_for = epsilon * 0.001 / operation.get_attr("epsilon")
    assert taken_for == pytest.approx(epsilon, rel=1e-4, abs=3e-12)
