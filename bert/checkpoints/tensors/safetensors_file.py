"""Opens model.safetensors: names, types, shapes and bytes, nothing that could run."""

from pathlib import Path
from typing import Any

import ml_dtypes  # noqa: F401 - NumPy learns bfloat16 from it, which tensors may have
import numpy as np
from safetensors import SafetensorError, safe_open

from bert.checkpoints.tensors.stored_tensor import StoredTensor
from bert.errors import UserError

_FLOATS = frozenset(("BF16", "F16", "F32", "F64"))


def open_tensors(file: Path) -> dict[str, StoredTensor]:
    """Every tensor of a file, by name.

    Raises:
      UserError: the file is truncated, or no safetensors file.
    """
    try:
        tensors = safe_open(file, framework="np")
        return {name: _stored(file, tensors, name) for name in tensors.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise UserError(
            f"{file} cannot be read, it is truncated or damaged ({error}): copy it again."
        ) from error


def _stored(file: Path, tensors: Any, name: str) -> StoredTensor:
    found = tensors.get_slice(name)
    return StoredTensor(
        file,
        tuple(found.get_shape()),
        found.get_dtype(),
        found.get_dtype() in _FLOATS,
        lambda: tensors.get_tensor(name).astype(np.float32, copy=False),
    )
