"""What must be known beside weights to run them: configuration, vocabulary, casing."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from bert.checkpoints.google_research import (
    CONFIG_FILE,
    TOKENIZER_CONFIG_FILE,
    VOCABULARY_FILE,
)
from bert.checkpoints.huggingface.config import CONFIG_FILE as HUGGINGFACE_CONFIG_FILE
from bert.checkpoints.huggingface.config import read_huggingface_config
from bert.checkpoints.model_garden.parameters import (
    find_parameters_file,
    is_parameters_file,
    read_parameters,
)
from bert.checkpoints.model_garden.reading import find_vocabulary_file
from bert.checkpoints.text.settings import Setting, find_casing
from bert.config import GELU_ERF, GELU_TANH, BertConfig
from bert.errors import UserError
from bert.tokenizers.google_research import FullTokenizer
from bert.tokenizers.vocabulary import Vocabulary


@dataclasses.dataclass(frozen=True)
class ModelSettings:
    """Settings and the files that they come from."""

    config: BertConfig
    config_file: Path
    is_google_research: bool
    """whether that is a bert_config.json"""

    replaced_gelu: bool
    """whether the tanh form of GELU stands for the erf form that the file asks for"""

    vocabulary: Vocabulary
    vocabulary_file: Path
    do_lower_case: Setting[bool]

    def tokenizer(self) -> FullTokenizer:
        """The tokenizer that these settings describe."""
        return FullTokenizer(self.vocabulary, self.do_lower_case.value)


def find_settings(
    directories: Sequence[Path],
    config_file: Path | None,
    vocabulary_file: Path | None,
    do_lower_case: bool | None,
) -> ModelSettings:
    """Takes each setting from its flag, else from the first directory that has its file.

    Args:
      directories: where checkpoints are, the one whose weights are used first.
      config_file: `--bert_config_file`, None if not given.
      vocabulary_file: `--vocab_file`, None if not given.
      do_lower_case: `--do_lower_case`, None if not given.

    Raises:
      UserError: a file is not found or faulty, or two settings contradict each other.
    """
    found_config = config_file or _find_config(directories)
    is_huggingface = config_file is None and found_config.name == HUGGINGFACE_CONFIG_FILE
    parameters, replaced_gelu = None, False
    if is_parameters_file(found_config):
        parameters = read_parameters(found_config)
        config = parameters.bert
    elif is_huggingface:
        config, replaced_gelu = _read_huggingface_config(found_config)
    else:
        config = BertConfig.from_google_research_file(found_config)
    if vocabulary_file is not None:
        found_vocabulary = vocabulary_file
    elif parameters is not None:
        found_vocabulary = find_vocabulary_file(found_config.parent, parameters)
    else:
        found_vocabulary = _find(directories, VOCABULARY_FILE, "--vocab_file")
    vocabulary = Vocabulary.from_file(found_vocabulary)
    if len(vocabulary) > config.vocab_size:
        raise UserError(
            f"--vocab_file {found_vocabulary} has {len(vocabulary)} lines, but {found_config} has "
            f"a vocab_size of {config.vocab_size}: give files that belong together."
        )
    casing = find_casing(
        _first_with([*directories, found_vocabulary.parent], TOKENIZER_CONFIG_FILE)
        or found_vocabulary.parent,
        vocabulary,
        do_lower_case,
        Setting(parameters.lower_case, str(found_config))
        if parameters is not None and parameters.lower_case is not None
        else None,
    )
    return ModelSettings(
        config,
        found_config,
        not is_huggingface and parameters is None,
        replaced_gelu,
        vocabulary,
        found_vocabulary,
        casing,
    )


def require_same(settings: ModelSettings, directory: Path) -> None:
    """Checks that settings are those that a directory's checkpoints were trained with.

    Raises:
      UserError: its configuration or vocabulary is another one.
    """
    config_file, vocabulary_file = directory / CONFIG_FILE, directory / VOCABULARY_FILE
    if config_file.is_file():
        config = BertConfig.from_google_research_file(config_file)
        if config != settings.config:
            raise UserError(_contradiction("--bert_config_file", settings.config_file, config_file))
    if vocabulary_file.is_file() and (
        vocabulary_file.read_bytes() != settings.vocabulary_file.read_bytes()
    ):
        raise UserError(_contradiction("--vocab_file", settings.vocabulary_file, vocabulary_file))


def _contradiction(flag: str, given: Path, trained_with: Path) -> str:
    return (
        f"{flag} {given} is not equal to {trained_with}, which the checkpoints of --output_dir "
        "were trained with: leave the flag out, or name a new directory with --output_dir."
    )


def _find_config(directories: Sequence[Path]) -> Path:
    """The configuration in the first directory with one: of this project, or of a library."""
    for place in directories:
        candidates = (
            place / CONFIG_FILE,
            place / HUGGINGFACE_CONFIG_FILE,
            find_parameters_file(place),
        )
        for file in candidates:
            if file is not None and file.is_file():
                return file
    return _find(directories, CONFIG_FILE, "--bert_config_file")


def _read_huggingface_config(file: Path) -> tuple[BertConfig, bool]:
    """A configuration that google-research/bert can run, and whether its GELU was replaced."""
    config = read_huggingface_config(file).bert
    if config.hidden_act != GELU_ERF:
        return config, False
    return dataclasses.replace(config, hidden_act=GELU_TANH), True


def _find(directories: Sequence[Path], name: str, flag: str) -> Path:
    directory = _first_with(directories, name)
    if directory is None:
        places = " or ".join(map(str, directories))
        where = f"{name} is not in {places}" if places else "there is no checkpoint to look beside"
        raise UserError(f"{flag} is not given, and {where}: name the file with {flag}.")
    return directory / name


def _first_with(directories: Sequence[Path], name: str) -> Path | None:
    return next((place for place in directories if (place / name).is_file()), None)
