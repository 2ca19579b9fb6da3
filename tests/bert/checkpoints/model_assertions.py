"""What tests of readers assert of the model that was read."""

from collections.abc import Mapping

import numpy as np

from bert.model import FineTunedModel


def assert_weights(model: FineTunedModel, expected: Mapping[str, np.ndarray]) -> None:
    """The model has exactly these weights, in float32."""
    assert model.weights.keys() == expected.keys()
    for name, value in expected.items():
        assert model.weights[name].dtype == np.float32
        np.testing.assert_array_equal(model.weights[name], value, err_msg=name)
