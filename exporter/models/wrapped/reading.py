"""Opens a SavedModel that takes features as a WrappedModel."""

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from bert.checkpoints.options import ReadOptions, task_labels
from bert.checkpoints.text.profile import TextProfile
from bert.checkpoints.text.settings import Setting, find_max_seq_length
from bert.errors import UserError
from bert.model import GOOGLE_RESEARCH, HUGGINGFACE, TENSORFLOW_TEXT
from exporter.contract import GRAPH_FILE, INPUT_IDS, INPUT_MASK, SERVE_TAG, TEXT_GRAPH_FILE
from exporter.models.opened_model import Row
from exporter.models.wrapped.answer import Answer, decide_answer
from exporter.models.wrapped.effects import refuse_effects
from exporter.models.wrapped.embedding_tables import find_tables
from exporter.models.wrapped.model import WrappedModel
from exporter.models.wrapped.saved_network import SavedNetwork, cut_network
from exporter.models.wrapped.signature import FeatureSignature, find_signature
from exporter.models.wrapped.text_assets import find_text
from exporter.models.wrapped.trial import require_bounded
from exporter.models.wrapped.witness import padded_inputs
from exporter.serving.graph_file import read_serving_graph

# Who names the mask or the ids so, and with what its texts were tokenized.
_TOKENIZERS = {
    "attention_mask": ("Hugging Face SavedModel", HUGGINGFACE),
    "input_word_ids": ("TensorFlow Hub SavedModel", TENSORFLOW_TEXT),
}
_OTHER = ("SavedModel", GOOGLE_RESEARCH)

# [CLS], one token, [SEP]
_LEAST_MAX_SEQ_LENGTH = 3
# More positions than any BERT has.
_NO_BOUND = 2**20

_FILES = (GRAPH_FILE, TEXT_GRAPH_FILE, "variables/variables.index")


def sign(path: Path) -> str | None:
    """The file by which a directory is known as a SavedModel, None if it is none."""
    return next((name for name in (GRAPH_FILE, TEXT_GRAPH_FILE) if (path / name).is_file()), None)


def read(directory: Path, options: ReadOptions, location: str) -> WrappedModel:
    """Opens the SavedModel in `directory`, which `location` names, and asks it a few texts.

    Raises:
      UserError: it takes no features, a file is missing or faulty, or a flag contradicts it.
    """
    if options.bert_config_file is not None:
        raise UserError(
            "--bert_config_file is given, but a SavedModel carries its own network: leave the flag "
            "out."
        )
    meta_graph = read_serving_graph(directory)
    signature = find_signature(meta_graph.signature_def, location)
    refuse_effects(meta_graph, signature, location)
    kind, tokenizer = _kind(signature)
    text, folder = find_text(directory, meta_graph, options, tokenizer)
    require_bounded(directory, signature, location)
    with _loaded(directory, location) as session:
        tables = find_tables(session.graph, signature.outputs.values())
        if tables.words is not None and len(text.vocabulary) > tables.words:
            raise UserError(
                f"--vocab_file {text.source} has {len(text.vocabulary)} lines, but the word "
                f"embeddings of the SavedModel have {tables.words} rows: give the vocab.txt of "
                "this model."
            )
        length = _max_seq_length(signature, options, folder, tables.positions)
        answer, network = _ask(session, signature, text, length, options.task, location)
    return WrappedModel(
        vocabulary=text.vocabulary,
        vocabulary_file=text.vocabulary_file,
        do_lower_case=text.casing.value,
        tokenizer=text.tokenizer,
        task=answer.task,
        labels=task_labels(options.labels, answer.task, answer.size),
        max_seq_length=length.value,
        provenance={
            "kind": kind,
            "checkpoint": location,
            "vocab_file": text.source,
            "do_lower_case": text.casing.source,
            "max_seq_length": length.source,
        },
        tokenizer_settings=text.huggingface,
        directory=directory,
        signature=signature,
        network=network,
        answer=answer,
        tables=tables,
        fingerprint=_fingerprint(directory),
    )


