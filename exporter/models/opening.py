"""Opens what `--checkpoint` names: a checkpoint of any kind, or a SavedModel."""

from pathlib import Path

from bert.checkpoints import ReadOptions, registry
from bert.checkpoints.pooling import FLAGS
from bert.errors import UserError
from exporter.models.checkpoint import OpenedCheckpoint
from exporter.models.location import is_archive, is_remote
from exporter.models.opened_model import OpenedModel
from exporter.models.wrapped import reading
from exporter.models.wrapped.opened import OpenedSavedModel


def open_model(path: Path, options: ReadOptions, location: str) -> OpenedModel:
    """Recognises the model at `path` by its files, and opens it.

    Args:
      path: on this machine.
      options: the flags that steer the reading.
      location: what the user called it.

    Raises:
      UserError: nothing there, no kind that is known, two kinds, or a fault in its files.
    """
    sign = reading.sign(path)
    if sign is None:
        if is_remote(location) or is_archive(location):
            raise UserError(
                f"--checkpoint {location} holds no SavedModel (saved_model.pb is not in it): give "
                "the address or archive of one, or a local path of another kind of model."
            )
        versions = [child for child in _children(path) if reading.sign(child) is not None]
        if versions:
            newest = max(versions, key=lambda child: (len(child.name), child.name))
            raise UserError(
                f"--checkpoint {location} holds {len(versions)} versions of a SavedModel: give one "
                f"of them, such as {newest}."
            )
        return OpenedCheckpoint(registry.read(path, options))
    others = registry.signs(path)
    if others:
        told = " and ".join(f"a {kind} ({file})" for kind, file in others.items())
        raise UserError(
            f"--checkpoint {location} holds a SavedModel ({sign}) and {told}: give a directory "
            "with one of them, or a TensorFlow checkpoint by its prefix."
        )
    for flag in FLAGS:
        if getattr(options, flag) is not None:
            raise UserError(
                f"--{flag} is given, but a SavedModel is kept as it is: leave the flag out, or "
                "give the checkpoint that the SavedModel was made of."
            )
    return OpenedSavedModel(reading.read(path, options, location))


def _children(path: Path) -> list[Path]:
    return sorted(path.iterdir()) if path.is_dir() else []
