"""Recognises what kind of checkpoint a path holds, and opens it."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

from bert.checkpoints import google_research
from bert.checkpoints.huggingface import reading as huggingface
from bert.checkpoints.huggingface import sentence_transformers
from bert.checkpoints.model_garden import reading as model_garden
from bert.checkpoints.options import ReadOptions
from bert.errors import UserError
from bert.model import FineTunedModel


@dataclasses.dataclass(frozen=True)
class _Kind:
    """One kind of checkpoint."""

    name: str

    sign: Callable[[Path], str | None]
    """path -> the file by which it is known as one of this kind, None if it is none"""

    read: Callable[[Path, ReadOptions], FineTunedModel]


_SENTENCE_TRANSFORMERS = _Kind(
    "sentence-transformers model", sentence_transformers.sign, sentence_transformers.read
)
_HUGGING_FACE = _Kind("Hugging Face model", huggingface.sign, huggingface.read)
_KINDS = (
    _Kind("google-research/bert checkpoint", google_research.sign, google_research.read),
    _Kind("Model Garden checkpoint", model_garden.sign, model_garden.read),
    _SENTENCE_TRANSFORMERS,
    _HUGGING_FACE,
)


def signs(path: Path) -> Mapping[str, str]:
    """The kinds that `path` may be, and the file by which each is known."""
    return {kind.name: sign for kind, sign in _signs(path).items()}


def read(path: Path, options: ReadOptions) -> FineTunedModel:
    """Opens the checkpoint at `path`, a prefix or a directory.

    Raises:
      UserError: nothing there, no kind that is known, two kinds, or a fault in its files.
    """
    found = _signs(path)
    if len(found) > 1:
        told = " and ".join(f"a {kind.name} ({sign})" for kind, sign in found.items())
        raise UserError(
            f"--checkpoint {path} holds {told}: give a directory with one of them, or a "
            "TensorFlow checkpoint by its prefix."
        )
    for kind in found:
        return kind.read(path, options)
    if path.is_dir():
        raise UserError(
            f"--checkpoint {path} is a directory without a checkpoint: TensorFlow's is a file "
            "named `checkpoint` or one NAME.index beside its NAME.data-*, Hugging Face's is "
            "config.json beside model.safetensors, and sentence-transformers' has modules.json."
        )
    if path.is_file():
        raise UserError(
            f"--checkpoint {path} is a file: give the directory that holds it, or the prefix of a "
            "TensorFlow checkpoint."
        )
    raise UserError(
        f"--checkpoint {path} does not exist: give a checkpoint's prefix, such as "
        "out/model.ckpt-343, or the directory that holds it."
    )


def _signs(path: Path) -> dict[_Kind, str]:
    found = {kind: sign for kind in _KINDS if (sign := kind.sign(path)) is not None}
    if _SENTENCE_TRANSFORMERS in found:
        # Its first module is a Hugging Face model, often in the same directory.
        found.pop(_HUGGING_FACE, None)
    return found
