"""Products of integers against NumPy's, and how calibration spares them outliers."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from bert import variables
from bert.config import GELU_ERF, LINEAR
from bert.encoder.calibration import InputRange, input_ranges
from bert.encoder.graphs import Case
from bert.encoder.int8 import DynamicInt8, Int8Table, OneSidedInt8, StaticInt8
from bert.encoder.kernel_bits import KernelBits
from bert.encoder.kernels import ACTIVATIONS, UNFUSED_ACTIVATIONS
from bert.encoder.layout_table import PRODUCTS
from bert.encoder.layouts import Arrays, Layout
from bert.encoder.precision import INT8
from bert.encoder.quantized_product import IntegerProduct
from bert.encoder.serving import ServingEncoder
from bert.reference import ReferenceClassifier
from tests.bert.encoder.test_encoder import packed, padded, random_rows
from tests.repository import ROOT
from tests.tiny_model import random_weights, tiny_config

_INPUTS, _OUTPUTS = 48, 32
_LONE, _MANY = Case(few=True, even=True, is_unrolled=True), Case()
# Of normal inputs.
_SEEN = InputRange(np.full(_INPUTS, -3, np.float32), np.full(_INPUTS, 4, np.float32))

_both_products = pytest.mark.parametrize("multiply", PRODUCTS.values(), ids=PRODUCTS)


def _layer(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    kernel = generator.normal(scale=0.1, size=(_INPUTS, _OUTPUTS)).astype(np.float32)
    return kernel, generator.normal(size=_OUTPUTS).astype(np.float32)


def _product(
    layout: Layout, kept: Arrays, inputs: np.ndarray, case: Case, activation: str = LINEAR
) -> np.ndarray:
    tensors = {name: tf.Variable(values) for name, values in kept.items()}
    run = tf.function(lambda rows: layout.product(rows, tensors, case, activation), autograph=False)
    return run(tf.constant(inputs)).numpy()


def _expected(kept: Arrays, inputs: np.ndarray, sizes: np.ndarray | float) -> np.ndarray:
    """The product of integers; inputs of `sizes` are 127."""
    integers = np.clip(np.rint(_scaled(kept, inputs) * (127 / sizes)), -127, 127)
    sums = integers.astype(np.int64) @ kept["kernel"].astype(np.int64)
    return sums * (sizes / 127 * kept["largest"] / 127) + kept["bias"]


def _scaled(kept: Arrays, inputs: np.ndarray) -> np.ndarray:
    return (inputs - kept.get("centre", np.float32(0))) * kept.get("factors", np.float32(1))


@_both_products
@pytest.mark.parametrize("case", [_LONE, _MANY])
@pytest.mark.parametrize("rows", [0, 1, 3, 200])
def test_products_are_those_of_integers(rows: int, case: Case, multiply: IntegerProduct) -> None:
    """Each row in its own scale; a row of zeros gives the bias."""
    kernel, bias = _layer()
    inputs = np.random.default_rng(rows).normal(size=(rows, _INPUTS)).astype(np.float32)
    inputs[1:2] = 0
    layout = DynamicInt8(multiply)
    kept = layout.keep(kernel, bias, _SEEN)
    sizes = np.abs(inputs).max(axis=1, keepdims=True, initial=0)
    expected = _expected(kept, inputs, np.where(sizes, sizes, 1))
    found = _product(layout, kept, inputs, case)
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=0)
    if rows > 1:
        assert np.abs(found - (inputs @ kernel + bias)).max() > 1e-4, "nothing was rounded"


@_both_products
@pytest.mark.parametrize("case", [_LONE, _MANY])
@pytest.mark.parametrize("rows", [0, 1, 3, 200])
def test_what_an_activation_made_has_no_sign(
    rows: int, case: Case, multiply: IntegerProduct
) -> None:
    """40 is zero; small rows have the size at which nothing that was seen is cut off."""
    kernel, bias = _layer()
    random = np.random.default_rng(rows).normal(size=(rows, _INPUTS)).astype(np.float32)
    inputs = np.array(ACTIVATIONS[GELU_ERF](3 * random))
    inputs[1:2] = 0
    inputs[2:3] = -0.16
    layout = OneSidedInt8(multiply)
    ones = np.ones(_INPUTS, np.float32)
    kept = layout.keep(kernel, bias, InputRange(-0.17 * ones, np.linspace(1, 9, _INPUTS) * ones))
    scaled = _scaled(kept, inputs)
    sizes = np.maximum(scaled.max(axis=1, keepdims=True, initial=0), kept["smallest"])
    integers = np.rint(scaled * (215 / sizes)) + 40
    assert rows < 3 or (0 <= integers.min() <= 5 and integers.max() == 255)
    sums = (integers.astype(np.int64) - 40) @ kept["kernel"].astype(np.int64)
    expected = sums * (sizes / 215 * kept["largest"] / 127) + bias
    found = _product(layout, kept, inputs, case)
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=0)
    if rows == 200:
        signed = DynamicInt8(multiply)
        kept_signed = signed.keep(kernel / kept["factors"][:, np.newaxis], bias, _SEEN)
        of_signed = _product(signed, kept_signed, scaled, case)
        errors, errors_signed = (
            np.abs(each - (inputs @ kernel + bias)).mean() for each in (found, of_signed)
        )
        assert 1e-4 < errors < 0.8 * errors_signed


@_both_products
def test_what_is_further_below_zero_is_cut_off(multiply: IntegerProduct) -> None:
    kernel, bias = _layer()
    ones = np.ones(_INPUTS, np.float32)
    layout = OneSidedInt8(multiply)
    kept = layout.keep(kernel, bias, InputRange(-0.17 * ones, ones))
    for case in (_LONE, _MANY):
        far = _product(layout, kept, np.array([-9 * ones, ones]), case)
        lowest = -kept["smallest"] * (40 / 215) / kept["factors"]
        np.testing.assert_allclose(far[0], lowest @ kernel + bias, atol=0.01)


@_both_products
@pytest.mark.parametrize("case", [_LONE, _MANY])
@pytest.mark.parametrize("activation", [*ACTIVATIONS])
@pytest.mark.parametrize("rows", [0, 1, 200])
def test_one_scale_does_for_all_rows(
    rows: int, activation: str, case: Case, multiply: IntegerProduct
) -> None:
    """The bias is added and the activation computed; what is beyond the scale is cut off."""
    kernel, bias = _layer()
    inputs = np.random.default_rng(rows).normal(size=(rows, _INPUTS)).astype(np.float32)
    inputs[:1] = 9
    layout = StaticInt8(multiply)
    inner, outer = layout.factors(activation)
    kept = layout.keep(kernel * np.float32(inner), bias * np.float32(inner), _SEEN)
    assert rows == 0 or np.abs(inputs * kept["factors"]).max() > 1.5
    expected = ACTIVATIONS[activation](
        tf.constant(_expected(kept, inputs, 1.0) / inner, tf.float32)
    )
    found = outer * _product(layout, kept, inputs, case, activation)
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=0)
    exact = ACTIVATIONS[activation](inputs[1:] @ kernel + bias)
    assert rows < 2 or 1e-4 < np.abs(found[1:] - exact).mean() < 1e-2


@_both_products
def test_an_outlier_column_does_not_spoil_others(multiply: IntegerProduct) -> None:
    """Of which the inputs would be a third of a step, were columns not smoothed."""
    kernel, bias = _layer()
    inputs = np.random.default_rng(1).normal(size=(100, _INPUTS)).astype(np.float32)
    inputs[:, 5] *= 100
    exact = inputs @ kernel + bias
    size = np.full(_INPUTS, np.abs(inputs).max())
    alike, seen = InputRange(-size, size), InputRange(inputs.min(axis=0), inputs.max(axis=0))
    for layout in (DynamicInt8(multiply), OneSidedInt8(multiply), StaticInt8(multiply)):
        errors = []
        for ranges in (alike, seen):
            divisors = layout.divisors(kernel, ranges)
            kept = layout.keep(kernel * divisors[:, np.newaxis], bias, ranges.times(1 / divisors))
            errors.append(np.abs(_product(layout, kept, inputs / divisors, _MANY) - exact))
        assert errors[1].mean() < 0.5 * errors[0].mean()


def test_a_table_is_within_half_a_step() -> None:
    table = np.random.default_rng(2).normal(size=(40, 16)).astype(np.float32)
    table[3] = 0
    kept = Int8Table().keep(table)
    assert kept["table"].dtype == np.int8
    ids = np.array([39, 3, 0, 3], np.int32)
    found = Int8Table().look_up(tf.constant(ids), kept).numpy()
    steps = np.abs(table[ids]).max(axis=1, keepdims=True) / 127
    assert (np.abs(found - table[ids]) <= steps / 2 + 1e-7).all()


def test_unfused_activations_are_the_same() -> None:
    values = tf.constant(np.linspace(-12, 12, 2001), tf.float32)
    for name, activation in ACTIVATIONS.items():
        found = UNFUSED_ACTIVATIONS[name](values)
        np.testing.assert_allclose(found, activation(values), atol=2e-6, rtol=0)


def test_calibration_sees_the_range_of_inputs() -> None:
    """The pooler's, by the reference; and there is one of every layer that is quantised."""
    config = tiny_config(50)
    weights = random_weights(config, 3)
    batches = [random_rows(seed, [7, 20, 3]) for seed in range(3)]
    ranges = input_ranges(config, weights, map(packed, batches))
    reference = ReferenceClassifier(config, weights)
    first = np.concatenate([reference.sequence(*padded(rows))[:, 0] for rows in batches])
    seen = ranges[variables.POOLER]
    np.testing.assert_allclose(seen.largest, first.max(axis=0), rtol=1e-4)
    np.testing.assert_allclose(seen.least, first.min(axis=0), rtol=1e-4)
    np.testing.assert_allclose(seen.size(), np.abs(first).max(axis=0), rtol=1e-4)
    for index in range(config.num_hidden_layers):
        widened = ranges[f"{variables.layer(index)}/{variables.INTERMEDIATE}"]
        of_heads = ranges[variables.self_attention(index)]
        assert widened.centre().shape == of_heads.centre().shape == (16,)


