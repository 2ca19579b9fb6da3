"""Checkpoint files of TensorFlow: find and read them, and write name-based ones."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from bert.checkpoints.options import CHECKPOINT
from bert.errors import Misfit, UserError

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


def find_prefix(path: Path, flag: str = CHECKPOINT) -> Path:
    """The prefix of the one checkpoint that `path` stands for.

    A directory stands for the checkpoint that its `checkpoint` file names, else for
    the only one in it. `flag` is what gave the path, for errors.

    Raises:
      UserError: none, several, or the one named is not there.
    """
    if not path.is_dir():
        return path
    state_file = path / STATE_FILE
    if state_file.exists():
        try:
            state = tf.train.get_checkpoint_state(str(path))
        # A file that is empty or no text is a ValueError.
        except (tf.errors.OpError, ValueError) as error:
            raise UserError(
                f"{state_file} cannot be read ({_first_line(error)}): give the checkpoint's "
                f"prefix with {flag}."
            ) from error
        if state is None or not state.model_checkpoint_path:
            raise UserError(
                f"{state_file} names no checkpoint: give the checkpoint's prefix with {flag}."
            )
        # The directory may have been moved since the file was written.
        prefix = path / Path(state.model_checkpoint_path).name
        if not index_file(prefix).exists():
            raise UserError(
                f"{state_file} names {prefix.name}, but there is no {prefix.name}.index beside "
                f"it: give the prefix of a checkpoint that is there with {flag}."
            )
        return prefix
    prefixes = sorted(file.with_suffix("") for file in path.glob("*.index"))
    if len(prefixes) > 1:
        names = ", ".join(prefix.name for prefix in prefixes)
        raise UserError(
            f"{flag} {path} is a directory with {len(prefixes)} checkpoints ({names}) and no "
            f"`checkpoint` file that names one: give one prefix, such as {prefixes[0]}."
        )
    return prefixes[0]


class StoredVariables:
    """The variables of one checkpoint; `str()` is what errors call it: the flag and the prefix."""

    def __init__(self, prefix: Path, flag: str = CHECKPOINT) -> None:
        """Opens the checkpoint of a prefix, which `flag` gave.

        Raises:
          UserError: the files cannot be read.
        """
        self.prefix = prefix
        self._flag = flag
        try:
            self._reader = tf.train.load_checkpoint(str(prefix))
        except (tf.errors.OpError, RuntimeError, ValueError) as error:
            raise UserError(
                f"{self} cannot be read ({_first_line(error)}): copy the checkpoint again, its "
                ".index and all its .data files."
            ) from error
        shapes = self._reader.get_variable_to_shape_map()
        self.shapes: Mapping[str, tuple[int, ...]] = {
            name: tuple(shape) for name, shape in shapes.items()
        }
        """name -> shape of every variable"""

    def __str__(self) -> str:
        """The flag and the prefix."""
        return f"{self._flag} {self.prefix}"

    def read(self, expected: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
        """Reads the variables named in `expected`, name -> shape, as float32 arrays.

        Raises:
          Misfit: a variable is missing, has another shape or no float type.
          UserError: a variable holds NaN or infinity, or the data file is broken.
        """
        for name, shape in expected.items():
            if name not in self.shapes:
                raise Misfit(f"{self} has no variable {name!r}")
            if self.shapes[name] != shape:
                raise Misfit(
                    f"{self}: variable {name!r} has shape {list(self.shapes[name])}, where "
                    f"{list(shape)} is expected"
                )
        return {name: self._read_float(name) for name in expected}

    def read_value(self, name: str) -> Any:
        """The value under `name`, an array, or bytes where it is a string.

        Raises:
          UserError: the data file is broken.
        """
        try:
            return self._reader.get_tensor(name)
        # The reader raises a plain RuntimeError or IndexError for some broken data files.
        except (tf.errors.OpError, RuntimeError, IndexError, ValueError) as error:
            raise UserError(
                f"{self}: variable {name!r} cannot be read, the data file is truncated or damaged "
                f"({_first_line(error)}): copy the checkpoint again."
            ) from error

    def _read_float(self, name: str) -> np.ndarray:
        value = self.read_value(name)
        if not np.issubdtype(value.dtype, np.floating):
            raise Misfit(
                f"{self}: variable {name!r} has type {value.dtype}, where a floating-point type "
                "is expected"
            )
        value = value.astype(np.float32)
        if not np.isfinite(value).all():
            raise UserError(
                f"{self}: variable {name!r} holds NaN or infinity: the training diverged, give an "
                "earlier checkpoint."
            )
        return value


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


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
