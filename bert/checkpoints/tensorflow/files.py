"""Checkpoint files of TensorFlow: find and read them, and write name-based ones."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from bert.errors import UserError

STATE_FILE = "checkpoint"


def holds_checkpoint(path: Path) -> bool:
    """Whether `path` is a checkpoint's prefix or a directory with one in it."""
    return sign(path) is not None


def sign(path: Path) -> str | None:
    """The name of the file by which `path` is known to hold a checkpoint, None if there is none."""
    if not path.is_dir():
        return index_file(path).name if index_file(path).exists() else None
    if (path / STATE_FILE).exists():
        return STATE_FILE
    return next((file.name for file in sorted(path.glob("*.index"))), None)


def index_file(prefix: Path) -> Path:
    """The file that lists a checkpoint's variables."""
    return prefix.with_name(prefix.name + ".index")


def find_prefix(path: Path) -> Path:
    """The prefix of the one checkpoint that `path` stands for.

    A directory stands for the checkpoint that its `checkpoint` file names, else for
    the only one in it.

    Raises:
      UserError: none, several, or the one named is not there.
    """
    if not path.is_dir():
        return path
    if (path / STATE_FILE).exists():
        try:
            state = tf.train.get_checkpoint_state(str(path))
        # A file that is empty or no text is a ValueError.
        except (tf.errors.OpError, ValueError) as error:
            raise UserError(
                f"{path / STATE_FILE} cannot be read ({_first_line(error)}): give the checkpoint's "
                "prefix with --checkpoint."
            ) from error
        if state is None or not state.model_checkpoint_path:
            raise UserError(
                f"{path / STATE_FILE} names no checkpoint: give the checkpoint's prefix with "
                "--checkpoint."
            )
        # The directory may have been moved since the file was written.
        prefix = path / Path(state.model_checkpoint_path).name
        if not index_file(prefix).exists():
            raise UserError(
                f"{path / STATE_FILE} names {prefix.name}, but there is no {prefix.name}.index "
                "beside it: give the prefix of a checkpoint that is there with --checkpoint."
            )
        return prefix
    prefixes = sorted(file.with_suffix("") for file in path.glob("*.index"))
    if len(prefixes) > 1:
        names = ", ".join(prefix.name for prefix in prefixes)
        raise UserError(
            f"--checkpoint {path} is a directory with {len(prefixes)} checkpoints ({names}) and "
            f"no `checkpoint` file that names one: give one prefix, such as {prefixes[0]}."
        )
    return prefixes[0]


def shapes(prefix: Path) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every variable of a checkpoint.

    Raises:
      UserError: the files cannot be read.
    """
    reader = _reader(prefix)
    return {name: tuple(shape) for name, shape in reader.get_variable_to_shape_map().items()}


def read_variables(
    prefix: Path, expected: Mapping[str, tuple[int, ...]], fix: str
) -> dict[str, np.ndarray]:
    """Reads the variables named in `expected`, as float32 arrays.

    `fix` ends the sentence of an error about a variable.

    Raises:
      UserError: a variable is missing, has another shape or no float type, holds NaN
        or infinity, or the data file is broken.
    """
    reader = _reader(prefix)
    found = {name: tuple(shape) for name, shape in reader.get_variable_to_shape_map().items()}
    for name, shape in expected.items():
        if name not in found:
            raise UserError(f"--checkpoint {prefix} has no variable {name!r}: {fix}")
        if found[name] != shape:
            raise UserError(
                f"--checkpoint {prefix}: variable {name!r} has shape {list(found[name])}, where "
                f"{list(shape)} is expected: {fix}"
            )
    variables = {}
    for name in expected:
        value = _read(reader, prefix, name)
        if not np.issubdtype(value.dtype, np.floating):
            raise UserError(
                f"--checkpoint {prefix}: variable {name!r} has type {value.dtype}, where a "
                f"floating-point type is expected: {fix}"
            )
        value = value.astype(np.float32)
        if not np.isfinite(value).all():
            raise UserError(
                f"--checkpoint {prefix}: variable {name!r} holds NaN or infinity: the training "
                "diverged, give an earlier checkpoint."
            )
        variables[name] = value
    return variables


def read_value(prefix: Path, name: str) -> Any:
    """The value that a checkpoint has under `name`, an array, or bytes where it is a string.

    Raises:
      UserError: the files cannot be read.
    """
    return _read(_reader(prefix), prefix, name)


def write_variables(prefix: Path, variables: Mapping[str, np.ndarray]) -> None:
    """Writes a name-based checkpoint, as the original's saver does."""
    names = sorted(variables)
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=[tf.constant(variables[name]) for name in names],
    )


def write_state(directory: Path, prefixes: list[Path]) -> None:
    """Writes the `checkpoint` file; the last prefix is the newest."""
    names = [prefix.name for prefix in prefixes]
    tf.compat.v1.train.update_checkpoint_state(
        str(directory), names[-1], all_model_checkpoint_paths=names
    )


def _reader(prefix: Path) -> tf.train.load_checkpoint:
    try:
        return tf.train.load_checkpoint(str(prefix))
    except (tf.errors.OpError, RuntimeError, ValueError) as error:
        raise UserError(
            f"--checkpoint {prefix} cannot be read ({_first_line(error)}): copy the checkpoint "
            "again, its .index and all its .data files."
        ) from error


def _read(reader: tf.train.load_checkpoint, prefix: Path, name: str) -> Any:
    try:
        return reader.get_tensor(name)
    # The reader raises a plain RuntimeError or IndexError for some broken data files.
    except (tf.errors.OpError, RuntimeError, IndexError, ValueError) as error:
        raise UserError(
            f"--checkpoint {prefix}: variable {name!r} cannot be read, the data file is truncated "
            f"or damaged ({_first_line(error)}): copy the checkpoint again."
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
