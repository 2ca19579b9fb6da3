"""The settings that training needs beside weights: configuration, vocabulary, casing."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from bert.checkpoints import registry
from bert.checkpoints.google_research import (
    CONFIG_FILE,
    TOKENIZER_CONFIG_FILE,
    VOCABULARY_FILE,
    read_config,
)
from bert.checkpoints.registry import Checkpoint
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
    checkpoints: Sequence[Checkpoint],
    config_file: Path | None,
    vocabulary_file: Path | None,
    do_lower_case: bool | None,
) -> ModelSettings:
    """Takes each setting from its flag, else from beside the first checkpoint that has its file.

    Args:
      checkpoints: the one whose weights are used first.
      config_file: `--bert_config_file`, None if not given.
      vocabulary_file: `--vocab_file`, None if not given.
      do_lower_case: `--do_lower_case`, None if not given.

    Raises:
      UserError: a file is not found or faulty, or two settings contradict each other.
    """
    directories = [checkpoint.place.directory for checkpoint in checkpoints]
    found = (
        registry.find_settings(checkpoints)
        if config_file is None
        else registry.read_settings(config_file)
    )
    if found is None:
        raise _not_found(directories, CONFIG_FILE, "--bert_config_file")
    config = _trainable(found.config, found.file)
    vocabulary_file = vocabulary_file or found.vocabulary_file
    if vocabulary_file is None:
        directory = _first_with(directories, VOCABULARY_FILE)
        if directory is None:
            raise _not_found(directories, VOCABULARY_FILE, "--vocab_file")
        vocabulary_file = directory / VOCABULARY_FILE
    vocabulary = Vocabulary.from_file(vocabulary_file)
    if len(vocabulary) > config.vocab_size:
        raise UserError(
            f"--vocab_file {vocabulary_file} has {len(vocabulary)} lines, but {found.file} has a "
            f"vocab_size of {config.vocab_size}: give files that belong together."
        )
    beside = vocabulary_file.parent
    casing = find_casing(
        _first_with([*directories, beside], TOKENIZER_CONFIG_FILE) or beside,
        vocabulary,
        do_lower_case,
        found.lower_case,
    )
    return ModelSettings(
        config=config,
        config_file=found.file,
        is_google_research=found.is_google_research,
        replaced_gelu=config != found.config,
        vocabulary=vocabulary,
        vocabulary_file=vocabulary_file,
        do_lower_case=casing,
    )


def require_same(settings: ModelSettings, directory: Path) -> None:
    """Checks that settings are those that a directory's checkpoints were trained with.

    Raises:
      UserError: its configuration or vocabulary is another one.
    """
    config_file, vocabulary_file = directory / CONFIG_FILE, directory / VOCABULARY_FILE
    if config_file.is_file():
        config = read_config(config_file)
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


def _trainable(config: BertConfig, file: Path) -> BertConfig:
    """The configuration as google-research/bert can run it: its GELU is the tanh form."""
    if config.hidden_act == GELU_ERF:
        config = dataclasses.replace(config, hidden_act=GELU_TANH)
    try:
        config.to_google_research_json()
    except ValueError as error:
        raise UserError(f"{file}: {error}: train from a checkpoint of BERT's.") from error
    return config


def _not_found(directories: Sequence[Path], name: str, flag: str) -> UserError:
    places = " or ".join(map(str, directories))
    where = f"{name} is not in {places}" if places else "there is no checkpoint to look beside"
    return UserError(f"{flag} is not given, and {where}: name the file with {flag}.")


def _first_with(directories: Sequence[Path], name: str) -> Path | None:
    return next((place for place in directories if (place / name).is_file()), None)
