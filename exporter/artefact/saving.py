"""Traces the signatures and writes them as a SavedModel."""

import dataclasses
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import tensorflow as tf

from bert.encoder.precision import Precision
from exporter.artefact.quick_loading import drop_annotations, optimise_calls_once, share_constants
from exporter.artefact.rewriting import remove_save_only_ops, share_signatures
from exporter.artefact.sentences import calibration_rows, read_rows
from exporter.artefact.served_model import ServedModel
from exporter.artefact.signatures import METHOD_NAMES, SignatureContext, build_signatures
from exporter.contract import DEFAULT_TOP_K, VOCABULARY_ASSET, text_inputs
from exporter.models.opened_model import OpenedModel
from exporter.options import ExportOptions
from exporter.serving.op_tables import OpTables
from exporter.serving.release import Release
from exporter.text.engine.wordpiece import CLASSIC_OP, FAST_OP

_VARIABLES = "variables"


@dataclasses.dataclass(frozen=True)
class Proof:
    """Signatures that the verification asks, whether or not they are exported."""

    directory: Path
    """where a SavedModel of these alone is written, with the weights of the export itself"""

    signatures: Sequence[str]


def write(
    opened: OpenedModel,
    directory: Path,
    options: ExportOptions,
    text_pair: bool,
    precision: Precision,
    word_piece_op: str,
    proof: Proof | None = None,
) -> tuple[str, ...]:
    """Writes the model to an empty directory, and names the signatures it has.

    Args:
      opened: the model.
      directory: where to.
      options: of the export.
      text_pair: whether its texts are two.
      precision: of its weights, in the form that the servers have ops for.
      word_piece_op: the one to split words with.
      proof: what the verification needs; nothing is written for it where the model itself has it.

    Raises:
      UserError: `options.signatures` are not those of the model.
    """
    questions = options.question_settings(opened.model)
    long_texts = options.long_text_settings(opened.model, text_pair)
    text_names = text_inputs(opened.model.task, text_pair)
    sentences = _sentences(options, len(text_names) > 1) if precision.is_calibrated else ()
    model = opened.model
    network = opened.network(precision.name, sentences, options.top_k or DEFAULT_TOP_K)
    served = ServedModel(model, network, text_names, word_piece_op, questions, long_texts)
    context = SignatureContext(
        served,
        model,
        options.top_k or len(model.labels),
        options.strategy(model),
        questions,
        long_texts,
    )
    signatures = build_signatures(context, options.default_signature, options.signatures)
    _write(served, directory, signatures)
    vocabulary = directory / VOCABULARY_ASSET
    vocabulary.parent.mkdir(exist_ok=True)
    vocabulary.write_bytes(model.vocabulary_file)
    if proof is not None and not signatures.keys() >= set(proof.signatures):
        # The same functions, under more names; and the same files of weights.
        _write(served, proof.directory, {name: context.built[name] for name in proof.signatures})
        shutil.rmtree(proof.directory / _VARIABLES)
        (proof.directory / _VARIABLES).symlink_to(directory / _VARIABLES)
    return tuple(signatures)


def _sentences(options: ExportOptions, text_pair: bool) -> Sequence[tuple[bytes, ...]]:
    """What weights are calibrated by."""
    if options.calibration_file is None:
        return calibration_rows(text_pair)
    return read_rows("--calibration_file", options.calibration_file, text_pair)


def _write(
    served: ServedModel,
    directory: Path,
    signatures: Mapping[str, tf.types.experimental.PolymorphicFunction],
) -> None:
    """Traces and saves signatures."""
    _save(served, directory, signatures)
    _name_methods(directory, signatures)
    first_with = {function: name for name, function in reversed(list(signatures.items()))}
    same_as = {
        name: first_with[function]
        for name, function in signatures.items()
        if first_with[function] != name
    }
    share_signatures(directory, same_as)
    share_constants(directory)
    drop_annotations(directory)
    optimise_calls_once(directory)
    remove_save_only_ops(directory)


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
    tf.saved_model.save(served.saved(), str(directory), signatures=signatures, options=options)


def _name_methods(directory: Path, signatures: Iterable[str]) -> None:
    """Saving in TensorFlow 2 makes every signature one for predict requests."""
    updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(str(directory))
    for name in signatures:
        if name in METHOD_NAMES:
            updater.replace_method_name(name, METHOD_NAMES[name])
    updater.save()
