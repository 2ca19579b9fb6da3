"""JSON values -> the input tensors of a signature, in row and in column format."""

import base64
import binascii
import math
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from exporter.preview.json_document import json_type, string_bytes
from exporter.runtime.status import Code, StatusError, invalid_argument

# NumPy before 2 does not have arrays of a higher rank.
_HIGHEST_RANK = 32
_INTEGERS = frozenset({tf.int8, tf.uint8, tf.int16, tf.int32, tf.uint32, tf.int64, tf.uint64})


def input_tensors(
    document: dict[str, Any], signature: SignatureDef
) -> tuple[dict[str, np.ndarray], bool]:
    """The tensors under "instances" or "inputs".

    A tensor has the signature's dtype (strings: object arrays of bytes) and the shape of the
    lists: a scalar stays a scalar, and "instances" adds a first dimension. The signature's shape
    is ignored, as in TF Serving 2.19's REST code.

    Returns:
      The tensors by input name, and whether the request is in row format.

    Raises:
      StatusError: INVALID_ARGUMENT, or UNIMPLEMENTED for a dtype that JSON cannot express.
    """
    if not signature.inputs:
        raise invalid_argument("the signature has no inputs")
    if "instances" in document and "inputs" in document:
        raise invalid_argument("only one of 'inputs' and 'instances' may be given")
    if "instances" in document:
        values = _columns(document["instances"], list(signature.inputs))
        in_rows = True
    elif "inputs" in document:
        values = _named_values(document["inputs"], list(signature.inputs))
        in_rows = False
    else:
        raise invalid_argument("missing 'inputs' or 'instances' key")
    tensors = {}
    for name, value in values.items():
        try:
            tensors[name] = tensor(value, tf.as_dtype(signature.inputs[name].dtype))
        except StatusError as error:
            raise StatusError(error.code, f"input '{name}': {error.message}") from None
    return tensors, in_rows


def tensor(value: Any, dtype: tf.DType) -> np.ndarray:
    """A JSON value (nested lists or a scalar) as an array of `dtype`.

    Raises:
      StatusError: INVALID_ARGUMENT for ragged lists, and for a value that `dtype` cannot hold
        exactly (a float for an integer, an integer above 2^24 for a float32). UNIMPLEMENTED for a
        dtype that JSON cannot express.
    """
    shape = _shape(value)
    flat: list[Any] = []
    _flatten(value, shape, 0, flat)
    if dtype == tf.string:
        array = np.empty(len(flat), dtype=object)
        array[:] = [_bytes(leaf) for leaf in flat]
    elif dtype in (tf.float32, tf.float64):
        array = _floats(flat, dtype)
    elif dtype in _INTEGERS:
        array = _integers(flat, dtype)
    elif dtype == tf.bool:
        for leaf in flat:
            if not isinstance(leaf, bool):
                raise _type_error(leaf, dtype)
        array = np.array(flat, dtype=bool)
    else:
        raise StatusError(
            Code.UNIMPLEMENTED, f"a tensor of {dtype.name} cannot be made from JSON values"
        )
    return array.reshape(shape)


