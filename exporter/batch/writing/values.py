"""Answers of a signature as JSON and as Arrow have them."""

import numpy as np
import pyarrow


def python_values(values: np.ndarray | list[np.ndarray]) -> list[object]:
    """Answers as JSON has them: numbers, strings and lists."""
    if isinstance(values, list):
        return [_as_text(value.tolist()) for value in values]
    return (
        [_as_text(value) for value in values.tolist()]
        if values.dtype == object
        else values.tolist()
    )


def arrow_array(values: np.ndarray | list[np.ndarray]) -> pyarrow.Array:
    """Rows of one shape as fixed-size lists, others as lists."""
    if isinstance(values, list):
        offsets = np.concatenate([[0], np.cumsum([len(value) for value in values])])
        flat = np.concatenate(values)
        return pyarrow.ListArray.from_arrays(offsets.astype(np.int32), arrow_array(flat))
    flat = values.reshape(-1)
    array = (
        pyarrow.array(_as_text(flat.tolist()), "string")
        if flat.dtype == object
        else pyarrow.array(flat)
    )
    for size in reversed(values.shape[1:]):
        array = pyarrow.FixedSizeListArray.from_arrays(array, size)
    return array


def _as_text(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return [_as_text(item) for item in value] if isinstance(value, list) else value
