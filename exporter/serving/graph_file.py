"""The file of a SavedModel that holds its graphs."""

import stat
from pathlib import Path

from google.protobuf import text_format
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from bert.errors import UserError
from exporter.contract import GRAPH_FILE, SERVE_TAG, TEXT_GRAPH_FILE

# A message of protocol buffers.
_LARGEST_GRAPH = 2**31 - 1


def read_serving_graph(directory: Path) -> MetaGraphDef:
    """The graph that a server loads: the one whose only tag is "serve".

    Raises:
      UserError: the directory does not hold such a graph, or it cannot be read.
    """
    file = directory / GRAPH_FILE
    if not file.exists() and (directory / TEXT_GRAPH_FILE).exists():
        file = directory / TEXT_GRAPH_FILE
    saved_model = SavedModel()
    try:
        # A pipe would be waited for, and a parser that fails at 2 GB has read them before.
        _require_regular(file)
        if file.suffix == ".pb":
            saved_model.ParseFromString(file.read_bytes())
        else:
            text_format.Parse(file.read_text(encoding="utf-8"), saved_model)
    except OSError as error:
        raise UserError(
            f"{file} cannot be read ({error.strerror}): give the directory of a SavedModel."
        ) from error
    except (DecodeError, text_format.ParseError, UnicodeDecodeError) as error:
        raise UserError(
            f"{file} does not parse as a SavedModel: export the model, or copy it, once more."
        ) from error
    tags = [sorted(meta_graph.meta_info_def.tags) for meta_graph in saved_model.meta_graphs]
    if [SERVE_TAG] not in tags:
        raise UserError(
            f"{file} holds graphs with the tags {tags}, where TensorFlow Serving loads one with "
            f"the tag {SERVE_TAG!r}: export the model for serving."
        )
    return saved_model.meta_graphs[tags.index([SERVE_TAG])]


def _require_regular(file: Path) -> None:
    status = file.stat()
    if not stat.S_ISREG(status.st_mode):
        raise UserError(
            f"{file} is no regular file, where a SavedModel has one: give the directory of a "
            "SavedModel."
        )
    if status.st_size > _LARGEST_GRAPH:
        raise UserError(
            f"{file} has {status.st_size} bytes, where protocol buffers end at {_LARGEST_GRAPH}: "
            "export the model with its weights as variables."
        )
