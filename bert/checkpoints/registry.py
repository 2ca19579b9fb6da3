"""Recognises what kind of checkpoint a path holds, to export it or to train from it."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bert.checkpoints import google_research
from bert.checkpoints.huggingface import reading as huggingface
from bert.checkpoints.huggingface import sentence_transformers
from bert.checkpoints.huggingface.foreign import foreign_contents
from bert.checkpoints.kind import Kind, Place, Settings
from bert.checkpoints.model_garden import reading as model_garden
from bert.checkpoints.options import CHECKPOINT, ReadOptions
from bert.checkpoints.pooling import with_pooling
from bert.config import BertConfig
from bert.errors import UserError
from bert.model import FineTunedModel

# The first kind that takes a given configuration file reads it; google-research's takes any.
KINDS: Sequence[Kind] = (
    model_garden.KIND,
    google_research.KIND,
    sentence_transformers.KIND,
    huggingface.KIND,
)


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A checkpoint of a known kind, to train from; `str()` is its prefix or file of weights."""

    kind: Kind
    place: Place
    flag: str
    """what gave its path, for errors"""

    def __str__(self) -> str:
        """Its prefix, or the file of its weights."""
        return str(self.place.weights)

    def read_encoder(self, config: BertConfig) -> Mapping[str, np.ndarray]:
        """The weights of the encoder: float32 by variable name.

        Raises:
          UserError: a variable is missing, of another shape, or cannot be read.
        """
        return self.kind.read_encoder(self.place.weights, config, self.flag)


def signs(path: Path) -> Mapping[str, str]:
    """The kinds that `path` may be, and the file by which each is known."""
    return {kind.name: sign for kind, sign in _signs(path).items()}


def read(path: Path, options: ReadOptions) -> FineTunedModel:
    """Opens the checkpoint at `path`, a prefix or a directory.

    Raises:
      UserError: nothing there, no kind that is known, two kinds, or a fault in its files.
    """
    return with_pooling(_kind(path, CHECKPOINT).read(path, options), options)


def find(path: Path, flag: str = CHECKPOINT) -> Checkpoint:
    """The checkpoint at `path`, a prefix or a directory, whose encoder training starts from.

    Raises:
      UserError: nothing there, no kind that is known, two kinds, or several checkpoints.
    """
    kind = _kind(path, flag)
    return Checkpoint(kind, kind.locate(path, flag), flag)


def find_settings(checkpoints: Sequence[Checkpoint]) -> Settings | None:
    """The settings of the first checkpoint that has a configuration; None if none has.

    A configuration of the checkpoint's own kind goes before others beside it.

    Raises:
      UserError: the configuration is faulty.
    """
    for checkpoint in checkpoints:
        for kind in (checkpoint.kind, *KINDS):
            file = kind.config_file(checkpoint.place.directory)
            if file is not None:
                return kind.settings(file)
    return None


def read_settings(file: Path) -> Settings:
    """The settings of a configuration file that was given by itself.

    Raises:
      UserError: it is absent or faulty.
    """
    return next(kind for kind in KINDS if kind.config_file(file) is not None).settings(file)


def _kind(path: Path, flag: str) -> Kind:
    found = _signs(path)
    if len(found) > 1:
        told = " and ".join(f"a {kind.name} ({sign})" for kind, sign in found.items())
        raise UserError(
            f"{flag} {path} holds {told}: give a directory with one of them, or a TensorFlow "
            "checkpoint by its prefix."
        )
    for kind in found:
        return kind
    hint = foreign_contents(path, flag)
    if hint is not None:
        raise UserError(hint)
    if path.is_dir():
        raise UserError(
            f"{flag} {path} is a directory without a checkpoint: TensorFlow's is a file named "
            "`checkpoint` or one NAME.index beside its NAME.data-*, Hugging Face's is config.json "
            "beside model.safetensors, and sentence-transformers' has modules.json."
        )
    if path.is_file():
        raise UserError(
            f"{flag} {path} is a file: give the directory that holds it, or the prefix of a "
            "TensorFlow checkpoint."
        )
    raise UserError(
        f"{flag} {path} does not exist: give a checkpoint's prefix, such as out/model.ckpt-343, "
        "or the directory that holds it."
    )


def _signs(path: Path) -> dict[Kind, str]:
    found = {kind: sign for kind in KINDS if (sign := kind.sign(path)) is not None}
    if sentence_transformers.KIND in found:
        # Its first module is a Hugging Face model, often in the same directory.
        found.pop(huggingface.KIND, None)
    return found
