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
