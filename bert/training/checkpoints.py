"""The checkpoints that training leaves in its output directory, and resumes from."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from bert.checkpoints.tensorflow import files as tensorflow_files
from bert.checkpoints.tensorflow.files import StoredVariables
from bert.errors import UserError, advising
from bert.training.optimization import GLOBAL_STEP

OUTPUT_DIR = "--output_dir"

# tf.estimator.RunConfig, keep_checkpoint_max
_KEPT = 5


def newest(output_dir: Path) -> Path | None:
    """The prefix of the checkpoint that the directory's `checkpoint` file names, if any.

    Raises:
      UserError: the file names a checkpoint that is not there.
    """
    if not (output_dir / tensorflow_files.STATE_FILE).exists():
        return None
    return tensorflow_files.find_prefix(output_dir, OUTPUT_DIR)


def read_global_step(prefix: Path, flag: str = OUTPUT_DIR) -> int:
    """The training steps that a checkpoint, given by `flag`, has behind it; 0 if it tells none.

    Raises:
      UserError: the checkpoint cannot be read.
    """
    return _global_step(StoredVariables(prefix, flag))


def restore(prefix: Path, variables: Mapping[str, tf.Variable]) -> None:
    """Sets the variables to what a checkpoint of an interrupted training holds.

    Raises:
      UserError: a variable is missing, of another shape, or cannot be read.
    """
    floats = {name: variable for name, variable in variables.items() if name != GLOBAL_STEP}
    stored = StoredVariables(prefix, OUTPUT_DIR)
    with advising(f"training cannot go on from it, so name a new directory with {OUTPUT_DIR}"):
        values = stored.read({name: tuple(variable.shape) for name, variable in floats.items()})
    for name, variable in floats.items():
        variable.assign(values[name])
    variables[GLOBAL_STEP].assign(_global_step(stored))


def save(
    output_dir: Path, variables: Mapping[str, tf.Variable | tf.Tensor], kept: int = _KEPT
) -> Path:
    """Writes `model.ckpt-<global_step>`, names it in `checkpoint`, removes the oldest ones.

    A process killed on the way leaves the checkpoint named before in charge: files are
    complete before they are named, and no longer named before they are removed.

    Returns:
      The prefix.

    Raises:
      UserError: the directory cannot be written to.
    """
    values: dict[str, np.ndarray] = {name: value.numpy() for name, value in variables.items()}
    prefix = output_dir / f"model.ckpt-{values[GLOBAL_STEP]}"
    earlier = [other for other in _named(output_dir) if other != prefix]
    prefixes = [*earlier, prefix]
    try:
        tensorflow_files.write_variables(prefix, values)
        tensorflow_files.write_state(output_dir, prefixes[-kept:])
        for old in prefixes[:-kept]:
            for file in output_dir.glob(f"{old.name}.*"):
                file.unlink()
    except (tf.errors.OpError, OSError) as error:
        raise UserError(
            f"--output_dir: the checkpoint {prefix} cannot be written ({_reason(error)}): make "
            "room or name another directory, and training goes on from the last checkpoint."
        ) from error
    return prefix


def _global_step(stored: StoredVariables) -> int:
    return int(stored.read_value(GLOBAL_STEP)) if GLOBAL_STEP in stored.shapes else 0


def _named(output_dir: Path) -> list[Path]:
    """The prefixes in the `checkpoint` file that are still there, oldest first."""
    state = tf.train.get_checkpoint_state(str(output_dir))
    if state is None:
        return []
    # The directory may have been moved since the file was written.
    prefixes = [output_dir / Path(path).name for path in state.all_model_checkpoint_paths]
    return [prefix for prefix in prefixes if tensorflow_files.index_file(prefix).exists()]


def _reason(error: Exception) -> str:
    message = getattr(error, "message", None) or getattr(error, "strerror", None) or str(error)
    return message.strip().splitlines()[0]