@pytest.mark.parametrize("precision", PRODUCTS)
def test_the_encoder_is_near_the_reference(precision: str) -> None:
    """For first tokens and for all, in every graph; and not so near that nothing was rounded."""
    config = tiny_config(50, hidden_size=64, intermediate_size=256)
    weights = {name: 0.3 * values for name, values in random_weights(config, 3).items()}
    ranges = input_ranges(config, weights, [packed(random_rows(9, [40] * 8))])
    encoder = ServingEncoder(config, weights, precision, ranges)
    pooled, sequence = (
        tf.function(each, reduce_retracing=True) for each in (encoder.pooled, encoder.sequence)
    )
    reference = ReferenceClassifier(config, weights)
    for seed, lengths in enumerate(([5], [64, 64], [3, 9], [64, 1, 30, 2, 64, 17])):
        rows = random_rows(seed, lengths)
        expected = reference.sequence(*padded(rows))
        found = sequence(packed(rows)).numpy()
        start = 0
        for row, length in enumerate(lengths):
            difference = np.abs(found[start : start + length] - expected[row, :length])
            assert 1e-5 < difference.mean() < 0.02
            start += length
        answers = pooled(packed(rows)).numpy()
        kernel, bias = (weights[f"{variables.POOLER}/{name}"] for name in ("kernel", "bias"))
        difference = np.abs(answers - np.tanh(expected[:, 0] @ kernel + bias))
        assert 1e-6 < difference.mean() < 0.02


