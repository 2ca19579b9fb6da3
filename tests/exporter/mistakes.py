"""Mistakes of a user with a google-research checkpoint, and the words that name them."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bert.checkpoints.tensorflow import files as tensorflow_files
from tests.tiny_model import TinyModel


class Mistake(NamedTuple):
    """How to spoil a checkpoint, the flags to give with it, and what must be told."""

    spoil: Callable[[TinyModel], object]
    flags: tuple[str, ...]
    told: tuple[str, ...]


def nothing(model: TinyModel) -> None:
    del model


def flags(*given: str, told: tuple[str, ...] = ()) -> Mistake:
    """A mistake in the flags alone; the first one must be named."""
    return Mistake(nothing, given, (given[0].split("=")[0], *told))


def files(spoil: Callable[[TinyModel], object], *told: str) -> Mistake:
    """A mistake in the checkpoint's files."""
    return Mistake(spoil, (), told)


def in_config(*told: str, **changes: Any) -> Mistake:
    """Fields of bert_config.json to replace, or to take away where None."""

    def spoil(model: TinyModel) -> None:
        file = model.directory / "bert_config.json"
        fields = {**json.loads(file.read_text()), **changes}
        kept = {name: value for name, value in fields.items() if value is not None}
        file.write_text(json.dumps(kept))

    return files(spoil, *told)


def in_weights(change: Callable[[dict[str, np.ndarray]], object], *told: str) -> Mistake:
    """Writes the checkpoint again with other variables."""

    def spoil(model: TinyModel) -> None:
        weights = dict(model.weights)
        change(weights)
        tensorflow_files.write_variables(model.prefix, weights)

    return files(spoil, *told)


def with_content(name: str, content: bytes, *told: str) -> Mistake:
    """A file beside the checkpoint with other content."""
    return files(lambda model: (model.directory / name).write_bytes(content), name, *told)


def without(name: str, *told: str) -> Mistake:
    return files(lambda model: (model.directory / name).unlink(), name, *told)


def with_directory(name: str, *told: str) -> Mistake:
    """A directory where a file is expected."""

    def spoil(model: TinyModel) -> None:
        (model.directory / name).unlink()
        (model.directory / name).mkdir()

    return files(spoil, name, *told)


def data_file(model: TinyModel) -> Path:
    return model.prefix.with_name(f"{model.prefix.name}.data-00000-of-00001")


def index_file(model: TinyModel) -> Path:
    return model.prefix.with_name(f"{model.prefix.name}.index")


def cut(file: Callable[[TinyModel], Path], share: float) -> Callable[[TinyModel], None]:
    def spoil(model: TinyModel) -> None:
        os.truncate(file(model), int(file(model).stat().st_size * share))

    return spoil


def cut_last_byte(model: TinyModel) -> None:
    """Of a checkpoint without optimizer slots, so that the last variable is one of BERT's."""
    tensorflow_files.write_variables(model.prefix, model.weights)
    os.truncate(data_file(model), data_file(model).stat().st_size - 1)


def flip_bytes(model: TinyModel) -> None:
    content = bytearray(data_file(model).read_bytes())
    for place in range(0, len(content), 97):
        content[place] ^= 0x55
    data_file(model).write_bytes(content)


def several(model: TinyModel) -> None:
    (model.directory / "checkpoint").unlink()
    for file in (data_file(model), index_file(model)):
        shutil.copy(file, model.directory / file.name.replace("ckpt-7", "ckpt-9"))


def names_another(model: TinyModel) -> None:
    (model.directory / "checkpoint").write_text('model_checkpoint_path: "model.ckpt-999"\n')


def vocabulary(change: Callable[[list[str]], list[str]]) -> Callable[[TinyModel], None]:
    def spoil(model: TinyModel) -> None:
        lines = "".join(f"{token}\n" for token in change(list(model.tokens)))
        (model.directory / "vocab.txt").write_text(lines)

    return spoil


def without_piece(piece: str) -> Mistake:
    spoil = vocabulary(lambda tokens: [f"not-{t}" if t == piece else t for t in tokens])
    return files(spoil, "--vocab_file", "vocab.txt", piece)


def drop(name: str) -> Callable[[dict[str, np.ndarray]], object]:
    return lambda weights: weights.pop(name)


def put(name: str, value: Any) -> Callable[[dict[str, np.ndarray]], object]:
    return lambda weights: weights.update({name: value})


def spoilt(name: str, value: float) -> Callable[[dict[str, np.ndarray]], object]:
    def change(weights: dict[str, np.ndarray]) -> None:
        weights[name] = weights[name].copy()
        weights[name].flat[-1] = value

    return change
