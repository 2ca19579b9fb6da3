"""Checkpoints of TensorFlow Model Garden's BertClassifier and BertEncoder."""

import dataclasses
from pathlib import Path

from bert.checkpoints.google_research import CONFIG_FILE
from bert.checkpoints.model_garden.parameters import (
    PARAMETERS_FILE,
    Parameters,
    find_parameters_file,
    is_parameters_file,
    read_parameters,
)
from bert.checkpoints.model_garden.weights import ModelGardenWeights
from bert.checkpoints.options import ReadOptions, task_labels
from bert.checkpoints.tensorflow import files as tensorflow_files
from bert.checkpoints.tensorflow import object_graph
from bert.checkpoints.text.huggingface_files import VOCABULARY_FILE
from bert.checkpoints.text.profile import find_text_profile
from bert.checkpoints.text.settings import Setting, find_max_seq_length
from bert.config import BertConfig
from bert.errors import UserError
from bert.model import GOOGLE_RESEARCH, TENSORFLOW_TEXT, FineTunedModel
from bert.tasks import Task, row_tasks


@dataclasses.dataclass(frozen=True)
class ModelFiles:
    """What lies beside a checkpoint."""

    directory: Path
    config_file: Path
    config: BertConfig
    parameters: Parameters | None
    """None where the configuration is a bert_config.json"""

    vocabulary_file: Path


def sign(path: Path) -> str | None:
    """The file by which `path`, a prefix or directory, is known as a checkpoint, None if none."""
    return object_graph.sign(path)


def read(path: Path, options: ReadOptions) -> FineTunedModel:
    """Opens a classifier or regressor, or an encoder for its pooled vector.

    What a training saves beside the model, such as optimizer slots, is left out. Text is
    tokenized as in the training: by TensorFlow Text where Model Garden's trainer was given
    texts, else as google-research/bert does, whose tokenizer its programs that write ids have.

    Raises:
      UserError: a file or variable is missing, faulty or of another model, or two contradict
        each other.
    """
    prefix = tensorflow_files.find_prefix(path)
    weights = ModelGardenWeights(prefix)
    files = find_files(prefix, options.bert_config_file, options.vocab_file)
    parameters, config = files.parameters, files.config
    num_outputs = weights.num_outputs()
    if parameters and parameters.num_classes and num_outputs not in (0, parameters.num_classes):
        raise UserError(
            f"{files.config_file}: task.model.num_classes is {parameters.num_classes}, but the "
            f"head of --checkpoint {prefix} has {num_outputs} outputs: give files that belong "
            "together."
        )
    task = _task(num_outputs, options.task)
    if not task.has_head:
        num_outputs = 0
    labels = task_labels(options.labels, task, num_outputs)
    read_weights = weights.read(config, num_outputs, str(files.config_file))
    text = find_text_profile(
        files.directory,
        dataclasses.replace(options, vocab_file=files.vocabulary_file),
        TENSORFLOW_TEXT if parameters and parameters.trained_on_text else GOOGLE_RESEARCH,
        _setting(files, parameters.lower_case if parameters else None),
    )
    text.require_rows_for_all(config.vocab_size)
    length = find_max_seq_length(
        files.directory,
        options.max_seq_length,
        config.max_position_embeddings,
        trained=_setting(files, parameters.seq_length if parameters else None),
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
            "checkpoint": str(prefix),
            "bert_config_file": str(files.config_file),
            "vocab_file": text.source,
            "do_lower_case": text.casing.source,
            "max_seq_length": length.source,
        },
        tokenizer_settings=text.huggingface,
    )


def find_directory(prefix: Path) -> Path:
    """Where the files of a checkpoint are: beside it, or above.

    The trainer keeps its best checkpoint in a directory below that of params.yaml.
    """
    places = (prefix.parent, prefix.parent.resolve().parent)
    return next((place for place in places if _config_file(place) is not None), prefix.parent)


def find_files(prefix: Path, config_file: Path | None, vocabulary_file: Path | None) -> ModelFiles:
    """Configuration and vocabulary of a checkpoint, by their flags or beside it.

    Raises:
      UserError: one of them is missing or faulty.
    """
    directory = find_directory(prefix)
    found = config_file or _config_file(directory)
    if found is None:
        raise UserError(
            f"{prefix.parent / PARAMETERS_FILE}, the parameters of Model Garden's trainer, does "
            f"not exist, nor does {CONFIG_FILE}: name one of them with --bert_config_file."
        )
    parameters = read_parameters(found) if is_parameters_file(found) else None
    config = parameters.bert if parameters else BertConfig.from_google_research_file(found)
    if vocabulary_file is None:
        vocabulary_file = find_vocabulary_file(directory, parameters)
    return ModelFiles(directory, found, config, parameters, vocabulary_file)


def _config_file(directory: Path) -> Path | None:
    file = find_parameters_file(directory)
    if file is None and (directory / CONFIG_FILE).is_file():
        return directory / CONFIG_FILE
    return file


def find_vocabulary_file(directory: Path, parameters: Parameters | None) -> Path:
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


def _setting(files: ModelFiles, value: "bool | int | None") -> Setting | None:
    return None if value is None else Setting(value, str(files.config_file))
