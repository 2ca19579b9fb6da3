"""Checkpoints of TensorFlow Model Garden's BertClassifier and BertEncoder."""

import dataclasses
from pathlib import Path

import numpy as np

from bert.checkpoints.google_research import CONFIG_FILE, read_config
from bert.checkpoints.kind import Kind, Place, Settings
from bert.checkpoints.model_garden.parameters import (
    PARAMETERS_FILE,
    Parameters,
    find_parameters_file,
    is_parameters_file,
    read_parameters,
)
from bert.checkpoints.model_garden.weights import ModelGardenWeights
from bert.checkpoints.options import CHECKPOINT, ReadOptions, task_labels
from bert.checkpoints.tensorflow import files as tensorflow_files
from bert.checkpoints.tensorflow import object_graph
from bert.checkpoints.tensorflow.files import StoredVariables
from bert.checkpoints.text.profile import find_text_profile
from bert.checkpoints.text.settings import find_max_seq_length
from bert.checkpoints.text.tokenizer_class import VOCABULARY_FILE
from bert.config import BertConfig
from bert.errors import UserError
from bert.model import GOOGLE_RESEARCH, TENSORFLOW_TEXT, FineTunedModel
from bert.tasks import Task, row_tasks


def _read(path: Path, options: ReadOptions) -> FineTunedModel:
    """Opens a classifier or regressor, or an encoder for its pooled vector.

    What a training saves beside the model, such as optimizer slots, is left out. Text is
    tokenized as in the training: by TensorFlow Text where Model Garden's trainer was given
    texts, else as google-research/bert does, whose tokenizer its programs that write ids have.

    Raises:
      UserError: a file or variable is missing, faulty or of another model, or two contradict
        each other.
    """
    place = _locate(path, CHECKPOINT)
    stored = StoredVariables(place.weights, CHECKPOINT)
    weights = ModelGardenWeights(stored)
    config_file = options.bert_config_file or _config_file(place.directory)
    if config_file is None:
        raise UserError(
            f"{stored.prefix.parent / PARAMETERS_FILE}, the parameters of Model Garden's trainer, "
            f"does not exist, nor does {CONFIG_FILE}: name one of them with --bert_config_file."
        )
    parameters = read_parameters(config_file) if is_parameters_file(config_file) else None
    config = parameters.bert if parameters else read_config(config_file)
    num_outputs = weights.num_outputs()
    if parameters and parameters.num_classes and num_outputs not in (0, parameters.num_classes):
        raise UserError(
            f"{config_file}: task.model.num_classes is {parameters.num_classes}, but the head of "
            f"{stored} has {num_outputs} outputs: give files that belong together."
        )
    task = _task(num_outputs, options.task)
    if not task.has_head:
        num_outputs = 0
    labels = task_labels(options.labels, task, num_outputs)
    read_weights = weights.read(config, num_outputs, str(config_file))
    vocabulary_file = options.vocab_file or _vocabulary_file(place.directory, parameters)
    text = find_text_profile(
        place.directory,
        dataclasses.replace(options, vocab_file=vocabulary_file),
        TENSORFLOW_TEXT if parameters and parameters.trained_on_text else GOOGLE_RESEARCH,
        parameters.lower_case if parameters else None,
    )
    text.require_rows_for_all(config.vocab_size)
    length = find_max_seq_length(
        place.directory,
        options.max_seq_length,
        config.max_position_embeddings,
        trained=parameters.seq_length if parameters else None,
    )
    return FineTunedModel(
        config=config,
        weights=read_weights,
        vocabulary=text.vocabulary,
        vocabulary_file=text.vocabulary_file,
        do_lower_case=text.casing.value,
        tokenizer=text.tokenizer,
        task=task,
        labels=labels,
        max_seq_length=length.value,
        provenance={
            "kind": f"Model Garden {weights.architecture}",
            "checkpoint": str(stored.prefix),
            "bert_config_file": str(config_file),
            "vocab_file": text.source,
            "do_lower_case": text.casing.source,
            "max_seq_length": length.source,
        },
        tokenizer_settings=text.huggingface,
    )


def _locate(path: Path, flag: str) -> Place:
    """The configuration is beside the checkpoint or above.

    The trainer keeps its best checkpoint in a directory below that of params.yaml.
    """
    prefix = tensorflow_files.find_prefix(path, flag)
    places = (prefix.parent, prefix.parent.resolve().parent)
    found = (place for place in places if _config_file(place) is not None)
    return Place(prefix, next(found, prefix.parent))


def _config_file(directory: Path) -> Path | None:
    file = find_parameters_file(directory)
    if file is None and (directory / CONFIG_FILE).is_file():
        return directory / CONFIG_FILE
    return file


def _vocabulary_file(directory: Path, parameters: Parameters | None) -> Path:
    """vocab.txt beside, else the file of the training, or one of its name beside."""
    beside = directory / VOCABULARY_FILE
    if parameters is None or parameters.vocab_file is None or beside.is_file():
        return beside
    trained_with = Path(parameters.vocab_file)
    candidates = (directory / trained_with.name, trained_with)
    return next((file for file in candidates if file.is_file()), beside)


def _task(num_outputs: int, flag: str | None) -> Task:
    """The task by the flag, where the head can do it, else by the number of outputs."""
    possible = {task.name: task for task in row_tasks(num_outputs)}
    if flag is not None and flag not in possible:
        raise UserError(
            f"--task is {flag!r}, where a checkpoint with {num_outputs or 'no'} outputs can be "
            f"{' or '.join(possible)}: give one of these, or leave the flag out."
        )
    return next(iter(possible.values())) if flag is None else possible[flag]


def _read_encoder(prefix: Path, config: BertConfig, flag: str) -> dict[str, np.ndarray]:
    return ModelGardenWeights(StoredVariables(prefix, flag)).read(config, 0, "--bert_config_file")


def _parameters_file(place: Path) -> Path | None:
    if place.is_dir():
        return find_parameters_file(place)
    return place if is_parameters_file(place) else None


def _settings(file: Path) -> Settings:
    parameters = read_parameters(file)
    return Settings(
        file,
        parameters.bert,
        vocabulary_file=_vocabulary_file(file.parent, parameters),
        lower_case=parameters.lower_case,
    )


KIND = Kind(
    name="Model Garden checkpoint",
    sign=object_graph.sign,
    read=_read,
    locate=_locate,
    read_encoder=_read_encoder,
    config_file=_parameters_file,
    settings=_settings,
)
