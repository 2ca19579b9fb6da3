import numpy as np
import pytest
import tensorflow as tf

from exporter.preview.tensors import decode_base64, tensor
from exporter.runtime.status import Code, StatusError


@pytest.mark.parametrize(
    ("value", "dtype", "shape"),
    [
        ("a", tf.string, ()),
        ([], tf.string, (0,)),
        ([[], []], tf.int32, (2, 0)),
        ([[1, 2], [3, 4]], tf.int32, (2, 2)),
        ([[[1.5]]], tf.float32, (1, 1, 1)),
        ([{"b64": "YQ=="}], tf.string, (1,)),
        ({"b64": "YQ=="}, tf.string, ()),
    ],
)
def test_shape_and_dtype(value: object, dtype: tf.DType, shape: tuple[int, ...]) -> None:
    array = tensor(value, dtype)
    assert array.shape == shape
    assert tf.as_dtype(array.dtype) == dtype


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (1, tf.float32),
        (2**24 - 1, tf.float32),
        (2**53 - 1, tf.float64),
        (3.4e38, tf.float32),
        (float("nan"), tf.float32),
        (float("inf"), tf.float32),
        (2**31 - 1, tf.int32),
        (-(2**31), tf.int32),
        (2**63 - 1, tf.int64),
        (2**64 - 1, tf.uint64),
        (255, tf.uint8),
        (True, tf.bool),
    ],
)
def test_values_that_fit(value: object, dtype: tf.DType) -> None:
    array = tensor([value], dtype)
    assert np.array_equal(
        array, np.array([value], dtype.as_numpy_dtype), equal_nan=dtype.is_floating
    )


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (2**24, tf.float32),
        (2**53, tf.float64),
        (1e39, tf.float32),
        (True, tf.float32),
        ("1", tf.float32),
        (None, tf.float32),
        (1.0, tf.int32),
        (True, tf.int32),
        (2**31, tf.int32),
        (-1, tf.uint32),
        (256, tf.uint8),
        (2**63, tf.int64),
        (1e30, tf.int64),
        (1, tf.bool),
        (1, tf.string),
        (None, tf.string),
        ({"a": "b"}, tf.string),
        ({"b64": "YQ=="}, tf.int32),
        ([[1], [2, 3]], tf.int32),
        ([[1], 2], tf.int32),
        ([1, [2]], tf.int32),
        ([[], [1]], tf.int32),
    ],
)
def test_values_that_do_not_fit(value: object, dtype: tf.DType) -> None:
    with pytest.raises(StatusError) as error:
        tensor([value], dtype)
    assert error.value.code is Code.INVALID_ARGUMENT


def test_too_many_dimensions() -> None:
    value: object = 1
    for _ in range(200):
        value = [value]
    with pytest.raises(StatusError, match="nested"):
        tensor(value, tf.int32)


def test_a_dtype_without_json_form() -> None:
    with pytest.raises(StatusError) as error:
        tensor([1.5], tf.bfloat16)
    assert error.value.code is Code.UNIMPLEMENTED


@pytest.mark.parametrize(
    ("text", "expected"), [("YWI=", b"ab"), ("YWI", b"ab"), ("Y W\nI=", b"ab"), ("", b"")]
)
def test_base64(text: str, expected: bytes) -> None:
    assert decode_base64(text) == expected


@pytest.mark.parametrize("text", ["@@@", "Y", "YWI==", "=", "Y=WI", "YWé", "-_-_", "\udcff"])
def test_what_is_no_base64(text: str) -> None:
    with pytest.raises(StatusError):
        decode_base64(text)
