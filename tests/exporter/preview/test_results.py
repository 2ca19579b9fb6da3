import json
from typing import Any

import numpy as np
import pytest

from exporter.preview.results import classifications_json, predictions_json, regressions_json
from exporter.runtime.status import Code, StatusError


@pytest.mark.parametrize("shape", [(0,), (3,), (0, 3), (2, 0), (2, 0, 3), (2, 3, 0), (2, 3, 2)])
def test_nesting(shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape), dtype=np.int64).reshape(shape)
    assert json.loads(predictions_json({"a": array}, True)) == {"predictions": array.tolist()}
    assert json.loads(predictions_json({"a": array}, False)) == {"outputs": array.tolist()}
    columns = json.loads(predictions_json({"a": array, "b": array}, False))["outputs"]
    assert columns == {"a": array.tolist(), "b": array.tolist()}
    rows = json.loads(predictions_json({"a": array, "b": array}, True))["predictions"]
    assert rows == [{"a": row, "b": row} for row in array.tolist()]


def test_a_scalar_has_no_rows() -> None:
    scalar: Any = np.float32(2)  # as an eager tensor gives it, though it is no array
    assert json.loads(predictions_json({"a": scalar}, False)) == {"outputs": 2.0}
    with pytest.raises(StatusError) as error:
        predictions_json({"a": scalar}, True)
    assert error.value.code is Code.INVALID_ARGUMENT


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_read_back_as_the_same_value(dtype: type) -> None:
    bits: np.ndarray = np.random.default_rng(5).integers(0, 2**64, 20_000, np.uint64).view(dtype)
    special = np.array([0, -0.0, 1, 0.2, 9e6, 3e-5, np.finfo(dtype).max, np.finfo(dtype).tiny])
    values = np.concatenate([special.astype(dtype), bits[np.isfinite(bits)]])
    text = predictions_json({"a": values}, True)
    read = json.loads(text)["predictions"]
    assert all(isinstance(value, float) for value in read)
    assert np.array_equal(np.array(read, dtype).view(np.uint8), values.view(np.uint8))
    assert "[0.0, -0.0, 1.0, 0.2, 9000000.0, 3e-05" in text


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_no_json_form_for_nonfinite_numbers(bad: float) -> None:
    array = np.array([0.5, bad], np.float32)
    for write in (
        lambda: predictions_json({"a": array}, True),
        lambda: regressions_json(array),
        lambda: classifications_json([[(b"x", float(bad))]]),
    ):
        with pytest.raises(StatusError) as error:
            write()
        assert error.value.code is Code.INTERNAL


def test_strings() -> None:
    texts = np.array(['é😀"\\\n\0\u2028'.encode(), b""], object)
    assert json.loads(predictions_json({"a": texts}, True))["predictions"] == [
        'é😀"\\\n\0\u2028',
        "",
    ]
    invalid = np.array([b"\xff\xed\xa0\x80"], object)
    with pytest.raises(StatusError) as error:
        predictions_json({"a": invalid}, True)
    assert error.value.code is Code.INTERNAL
    assert json.loads(predictions_json({"a_bytes": invalid}, True))["predictions"] == [
        {"b64": "/+2ggA=="}
    ]


def test_other_dtypes() -> None:
    for array in (
        np.array([True, False]),
        np.array([2**64 - 1], np.uint64),
        np.array([-1], np.int8),
    ):
        assert json.loads(predictions_json({"a": array}, True))["predictions"] == array.tolist()
    with pytest.raises(StatusError) as error:
        predictions_json({"a": np.zeros(1, np.float16)}, True)
    assert error.value.code is Code.INVALID_ARGUMENT
