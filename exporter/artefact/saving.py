"""Traces the signatures and writes them as a SavedModel."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import tensorflow as tf

from exporter.artefact.rewriting import remove_save_only_ops, share_signatures
from exporter.artefact.served_model import ServedModel
from exporter.artefact.signatures import METHOD_NAMES, SignatureContext, build_signatures
from exporter.contract import SIMPLE, VOCABULARY_ASSET, text_inputs
from exporter.models.opened_model import OpenedModel
from exporter.options import ExportOptions
from exporter.serving.op_tables import OpTables
from exporter.serving.release import Release
from exporter.text.engine.wordpiece import CLASSIC_OP, FAST_OP


def write(
    opened: OpenedModel,
    directory: Path,
    options: ExportOptions,
    text_pair: bool,
    word_piece_op: str,
) -> tuple[str, ...]:
    """Writes the model to an empty directory, and names the signatures it has."""
    model, network = opened.model, opened.network(options.precision)
    questions = options.question_settings(model)
    text_names = text_inputs(model.task, text_pair)
    served = ServedModel(model, network, text_names, word_piece_op, questions)
    context = SignatureContext(
        served,
        model,
        options.top_k or len(model.labels),
        options.aggregation_strategy or SIMPLE,
        questions,
    )
    signatures = build_signatures(context, options.default_signature)
    _save(served, directory, signatures)
    _name_methods(directory, signatures)
    first_with = {function: name for name, function in reversed(list(signatures.items()))}
    same_as = {
        name: first_with[function]
        for name, function in signatures.items()
        if first_with[function] != name
    }
    share_signatures(directory, same_as)
    remove_save_only_ops(directory)
    vocabulary = directory / VOCABULARY_ASSET
    vocabulary.parent.mkdir(exist_ok=True)
    vocabulary.write_bytes(model.vocabulary_file)
    return tuple(signatures)


def fastest_word_piece_op(target: Release, tables: OpTables) -> str:
    """The fastest WordPiece op that every release from `target` on has."""
    releases = tables.from_release_on(target)
    return CLASSIC_OP if tables.lacking(FAST_OP, releases) else FAST_OP


def _save(
    served: ServedModel,
    directory: Path,
    signatures: Mapping[str, tf.types.experimental.PolymorphicFunction],
) -> None:
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(served, str(directory), signatures=signatures, options=options)


def _name_methods(directory: Path, signatures: Iterable[str]) -> None:
    """Saving in TensorFlow 2 makes every signature one for predict requests."""
    updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(str(directory))
    for name in signatures:
        if name in METHOD_NAMES:
            updater.replace_method_name(name, METHOD_NAMES[name])
    updater.save()
