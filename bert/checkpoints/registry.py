"""Recognises what kind of checkpoint a path holds, and opens it."""

from collections.abc import Callable
from pathlib import Path

from bert.checkpoints import google_research
from bert.checkpoints.options import ReadOptions
from bert.errors import UserError
from bert.model import FineTunedModel

_KINDS: tuple[tuple[Callable[[Path], bool], Callable[[Path, ReadOptions], FineTunedModel]], ...] = (
    (google_research.recognises, google_research.read),
)


def read(path: Path, options: ReadOptions) -> FineTunedModel:
    """Opens the checkpoint at `path`, a prefix or a directory.

    Raises:
      UserError: nothing there, no kind that is known, or a fault in its files.
    """
    for recognises, read_kind in _KINDS:
        if recognises(path):
            return read_kind(path, options)
    if path.is_dir():
        raise UserError(
            f"--checkpoint {path} is a directory without a TensorFlow checkpoint (a file named "
            "`checkpoint`, or one NAME.index beside its NAME.data-*): give the directory that "
            "run_classifier wrote, or the checkpoint's prefix."
        )
    raise UserError(
        f"--checkpoint {path} does not exist: give a checkpoint's prefix, such as "
        "out/model.ckpt-343, or the directory that holds it."
    )
