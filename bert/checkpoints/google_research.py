"""Checkpoints of google-research/bert's run_classifier.py and run_squad.py: name-based."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bert.checkpoints.fields import CORRECT, Fields
from bert.checkpoints.google_research_head import count_labels, find_task, names_of
from bert.checkpoints.kind import Kind, Place, Settings
from bert.checkpoints.labels_file import write_labels
from bert.checkpoints.options import CHECKPOINT, ReadOptions, task_labels
from bert.checkpoints.tensorflow import files as tensorflow_files
from bert.checkpoints.tensorflow import object_graph
from bert.checkpoints.tensorflow.files import StoredVariables
from bert.checkpoints.text.added_tokens import TOKENIZER_CONFIG_FILE
from bert.checkpoints.text.profile import find_text_profile
from bert.checkpoints.text.settings import find_max_seq_length
from bert.checkpoints.text.tokenizer_class import VOCABULARY_FILE
from bert.checkpoints.whole_files import write_whole
from bert.config import ACTIVATIONS, GOOGLE_RESEARCH_NAMES, TANH, BertConfig
from bert.errors import UserError, advising
from bert.model import GOOGLE_RESEARCH, HUGGINGFACE, PIPELINE, RUN_SQUAD, FineTunedModel
from bert.tasks import CLASSIFICATION, FIRST_TOKEN, POOLER, Pooling, Task
from bert.variables import classifier_shapes, encoder_shapes, masked_word_shapes

CONFIG_FILE = "bert_config.json"

_GIVE_CONFIG = f"give the {CONFIG_FILE} that the checkpoint was trained with (--bert_config_file)"

# run_squad.py: its default of --max_seq_length.
_SQUAD_MAX_SEQ_LENGTH = 384

# google-research/bert, modeling.py, BertConfig: what it asks for, and what it has defaults for.
_REQUIRED = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
    "type_vocab_size",
)
_DEFAULTS = {
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "initializer_range": 0.02,
    "layer_norm_eps": 1e-12,
}


def read_config(file: Path) -> BertConfig:
    """Reads a `bert_config.json`, with the fields that `to_google_research_json` has for others.

    Further fields that the original code does not know are ignored.

    Raises:
      UserError: the file is absent, not JSON, lacks a field or holds a wrong value.
    """
    fields = Fields.of_json(file)
    for name in _REQUIRED:
        if name not in fields.values:
            raise UserError(f"{file} lacks the field {name!r}: {_GIVE_CONFIG}.")
    names = {name: (name, name, _DEFAULTS.get(name)) for name in (*_REQUIRED, *_DEFAULTS)}
    others: dict[str, Any] = {
        "hidden_act": fields.choice("hidden_act", GOOGLE_RESEARCH_NAMES, "gelu", CORRECT),
        "pooler_act": fields.choice("pooler_act", {a: a for a in ACTIVATIONS}, TANH, CORRECT),
        "embedding_size": fields.count("embedding_size"),
    }
    if fields.flag("has_token_types") is False:
        del names["type_vocab_size"]
        others["type_vocab_size"] = 0
    return fields.bert_config([*names.values()], **others)


def write_settings(
    directory: Path,
    config: BertConfig,
    vocabulary_file: bytes,
    do_lower_case: bool,
    max_seq_length: int,
    labels: Sequence[str] | None = None,
    task: Task = CLASSIFICATION,
) -> None:
    """Writes what `KIND` looks for beside a checkpoint."""
    write_whole(directory / CONFIG_FILE, config.to_google_research_json())
    write_whole(directory / VOCABULARY_FILE, vocabulary_file)
    settings = {"do_lower_case": do_lower_case, "model_max_length": max_seq_length}
    write_whole(directory / TOKENIZER_CONFIG_FILE, json.dumps(settings, indent=2) + "\n")
    if labels is not None:
        write_labels(directory, labels, task)


def _sign(path: Path) -> str | None:
    return None if object_graph.sign(path) else tensorflow_files.sign(path)


def _read(path: Path, options: ReadOptions) -> FineTunedModel:
    """Opens a fine-tuned model; optimizer slots and `global_step` are left out.

    Raises:
      UserError: a file or variable is missing, or two of them contradict each other.
    """
    place = _locate(path, CHECKPOINT)
    directory, stored = place.directory, StoredVariables(place.weights, CHECKPOINT)
    config_file = options.bert_config_file or directory / CONFIG_FILE
    if not config_file.is_file():
        raise UserError(
            f"{config_file}, BERT's configuration, does not exist: name the file with "
            "--bert_config_file."
        )
    config = read_config(config_file)
    task = find_task(stored, options, directory)
    scope = task.head_scope
    if task.fills_masks and options.tokenizer is None:
        # google-research's own masks ids, and reads [MASK] in a text as three words.
        options = dataclasses.replace(options, tokenizer=HUGGINGFACE)
    text = find_text_profile(directory, options, GOOGLE_RESEARCH)
    if task.reads_tokens:  # the pooler was never trained, and nothing reads it
        config = dataclasses.replace(config, has_pooler=False)
    num_labels, head_shapes = 0, {}
    if task.fills_masks:
        text.require_mask_token()
        head_shapes = masked_word_shapes(config)
    elif task.has_head:
        num_labels = count_labels(stored, config, task)
        head_shapes = classifier_shapes(config, num_labels)
    with advising(_GIVE_CONFIG):
        weights = stored.read(encoder_shapes(config))
        head = stored.read({scope + name: shape for name, shape in head_shapes.items()})
    weights |= {name: head[scope + name] for name in head_shapes}
    # The table of the checkpoint was just checked against config.vocab_size.
    text.require_rows_for_all(config.vocab_size)
    positions = config.max_position_embeddings
    default = (_SQUAD_MAX_SEQ_LENGTH,) if task.finds_spans else ()
    max_seq_length = find_max_seq_length(directory, options.max_seq_length, positions, *default)
    names = options.labels
    if names is None:
        names = names_of(directory, task, num_labels)
    return FineTunedModel(
        config=config,
        weights=weights,
        vocabulary=text.vocabulary,
        vocabulary_file=text.vocabulary_file,
        do_lower_case=text.casing.value,
        tokenizer=text.tokenizer,
        task=task,
        labels=task_labels(names, task, num_labels),
        max_seq_length=max_seq_length.value,
        provenance={
            "kind": KIND.name,
            "checkpoint": str(stored.prefix),
            "bert_config_file": str(config_file),
            "vocab_file": text.source,
            "do_lower_case": text.casing.source,
            "max_seq_length": max_seq_length.source,
        },
        tokenizer_settings=text.huggingface,
        pooling=Pooling(FIRST_TOKEN if task.reads_tokens else POOLER),
        takes_pairs=task.finds_spans,
        answer_rules=RUN_SQUAD if task.finds_spans else PIPELINE,
        labels_words=task.labels_tokens,
    )


def _locate(path: Path, flag: str) -> Place:
    prefix = tensorflow_files.find_prefix(path, flag)
    return Place(prefix, prefix.parent)


def _read_encoder(prefix: Path, config: BertConfig, flag: str) -> dict[str, np.ndarray]:
    with advising(_GIVE_CONFIG):
        return StoredVariables(prefix, flag).read(encoder_shapes(config))


def _config_file(place: Path) -> Path | None:
    if not place.is_dir():
        return place
    return place / CONFIG_FILE if (place / CONFIG_FILE).is_file() else None


KIND = Kind(
    name="google-research/bert checkpoint",
    sign=_sign,
    read=_read,
    locate=_locate,
    read_encoder=_read_encoder,
    config_file=_config_file,
    settings=lambda file: Settings(file, read_config(file), is_google_research=True),
    has_trained_classifier=True,
)
