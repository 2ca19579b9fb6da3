"""The vocabulary and casing that a SavedModel carries, or the flags give."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef
from tensorflow.core.protobuf.saved_object_graph_pb2 import SavedObject

from bert.checkpoints.options import ReadOptions
from bert.checkpoints.text.profile import TextProfile, find_text_profile
from bert.checkpoints.text.settings import Setting
from bert.checkpoints.text.tokenizer_class import TOKENIZER_FILE, VOCABULARY_FILE
from bert.errors import UserError
from exporter.contract import ASSETS, EXTRA_ASSETS

# TensorFlow Hub's encoders have had these two attributes since TensorFlow 2.
_VOCABULARY_ATTRIBUTE = "vocab_file"
_CASING_ATTRIBUTE = "do_lower_case"
_ASSET_FOLDERS = (ASSETS, EXTRA_ASSETS)
_VARIABLES = "variables/variables"


def find_text(
    directory: Path, meta_graph: MetaGraphDef, options: ReadOptions, default_tokenizer: str
) -> tuple[TextProfile, Path]:
    """Vocabulary and casing by the flags, else the model's own, and the folder they were in.

    Raises:
      UserError: the model has no vocabulary and no flag names one, a file is faulty, or
        `--do_lower_case` contradicts the model.
    """
    place = _place(directory, meta_graph, options)
    if place is None:
        raise UserError(
            f"--checkpoint {directory} is a SavedModel without a vocabulary (no asset "
            f"{_VOCABULARY_ATTRIBUTE}, no assets/{VOCABULARY_FILE}): name the vocab.txt that it "
            "was trained with, with --vocab_file."
        )
    folder, vocabulary_file = place
    casing = _casing(directory, meta_graph)
    flag = options.do_lower_case
    if casing is not None and flag is not None and flag != casing:
        raise UserError(
            f"--do_lower_case is {flag}, but the SavedModel {directory} says {casing}: leave the "
            "flag out."
        )
    text = find_text_profile(
        folder,
        dataclasses.replace(
            options,
            vocab_file=vocabulary_file,
            do_lower_case=flag if casing is None else casing,
        ),
        default_tokenizer,
    )
    if casing is None:
        return text, folder
    source = f"{_CASING_ATTRIBUTE} of the SavedModel"
    if casing != text.vocabulary.is_uncased():
        source += " (warning: the vocabulary looks otherwise; check that it is the model's)"
    return dataclasses.replace(text, casing=Setting(casing, source)), folder


def _place(
    directory: Path, meta_graph: MetaGraphDef, options: ReadOptions
) -> tuple[Path, Path | None] | None:
    """A folder of text settings, and the vocabulary if it has a name of its own."""
    if options.vocab_file is not None:
        return options.vocab_file.parent, options.vocab_file
    asset = _vocabulary_asset(meta_graph)
    if asset is not None:
        return directory / ASSETS, directory / ASSETS / asset
    folders = [directory / name for name in _ASSET_FOLDERS]
    # transformers writes NAME/saved_model/1, with the tokenizer in NAME.
    if directory.absolute().parent.name == "saved_model":
        folders.append(directory.absolute().parent.parent)
    for folder in folders:
        if (folder / VOCABULARY_FILE).is_file() or (folder / TOKENIZER_FILE).is_file():
            return folder, None
    return None


def _vocabulary_asset(meta_graph: MetaGraphDef) -> str | None:
    """The file name of the attribute `vocab_file`."""
    for child in _attributes(meta_graph, _VOCABULARY_ATTRIBUTE):
        if child.HasField("asset"):
            return meta_graph.asset_file_def[child.asset.asset_file_def_index].filename
    return None


def _casing(directory: Path, meta_graph: MetaGraphDef) -> bool | None:
    """The value of the attribute `do_lower_case`, a variable."""
    for child in _attributes(meta_graph, _CASING_ATTRIBUTE):
        if child.HasField("variable"):
            reader = tf.train.load_checkpoint(str(directory / _VARIABLES))
            return bool(reader.get_tensor(f"{_CASING_ATTRIBUTE}/.ATTRIBUTES/VARIABLE_VALUE"))
    return None


def _attributes(meta_graph: MetaGraphDef, name: str) -> Iterator[SavedObject]:
    """The objects that are the model's attributes of that name."""
    nodes = meta_graph.object_graph_def.nodes
    if not nodes:
        return
    for child in nodes[0].children:
        if child.local_name == name:
            yield nodes[child.node_id]
