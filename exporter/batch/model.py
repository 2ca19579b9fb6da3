"""The model of a job: where it is, on any file system of Beam's, and what its signature takes."""

import contextlib
import dataclasses
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from bert.errors import UserError
from exporter.contract import GRAPH_FILE, GRAPH_FILES, SERVING_DEFAULT, TOKENIZE
from exporter.runtime.servable import Servable
from exporter.serving.graph_file import read_serving_graph


@dataclasses.dataclass(frozen=True)
class Output:
    """An output of a signature: its name, its values, and the shape of a row's answer.

    A size is None where it differs from row to row.
    """

    name: str
    dtype: np.dtype
    shape: tuple[int | None, ...]


@dataclasses.dataclass(frozen=True)
class Model:
    """A version directory, and the one of its signatures that the job runs."""

    directory: str
    signature: str
    inputs: tuple[str, ...]
    outputs: tuple[Output, ...]
    counts_tokens: bool
    """Whether `tokenize` takes the same inputs"""

    def text_columns(self, given: Sequence[str]) -> tuple[str, ...]:
        """The columns that hold the texts: those given, or those named as the inputs.

        Raises:
          UserError: there are not as many as inputs.
        """
        if given and len(given) != len(self.inputs):
            raise UserError(
                f"--text_column names {len(given)} columns ({', '.join(given)}), where the "
                f"signature {self.signature} takes {len(self.inputs)}, {', '.join(self.inputs)}: "
                "give as many, with commas between."
            )
        return tuple(given) or self.inputs


def find_model(location: str, signature: str = "") -> Model:
    """The newest version at a base path, or the version directory itself, and its signature.

    Raises:
      UserError: there is no SavedModel, or its signature does not take text.
    """
    directory = version_directory(location)
    with contextlib.ExitStack() as stack:
        if is_url(directory):
            scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="exporter-batch-"))
            name = GRAPH_FILE if _exists(_join(directory, GRAPH_FILE)) else GRAPH_FILES[1]
            _copy_file(_join(directory, name), Path(scratch, name))
            meta_graph = read_serving_graph(Path(scratch))
        else:
            meta_graph = read_serving_graph(Path(directory))
    signatures = {name: value for name, value in meta_graph.signature_def.items() if value.inputs}
    name = signature or SERVING_DEFAULT
    with_text = sorted(name for name, value in signatures.items() if _takes_text(value))
    if name not in with_text:
        raise UserError(
            f"--signature {name} is not one of {directory} that takes text: give one of "
            f"{', '.join(with_text) or 'another model, for this one has none'}."
        )
    chosen = signatures[name]
    tokenize = signatures.get(TOKENIZE)
    return Model(
        directory=directory,
        signature=name,
        # Pairs in alphabetical order are text_a, text_b.
        inputs=_ordered(set(chosen.inputs)),
        outputs=tuple(
            Output(key, tf.as_dtype(info.dtype).as_numpy_dtype, _row_shape(info))
            for key, info in sorted(chosen.outputs.items())
        ),
        counts_tokens=(
            tokenize is not None
            and set(tokenize.inputs) == set(chosen.inputs)
            and "input_mask" in tokenize.outputs
        ),
    )


def version_directory(location: str) -> str:
    """`location`, if it is a SavedModel, else the child with the highest number.

    Raises:
      UserError: it is neither.
    """
    directory = location.rstrip("/") if is_url(location) else os.path.abspath(location)
    try:
        if _is_saved_model(directory):
            return directory
        # A local directory has no file of its own name; an object store lists what is below.
        pattern = _join(directory, "*", "saved_model.pb*")
        versions = {}
        for metadata in FileSystems.match([pattern])[0].metadata_list:
            match = re.fullmatch(r".*/([0-9]{1,19})/saved_model\.pb(txt)?", metadata.path)
            if match:
                versions[int(match[1])] = metadata.path.rpartition("/")[0]
    # Beam's file systems raise ValueError for a scheme that none of them has.
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(f"--model {location} cannot be read ({_reason(error)}).") from error
    if not versions:
        raise UserError(
            f"--model {location} holds neither {GRAPH_FILE} nor versions (children whose name is a "
            "number): give the directory or URL of a SavedModel or of its versions."
        )
    return versions[max(versions)]


def is_url(location: str) -> bool:
    """Whether it is on another file system, as gs://bucket/models."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", location) is not None


def load(directory: str) -> Servable:
    """The version as a server has it, fetched first where it is not local."""
    with contextlib.ExitStack() as stack:
        path = Path(directory)
        if is_url(directory):
            path = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="exporter-batch-")))
            _copy(directory, path)
        return Servable(path)


def _takes_text(signature: "tf.core.protobuf.SignatureDef") -> bool:
    # `classify` and `regress` take tf.Examples, whose bytes look like text; the method differs.
    return signature.method_name.endswith("/predict") and all(
        info.dtype == tf.string.as_datatype_enum and len(info.tensor_shape.dim) == 1
        for info in signature.inputs.values()
    )


def _ordered(names: set[str]) -> tuple[str, ...]:
    # question before context: as people say it, and as the encoder has it.
    return tuple(sorted(names, key=lambda name: (name == "context", name)))


def _row_shape(info: "tf.core.protobuf.TensorInfo") -> tuple[int | None, ...]:
    return tuple(dim.size if dim.size >= 0 else None for dim in info.tensor_shape.dim[1:])


def _is_saved_model(directory: str) -> bool:
    return any(_exists(_join(directory, name)) for name in GRAPH_FILES)


def _exists(path: str) -> bool:
    return bool(FileSystems.exists(path))


def _join(directory: str, *names: str) -> str:
    return "/".join([directory, *names])


def _copy(directory: str, target: Path) -> None:
    """Every file below a URL."""
    for metadata in FileSystems.match([_join(directory, "**")])[0].metadata_list:
        name = metadata.path[len(directory) :].lstrip("/")
        if name and not name.endswith("/"):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            _copy_file(metadata.path, target / name)


def _copy_file(source: str, target: Path) -> None:
    with (
        FileSystems.open(source, compression_type=CompressionTypes.UNCOMPRESSED) as file,
        target.open("wb") as copy,
    ):
        shutil.copyfileobj(file, copy)


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())
