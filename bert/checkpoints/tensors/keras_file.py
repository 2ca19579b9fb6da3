"""Opens tf_model.h5, the Keras weights of transformers' TFBert classes, where h5py is installed."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from bert.checkpoints.tensors.stored_tensor import StoredTensor
from bert.errors import UserError

# Names of groups come first and repeat each other: a variable's own starts with the last of these.
_START = re.compile(r"/(?=(?:embeddings|encoder|pooler|classifier|qa_outputs)/)")
_LAYER = re.compile(r"layer_\._(\d+)")
# Keras's names of a layer's variables.
_ENDINGS = {"kernel": "weight", "embeddings": "weight", "gamma": "weight", "beta": "bias"}


def open_tensors(file: Path) -> dict[str, StoredTensor]:
    """Every variable of a file, under the name that the same PyTorch module has.

    Raises:
      UserError: h5py is not installed, or the file is damaged.
    """
    try:
        import h5py
    except ImportError as error:
        raise UserError(
            f"{file} is a file of Keras, and h5py, which reads it, is not installed: "
            "`pip install h5py`."
        ) from error
    tensors: dict[str, StoredTensor] = {}

    def visit(path: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            tensors[_module_name(path)] = _stored(file, path, item)

    try:
        h5py.File(file, "r").visititems(visit)
    except (OSError, RuntimeError) as error:
        raise UserError(
            f"{file} cannot be read, it is truncated or damaged ({error}): copy it again."
        ) from error
    return tensors


def _module_name(path: str) -> str:
    """`bert/.../encoder/layer_._0/output/dense/kernel:0` -> `encoder.layer.0.output.dense.weight`.

    `...` stands for the name of the class, `bert` and so on.
    """
    own = _START.split(f"/{path.removesuffix(':0')}")[-1]
    stem, _, ending = own.rpartition("/")
    return _LAYER.sub(r"layer.\1", f"{stem}/{_ENDINGS.get(ending, ending)}").replace("/", ".")


def _stored(file: Path, path: str, dataset: Any) -> StoredTensor:
    is_kernel = path.endswith("/kernel:0")  # [inputs, outputs], transposed in PyTorch
    shape = tuple(dataset.shape)

    def read() -> np.ndarray:
        values = np.asarray(dataset[()], np.float32)
        return values.T if is_kernel else values

    return StoredTensor(
        file,
        shape[::-1] if is_kernel else shape,
        str(dataset.dtype),
        dataset.dtype.kind == "f",
        read,
    )
