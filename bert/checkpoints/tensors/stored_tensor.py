"""StoredTensor: one named array in a file, not read yet."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np


@dataclasses.dataclass(frozen=True)
class StoredTensor:
    """An array under the name and in the layout that PyTorch modules have."""

    file: Path
    shape: tuple[int, ...]
    dtype: str
    """the type, as the file calls it"""

    is_float: bool
    """whether the values are floating-point numbers of 16 bits or more"""

    read: Callable[[], np.ndarray]
    """reads the values, as float32 where they are floating-point numbers"""