def test_the_encoder_asks_for_calibration() -> None:
    config = tiny_config(50)
    with pytest.raises(ValueError, match="int8 needs the range of the inputs"):
        ServingEncoder(config, random_weights(config, 3), INT8)


class _Multiplied(tf.Module):
    """The largest bytes, which processors without VNNI cannot add up."""

    def __init__(self, multiply: IntegerProduct) -> None:
        super().__init__()
        layout = DynamicInt8(multiply)
        kernel = np.linspace(0.9, 1, _INPUTS * _OUTPUTS, dtype=np.float32)
        ones = np.ones(_INPUTS, np.float32)
        seen = InputRange(-ones, ones)
        kernel = kernel.reshape(_INPUTS, _OUTPUTS)
        kept = layout.keep(kernel, np.zeros(_OUTPUTS, np.float32), seen)
        self.kept = {name: tf.Variable(values) for name, values in kept.items()}
        self.bits = KernelBits([self.kept], multiply)
        self._layout = layout

    @tf.function(input_signature=[tf.TensorSpec([None, _INPUTS])], autograph=False)
    def run(self, rows: tf.Tensor) -> dict[str, tf.Tensor]:
        return {
            "product": self._layout.product(rows, self.kept, _MANY),
            "kernel": tf.identity(self.kept["kernel"]),
        }


_LOAD = """
import sys
import numpy as np
import tensorflow as tf
run = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
answer = run(rows=tf.ones([40, int(sys.argv[2])]))
np.savez(sys.argv[3], **{name: value.numpy() for name, value in answer.items()})
"""


@_both_products
@pytest.mark.parametrize("isa", ["DEFAULT", "AVX512_CORE", "AVX2"])
def test_kernels_lose_a_bit_where_bytes_overflow(
    isa: str, multiply: IntegerProduct, tmp_path: Path
) -> None:
    """A processor without VNNI is asked of oneDNN; without the bit the sums would be far off."""
    module = _Multiplied(multiply)
    tf.saved_model.save(module, str(tmp_path / "model"), signatures=module.run)
    subprocess.run(
        [sys.executable, "-c", _LOAD, tmp_path / "model", str(_INPUTS), tmp_path / "answer.npz"],
        env={**os.environ, "ONEDNN_MAX_CPU_ISA": isa},
        cwd=ROOT,
        check=True,
    )
    with np.load(tmp_path / "answer.npz") as answer:
        product, kernel = answer["product"], answer["kernel"]
    expected = np.linspace(0.9, 1, _INPUTS * _OUTPUTS).reshape(_INPUTS, _OUTPUTS).sum(axis=0)
    np.testing.assert_allclose(product, np.tile(expected, (40, 1)), rtol=0.01)
    assert np.abs(kernel).max() in (64, 127)
    if isa != "DEFAULT":
        assert np.abs(kernel.astype(int)).max() == 64
