"""Kind: what must be known of one kind of checkpoint, to export it and to train from it."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from bert.checkpoints.options import ReadOptions
from bert.checkpoints.text.settings import Setting
from bert.config import BertConfig
from bert.model import FineTunedModel


@dataclasses.dataclass(frozen=True)
class Place:
    """Where the parts of a checkpoint are."""

    weights: Path
    """the prefix of TensorFlow's files, else the file of the tensors"""

    directory: Path
    """where configuration and vocabulary are"""


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a configuration file says beside the weights."""

    file: Path
    config: BertConfig
    is_google_research: bool = False
    """whether the file is a bert_config.json"""

    vocabulary_file: Path | None = None
    """where the file says that the vocabulary is, None where it does not say"""

    lower_case: Setting[bool] | None = None
    """whether the training lower-cased, None where the file does not say"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of checkpoint."""

    name: str

    sign: Callable[[Path], str | None]
    """path -> the file by which it is known as one of this kind, None if it is none"""

    read: Callable[[Path, ReadOptions], FineTunedModel]
    """opens a fine-tuned model"""

    locate: Callable[[Path, str], Place]
    """path and the flag that gave it -> where its parts are"""

    read_encoder: Callable[[Path, BertConfig, str], Mapping[str, np.ndarray]]
    """`Place.weights`, configuration and flag -> the encoder's weights by variable name, those of
    the pooler where there is one"""

    config_file: Callable[[Path], Path | None]
    """directory or given file -> the configuration file of this kind, None if there is none"""

    settings: Callable[[Path], Settings]
    """configuration file -> what it says"""

    has_trained_classifier: bool = False
    """whether training may go on from its classifier: only run_classifier's own is known to
    have had the tokenizer and the GELU of google-research/bert"""
