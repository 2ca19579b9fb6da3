"""Loading a SavedModel finds out from how many tokens on float32 is the faster."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from bert.encoder.float32_threshold import Float32Threshold
from bert.encoder.precision import FLOAT32_FROM, NEVER
from exporter.runtime.servable import Servable

_WIDTH = 8
_LEAST_TRIED = 16

Product = Callable[[tf.Tensor], tf.Tensor]


def _after(products: int) -> Product:
    """[N, 8] -> the same after so many products of 256 rows or more."""

    def product(inputs: tf.Tensor) -> tf.Tensor:
        many = tf.tile(inputs, [256, 4])
        weights = tf.random.uniform([4 * _WIDTH, 4 * _WIDTH], maxval=1 / 16)
        for _ in range(products):
            many = tf.matmul(many, weights)
        return many

    return product


def _not_a_number(inputs: tf.Tensor) -> tf.Tensor:
    return tf.math.log(-inputs)


class _Thresholded(tf.Module):
    """A SavedModel whose only answer is its threshold."""

    def __init__(self, kept: Product, converted: Product) -> None:
        super().__init__()
        self.threshold = Float32Threshold(_WIDTH, kept, converted)

    @tf.function(input_signature=[])
    def read(self) -> dict[str, tf.Tensor]:
        return {"threshold": self.threshold.read()}


def _save(kept: Product, converted: Product, directory: Path) -> Path:
    module = _Thresholded(kept, converted)
    assert module.read()["threshold"] == NEVER, "before anything is loaded"
    tf.saved_model.save(module, str(directory), signatures=module.read)
    return directory


def _threshold(servable: Servable) -> int:
    return int(servable.predict("serving_default", {})["threshold"])


@pytest.mark.parametrize(
    ("kept", "converted", "expected"),
    [
        (_after(60), _after(1), _LEAST_TRIED),
        (_after(1), _after(60), NEVER),
        (_after(60), _not_a_number, NEVER),
    ],
)
def test_the_faster_is_found(
    kept: Product, converted: Product, expected: int, tmp_path: Path
) -> None:
    assert _threshold(Servable(_save(kept, converted, tmp_path))) == expected


def test_from_some_number_on(tmp_path: Path) -> None:
    """As on a real processor: to convert takes a while, and each row then less."""

    def kept(inputs: tf.Tensor) -> tf.Tensor:
        return _after(30)(tf.cond(tf.shape(inputs)[0] < 64, lambda: inputs[:1], lambda: inputs))

    def converted(inputs: tf.Tensor) -> tf.Tensor:
        return _after(30)(inputs[:16])

    assert _threshold(Servable(_save(kept, converted, tmp_path))) == 64


def test_it_can_be_set(tmp_path: Path) -> None:
    servable = Servable(_save(_after(1), _after(60), tmp_path))
    servable.assign(FLOAT32_FROM, 7)
    assert _threshold(servable) == 7


def test_two_models_of_a_process_have_two(tmp_path: Path) -> None:
    """By TensorFlow's own loader, which shares what has one name."""
    fast = _save(_after(60), _after(1), tmp_path / "fast")
    slow = _save(_after(1), _after(60), tmp_path / "slow")
    loaded = [tf.saved_model.load(str(directory)) for directory in (fast, slow, fast)]
    found = [model.signatures["serving_default"]()["threshold"].numpy() for model in loaded]
    np.testing.assert_array_equal(found, [_LEAST_TRIED, NEVER, _LEAST_TRIED])