def _kind(signature: FeatureSignature) -> tuple[str, str]:
    """Whose SavedModel it is, in words, and the tokenizer that belongs to it."""
    names = [signature.inputs[meaning].name for meaning in (INPUT_MASK, INPUT_IDS)]
    return next((_TOKENIZERS[name] for name in names if name in _TOKENIZERS), _OTHER)


@contextlib.contextmanager
def _loaded(directory: Path, location: str) -> Iterator[tf.compat.v1.Session]:
    """A session that has the graph and its values, as a server has them."""
    graph = tf.Graph()
    with tf.compat.v1.Session(graph=graph) as session:
        with graph.as_default():
            try:
                tf.compat.v1.saved_model.load(
                    session, [SERVE_TAG], str(directory), clear_devices=True
                )
            # A file that is missing or damaged, an op or attribute that is not known here.
            except (tf.errors.OpError, OSError, ValueError, KeyError) as error:
                raise UserError(
                    f"--checkpoint {location} cannot be loaded ({_one_line(error)}): export the "
                    "model, or copy it, once more."
                ) from error
        yield session


def _ask(
    session: tf.compat.v1.Session,
    signature: FeatureSignature,
    text: TextProfile,
    length: Setting[int],
    task: str | None,
    location: str,
) -> tuple[Answer, SavedNetwork]:
    """What the model answers, and the part of it that does."""
    rows = _sample(len(text.vocabulary), length.value)
    outputs = _run(session, signature, rows, location, length)
    answer = decide_answer(outputs, task, location, len(rows))
    tensors = {meaning: given.tensor for meaning, given in signature.inputs.items()}
    network = cut_network(session, tensors, signature.outputs[answer.output], location)
    return answer, network


def _max_seq_length(
    signature: FeatureSignature, options: ReadOptions, folder: Path, positions: int | None
) -> Setting[int]:
    fixed, given = signature.length, options.max_seq_length
    if fixed is None:
        # What is too long for positions that are not known, the first request tells.
        return find_max_seq_length(folder, given, positions or _NO_BOUND)
    if given is None:
        return Setting(fixed, "the columns of the SavedModel's inputs")
    if not _LEAST_MAX_SEQ_LENGTH <= given <= fixed:
        raise UserError(
            f"--max_seq_length is {given}, where a number from {_LEAST_MAX_SEQ_LENGTH} to {fixed}, "
            "the columns of the SavedModel's inputs, is expected: give such a number, or leave the "
            "flag out."
        )
    return Setting(given, "--max_seq_length")


def _sample(num_ids: int, length: int) -> list[list[int]]:
    """Rows of ids that differ in length and content, one of them as long as can be."""
    generator = np.random.default_rng(0)
    lengths = [3, 4, 6, 8, 12, 16, 24, length]
    return [generator.integers(num_ids, size=min(n, length)).tolist() for n in lengths]


def _run(
    session: tf.compat.v1.Session,
    signature: FeatureSignature,
    rows: Sequence[Sequence[int]],
    location: str,
    length: Setting[int],
) -> Mapping[str, np.ndarray]:
    """The signature's outputs, by name."""
    inputs = padded_inputs(signature, [Row(ids, [0] * len(ids)) for ids in rows])
    feeds = {given.tensor: inputs[given.name] for given in signature.inputs.values()}
    try:
        return session.run(dict(signature.outputs), feeds)
    except tf.errors.OpError as error:
        raise UserError(
            f"--checkpoint {location} fails on a request of {len(rows)} rows of up to "
            f"{length.value} tokens ({_one_line(error)}): give a smaller --max_seq_length, the "
            "vocab.txt of this model, or a whole copy of it."
        ) from error


def _fingerprint(directory: Path) -> Mapping[str, str]:
    return {
        name: hashlib.sha256((directory / name).read_bytes()).hexdigest()
        for name in _FILES
        if (directory / name).is_file()
    }


def _one_line(error: Exception) -> str:
    """The first line of what TensorFlow says."""
    message = getattr(error, "message", None) or str(error)
    first = next(iter(message.strip().splitlines()), type(error).__name__)
    return first if len(first) <= 200 else f"{first[:197]}..."
