"""Finds the file, or the files, that hold the tensors of a Hugging Face model, and opens them."""

from collections.abc import Callable, Mapping
from pathlib import Path

from bert.checkpoints.fields import Fields
from bert.checkpoints.tensors import keras_file, safetensors_file, torch_file
from bert.checkpoints.tensors.stored_tensor import StoredTensor
from bert.errors import UserError

_Opener = Callable[[Path], dict[str, StoredTensor]]

# In the order in which transformers looks for them.
_OPENERS: Mapping[str, _Opener] = {
    "model.safetensors": safetensors_file.open_tensors,
    "pytorch_model.bin": torch_file.open_tensors,
    "tf_model.h5": keras_file.open_tensors,
}
WEIGHTS_FILES = tuple(_OPENERS)

# The index of files that share the tensors has this after the name of the one file.
_INDEX_SUFFIX = ".index.json"

# What a clone without Git LFS has in place of a large file.
_GIT_LFS_POINTER = b"version https://git-lfs"


def find_weights_file(directory: Path) -> Path | None:
    """The file of the tensors, or the index of the files that share them; None if neither."""
    for name in WEIGHTS_FILES:
        for file in (directory / name, directory / (name + _INDEX_SUFFIX)):
            if file.is_file():
                return file
    return None


def open_tensors(file: Path) -> dict[str, StoredTensor]:
    """The tensors by name of what `find_weights_file` found.

    Raises:
      UserError: a file is missing, damaged or of a library that is not installed, or the
        index does not fit the files.
    """
    if not file.name.endswith(_INDEX_SUFFIX):
        return _open_file(file, _OPENERS[file.name])
    opener = _OPENERS[file.name.removesuffix(_INDEX_SUFFIX)]
    weight_map = Fields.of_json(file).values.get("weight_map")
    if not isinstance(weight_map, dict) or not all(map(_is_file_name, weight_map.values())):
        raise UserError(
            f"{file}: weight_map is not an object of file names beside it by tensor name: copy the "
            "file again."
        )
    shards: dict[str, dict[str, StoredTensor]] = {}
    for name in sorted(set(weight_map.values())):
        if not (file.parent / name).is_file():
            raise UserError(
                f"{file.parent / name}, which {file.name} names, does not exist: copy all files of "
                "the model."
            )
        shards[name] = _open_file(file.parent / name, opener)
    for tensor, name in weight_map.items():
        if tensor not in shards[name]:
            raise UserError(
                f"{file} says that the tensor {tensor!r} is in {name}, which has no such tensor: "
                "copy all files of the model again."
            )
    return {tensor: shards[name][tensor] for tensor, name in weight_map.items()}


def _is_file_name(name: object) -> bool:
    """Whether it names a file in the same directory: an index must not lead elsewhere."""
    return isinstance(name, str) and name not in ("", "..") and Path(name).name == name


def _open_file(file: Path, opener: _Opener) -> dict[str, StoredTensor]:
    with file.open("rb") as opened:
        if opened.read(len(_GIT_LFS_POINTER)) == _GIT_LFS_POINTER:
            raise UserError(
                f"{file} is a pointer of Git LFS, not the file: fetch it with `git lfs pull`."
            )
    return opener(file)