def decode_base64(text: str) -> bytes:
    """The bytes of a "b64" value; white space and missing padding are allowed.

    Raises:
      StatusError: INVALID_ARGUMENT for other text.
    """
    packed = "".join(text.split())
    unpadded = packed.rstrip("=")
    padding = "=" * (-len(unpadded) % 4)
    if packed not in (unpadded, unpadded + padding):
        raise invalid_argument("unable to decode 'b64': wrong padding")
    try:
        return base64.b64decode((unpadded + padding).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise invalid_argument("unable to decode 'b64': not base64") from None


def is_base64(value: object) -> bool:
    """Whether a JSON value is `{"b64": "..."}`, which stands for a string of bytes."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def _columns(instances: Any, names: list[str]) -> dict[str, list[Any]]:
    if not isinstance(instances, list):
        raise invalid_argument(f"expected a list under 'instances', got {json_type(instances)}")
    if not instances:
        raise invalid_argument("no values in 'instances'")
    if not _is_named(instances[0]):
        if len(names) > 1:
            raise invalid_argument(
                f"every instance must be an object with the keys {_listed(names)}"
            )
        for row, instance in enumerate(instances):
            if _is_named(instance):
                raise invalid_argument(f"instance {row} is an object, unlike the first one")
        return {names[0]: instances}
    expected = set(names)
    for row, instance in enumerate(instances):
        if not _is_named(instance):
            raise invalid_argument(
                f"instance {row} is {json_type(instance)}, but the first one is an object"
            )
        if instance.keys() != expected:
            raise invalid_argument(
                f"instance {row} has the keys {_listed(instance)}; "
                f"they must be equal to {_listed(names)}"
            )
    return {name: [instance[name] for instance in instances] for name in names}


def _named_values(inputs: Any, names: list[str]) -> dict[str, Any]:
    if _is_named(inputs):
        missing = [name for name in names if name not in inputs]
        if missing:
            raise invalid_argument(f"missing {_listed(missing)} in 'inputs'")
        return {name: inputs[name] for name in names}
    if len(names) > 1:
        raise invalid_argument(f"'inputs' must be an object with the keys {_listed(names)}")
    return {names[0]: inputs}


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not is_base64(value)


def _listed(names: Any) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names))


def _shape(value: Any) -> list[int]:
    shape: list[int] = []
    while isinstance(value, list):
        shape.append(len(value))
        if len(shape) > _HIGHEST_RANK:
            raise invalid_argument(f"lists are nested more than {_HIGHEST_RANK} deep")
        if not value:
            break
        value = value[0]
    return shape


def _flatten(value: Any, shape: list[int], level: int, flat: list[Any]) -> None:
    if not isinstance(value, list):
        if level != len(shape):
            raise invalid_argument(f"{json_type(value)} at level {level}, expected a list")
        flat.append(value)
        return
    if level >= len(shape):
        raise invalid_argument(f"a list at level {level}, expected a value")
    if len(value) != shape[level]:
        raise invalid_argument(f"a list of {len(value)} at level {level}, not of {shape[level]}")
    for element in value:
        _flatten(element, shape, level + 1, flat)


def _bytes(leaf: Any) -> bytes:
    if isinstance(leaf, str):
        return string_bytes(leaf)
    if is_base64(leaf):
        return decode_base64(leaf["b64"])
    raise _type_error(leaf, tf.string)


def _floats(flat: list[Any], dtype: tf.DType) -> np.ndarray:
    largest = float(dtype.max)
    first_inexact_integer = 2 ** (np.finfo(dtype.as_numpy_dtype).nmant + 1)
    for leaf in flat:
        if isinstance(leaf, bool) or not isinstance(leaf, int | float):
            raise _type_error(leaf, dtype)
        if isinstance(leaf, int):
            exact = abs(leaf) < first_inexact_integer
        else:
            exact = abs(leaf) <= largest or not math.isfinite(leaf)
        if not exact:
            raise invalid_argument(f"{leaf} cannot be a {dtype.name} without loss of precision")
    return np.array(flat, dtype=dtype.as_numpy_dtype)


def _integers(flat: list[Any], dtype: tf.DType) -> np.ndarray:
    for leaf in flat:
        if type(leaf) is not int:
            raise _type_error(leaf, dtype)
    if flat and not dtype.min <= min(flat) <= max(flat) <= dtype.max:
        raise invalid_argument(f"a number does not fit {dtype.name}")
    return np.array(flat, dtype=dtype.as_numpy_dtype)


def _type_error(leaf: Any, dtype: tf.DType) -> StatusError:
    return invalid_argument(f"{json_type(leaf)} is not of the expected type {dtype.name}")
