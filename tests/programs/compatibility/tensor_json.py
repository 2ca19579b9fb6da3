"""Tensors as JSON, exactly: float32 as the double that it is, strings in base64."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np


def to_json(value: np.ndarray) -> dict[str, Any]:
    """An array of numbers, or of bytes as objects, to what `from_json` reads."""
    is_string = value.dtype == object
    flat = value.reshape(-1).tolist()
    return {
        "dtype": "string" if is_string else value.dtype.name,
        "shape": list(value.shape),
        "values": [base64.b64encode(text).decode("ascii") for text in flat] if is_string else flat,
    }


def from_json(document: dict[str, Any]) -> np.ndarray:
    """What `to_json` made, to the array."""
    shape, values = document["shape"], document["values"]
    if document["dtype"] != "string":
        return np.array(values, document["dtype"]).reshape(shape)
    array = np.empty(shape, object)
    for index, text in enumerate(values):
        array.flat[index] = base64.b64decode(text)
    return array


def strings(value: Any) -> np.ndarray:
    """Bytes, or nested lists of equal lengths of them, to an array of objects."""
    return np.array(value, object)
