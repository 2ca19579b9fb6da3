"""TensorFlow's C API through ctypes: a SavedModel in a session, as TensorFlow Serving runs it.

The libraries of an installed wheel are opened without importing the Python package, so that
none of its checks stands between a request and the graph: TensorFlow Serving has none either.
Runs on TensorFlow 2.5 and newer, Python 3.8 and newer; needs NumPy and nothing of this project.

Functions and constants: tensorflow/c/c_api.h, tf_status.h, tf_tensor.h, tf_datatype.h.
"""

from __future__ import annotations

import ctypes
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.programs.compatibility.c_tensors import delete_fed_tensor, new_tensor, to_numpy

# TF_Code
CODES = {
    0: "OK",
    1: "CANCELLED",
    2: "UNKNOWN",
    3: "INVALID_ARGUMENT",
    4: "DEADLINE_EXCEEDED",
    5: "NOT_FOUND",
    6: "ALREADY_EXISTS",
    7: "PERMISSION_DENIED",
    8: "RESOURCE_EXHAUSTED",
    9: "FAILED_PRECONDITION",
    10: "ABORTED",
    11: "OUT_OF_RANGE",
    12: "UNIMPLEMENTED",
    13: "INTERNAL",
    14: "UNAVAILABLE",
    15: "DATA_LOSS",
    16: "UNAUTHENTICATED",
}

# Where releases keep the C API: up to 2.11 in the library of the Python package.
_LIBRARIES = (
    "libtensorflow_framework.so.2",
    "libtensorflow_cc.so.2",
    "python/_pywrap_tensorflow_internal.so",
)

_POINTER = ctypes.c_void_p
_RESULT_TYPES = {
    "TF_AllocateTensor": _POINTER,
    "TF_Dim": ctypes.c_int64,
    "TF_GraphOperationByName": _POINTER,
    "TF_LoadLibrary": _POINTER,
    "TF_LoadSessionFromSavedModel": _POINTER,
    "TF_Message": ctypes.c_char_p,
    "TF_NewGraph": _POINTER,
    "TF_NewSessionOptions": _POINTER,
    "TF_NewStatus": _POINTER,
    "TF_StringGetDataPointer": _POINTER,
    "TF_StringGetSize": ctypes.c_size_t,
    "TF_TensorByteSize": ctypes.c_size_t,
    "TF_TensorData": _POINTER,
    "TF_Version": ctypes.c_char_p,
}


class StatusError(Exception):
    """TensorFlow's own refusal: `code` as in CODES, and its message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{CODES[code]}: {message}")
        self.code = CODES[code]
        self.message = message


class _Output(ctypes.Structure):
    """TF_Output: an operation and which of its outputs."""

    _fields_ = [("operation", ctypes.c_void_p), ("index", ctypes.c_int)]


class Library:
    """The C API of the TensorFlow that is installed, with TensorFlow Text's ops."""

    def __init__(self) -> None:
        """Opens the libraries.

        Raises:
          ImportError: TensorFlow or TensorFlow Text is not installed, or has no C API.
          StatusError: TensorFlow refuses a library of TensorFlow Text.
        """
        self._library = _open_tensorflow()
        for name, result_type in _RESULT_TYPES.items():
            getattr(self._library, name).restype = result_type
        self.version = self._library.TF_Version().decode()
        for file in sorted((_package("tensorflow_text") / "python" / "ops").glob("_*.so")):
            self.checked("TF_LoadLibrary", str(file).encode())

    def call(self, function: str, *arguments: Any) -> Any:
        """Calls a function that cannot fail."""
        return getattr(self._library, function)(*arguments)

    def checked(self, function: str, *arguments: Any) -> Any:
        """Calls a function whose last argument is a TF_Status.

        Raises:
          StatusError: the status is not OK.
        """
        status = _POINTER(self.call("TF_NewStatus"))
        try:
            result = self.call(function, *arguments, status)
            code = self.call("TF_GetCode", status)
            if code:
                message = self.call("TF_Message", status).decode("utf-8", "replace")
                raise StatusError(code, message)
            return result
        finally:
            self.call("TF_DeleteStatus", status)


class SavedModelSession:
    """A SavedModel, loaded by TF_LoadSessionFromSavedModel with the tag `serve`.

    `run` may be called from several threads at once; it gives up Python's lock meanwhile.
    """

    def __init__(self, library: Library, directory: Path) -> None:
        """Raises StatusError if TensorFlow cannot load it."""
        self._library = library
        self._graph = _POINTER(library.call("TF_NewGraph"))
        options = _POINTER(library.call("TF_NewSessionOptions"))
        tags = (ctypes.c_char_p * 1)(b"serve")
        try:
            self._session = _POINTER(
                library.checked(
                    "TF_LoadSessionFromSavedModel",
                    options,
                    None,  # run options
                    str(directory).encode(),
                    tags,
                    1,
                    self._graph,
                    None,  # the meta graph is not asked for
                )
            )
        finally:
            library.call("TF_DeleteSessionOptions", options)

    def run(self, feeds: Mapping[str, np.ndarray], fetches: Sequence[str]) -> list[np.ndarray]:
        """The values of the tensors named, of any shape that TensorFlow lets through.

        Args:
          feeds: tensor name such as `text:0` -> value; strings as object arrays of bytes.
          fetches: tensor names.

        Raises:
          StatusError: with TensorFlow's own code.
        """
        library = self._library
        inputs = (_Output * len(feeds))(*map(self._output, feeds))
        outputs = (_Output * len(fetches))(*map(self._output, fetches))
        values = (_POINTER * len(feeds))()
        results = (_POINTER * len(fetches))()
        try:
            for index, value in enumerate(feeds.values()):
                values[index] = new_tensor(library, value)
            library.checked(
                "TF_SessionRun",
                self._session,
                None,  # run options
                *(inputs, values, len(feeds)),
                *(outputs, results, len(fetches)),
                *(None, 0),  # target operations
                None,  # run metadata
            )
            return [to_numpy(library, _POINTER(result)) for result in results]
        finally:
            for tensor in filter(None, results):
                library.call("TF_DeleteTensor", _POINTER(tensor))
            for tensor in filter(None, values):
                delete_fed_tensor(library, _POINTER(tensor))

    def _output(self, tensor_name: str) -> _Output:
        operation, _, index = tensor_name.partition(":")
        found = self._library.call("TF_GraphOperationByName", self._graph, operation.encode())
        if found is None:
            raise KeyError(f"the graph has no operation {operation}")
        return _Output(found, int(index or 0))


def _package(name: str) -> Path:
    specification = importlib.util.find_spec(name)
    if specification is None or specification.origin is None:
        raise ImportError(f"{name} is not installed")
    return Path(specification.origin).parent


def _open_tensorflow() -> ctypes.CDLL:
    files = [_package("tensorflow") / name for name in _LIBRARIES]
    for file in filter(Path.exists, files):
        # The libraries of TensorFlow Text look for TensorFlow's symbols among the global ones.
        library = ctypes.CDLL(str(file), mode=ctypes.RTLD_GLOBAL)
        if hasattr(library, "TF_LoadSessionFromSavedModel"):
            return library
    raise ImportError(f"none of {', '.join(map(str, files))} has the C API")
