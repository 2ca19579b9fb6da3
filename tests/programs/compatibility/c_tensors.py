"""Tensors of TensorFlow's C API to and from NumPy.

Functions and constants: tensorflow/c/tf_tensor.h, tf_datatype.h, tf_tstring.h.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tests.programs.compatibility.c_api import Library

# TF_DataType of the dtypes that a signature of ours may have.
_STRING = 7
_NUMERIC: dict[int, np.dtype] = {
    1: np.dtype(np.float32),
    2: np.dtype(np.float64),
    3: np.dtype(np.int32),
    4: np.dtype(np.uint8),
    9: np.dtype(np.int64),
    10: np.dtype(np.bool_),
}
_SIZE_OF_STRING = 24  # TF_TString

_POINTER = ctypes.c_void_p


def new_tensor(library: Library, value: np.ndarray) -> int:
    """A TF_Tensor with the value; strings are an object array of bytes."""
    # np.ascontiguousarray would make a vector of a scalar.
    value = np.array(value, order="C", copy=None if np.__version__ >= "2" else False)
    dimensions = (ctypes.c_int64 * value.ndim)(*value.shape)
    if value.dtype == object:
        size = value.size * _SIZE_OF_STRING
        tensor = library.call(
            "TF_AllocateTensor", _STRING, dimensions, value.ndim, ctypes.c_size_t(size)
        )
        for index, place in enumerate(_strings(library, _POINTER(tensor))):
            text = value.flat[index]
            library.call("TF_StringInit", place)
            library.call("TF_StringCopy", place, text, ctypes.c_size_t(len(text)))
        return tensor
    dtype = next(number for number, known in _NUMERIC.items() if known == value.dtype)
    tensor = library.call(
        "TF_AllocateTensor", dtype, dimensions, value.ndim, ctypes.c_size_t(value.nbytes)
    )
    data = library.call("TF_TensorData", _POINTER(tensor))
    if value.nbytes:
        ctypes.memmove(data, value.ctypes.data, value.nbytes)
    return tensor


def to_numpy(library: Library, tensor: ctypes.c_void_p) -> np.ndarray:
    """The value of a TF_Tensor."""
    rank = library.call("TF_NumDims", tensor)
    shape = [library.call("TF_Dim", tensor, axis) for axis in range(rank)]
    dtype = library.call("TF_TensorType", tensor)
    if dtype == _STRING:
        array = np.empty(shape, object)
        for index, place in enumerate(_strings(library, tensor)):
            start = library.call("TF_StringGetDataPointer", place)
            length = library.call("TF_StringGetSize", place)
            array.flat[index] = ctypes.string_at(start, length) if length else b""
        return array
    array = np.empty(shape, _NUMERIC[dtype])
    if array.nbytes:
        ctypes.memmove(array.ctypes.data, library.call("TF_TensorData", tensor), array.nbytes)
    return array


def _strings(library: Library, tensor: ctypes.c_void_p) -> list[ctypes.c_void_p]:
    """The places of a string tensor's TF_TStrings."""
    start = library.call("TF_TensorData", tensor)
    size = library.call("TF_TensorByteSize", tensor)
    return [_POINTER(start + offset) for offset in range(0, size, _SIZE_OF_STRING)] if size else []


def delete_fed_tensor(library: Library, tensor: ctypes.c_void_p) -> None:
    """Frees what `new_tensor` made."""
    # A tensor of TensorFlow's own frees its strings; one that we allocated does not, and an
    # output may share what it holds, so this comes last.
    if library.call("TF_TensorType", tensor) == _STRING:
        for place in _strings(library, tensor):
            library.call("TF_StringDealloc", place)
    library.call("TF_DeleteTensor", tensor)
