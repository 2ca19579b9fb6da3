"""The models of tasks: a classifier's encoder with the head of another task."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors.numpy import load_file, save_file

from tests.programs.benchmarks.inference.scratch import empty_scratch

_STANDARD_DEVIATION = 0.1
_SEED = 21

_TOKENIZER_FILES = ("vocab.txt", "tokenizer_config.json")
_MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
]


class Head(NamedTuple):
    """What stands on the encoder, as transformers saves it."""

    architecture: str
    module: str = ""
    """the last dense layer; none for an encoder alone, whose vectors' mean is the answer"""
    outputs: int = 0
    labels: tuple[str, ...] = ()


def write_task_checkpoint(head: Head, classifier: Path, directory: Path) -> Path:
    """Writes a model with the encoder of a `BertForSequenceClassification`, unless it is there.

    Args:
      head: its weights are random, of a fixed seed.
      classifier: the directory of the other model.
      directory: where it goes; it appears whole or not at all.

    Returns:
      `directory`.
    """
    if directory.is_dir():
        return directory
    scratch = empty_scratch(directory)
    for name in _TOKENIZER_FILES:
        shutil.copy(classifier / name, scratch)
    tensors = load_file(classifier / "model.safetensors")
    config = json.loads((classifier / "config.json").read_text(encoding="utf-8"))
    config["architectures"] = [head.architecture]
    encoder = {name: value for name, value in tensors.items() if name.startswith("bert.")}
    if head.module:
        # Heads of tokens have no pooler.
        tensors = {name: value for name, value in encoder.items() if ".pooler." not in name}
        shape = (head.outputs, config["hidden_size"])
        generator = np.random.default_rng(_SEED)
        weights = _STANDARD_DEVIATION * generator.standard_normal(shape, np.float32)
        tensors[f"{head.module}.weight"] = weights
        tensors[f"{head.module}.bias"] = np.zeros(head.outputs, np.float32)
    else:
        tensors = {name.removeprefix("bert."): value for name, value in encoder.items()}
        _write_json(scratch / "modules.json", _MODULES)
        (scratch / "1_Pooling").mkdir()
        pooling = {
            "word_embedding_dimension": config["hidden_size"],
            "pooling_mode_mean_tokens": True,
        }
        _write_json(scratch / "1_Pooling" / "config.json", pooling)
    if head.labels:
        config["id2label"] = dict(enumerate(head.labels))
        config["label2id"] = {label: index for index, label in enumerate(head.labels)}
    _write_json(scratch / "config.json", config)
    save_file(tensors, scratch / "model.safetensors", metadata={"format": "pt"})
    scratch.rename(directory)
    return directory


def _write_json(file: Path, content: Mapping[str, Any] | list[Any]) -> None:
    file.write_text(json.dumps(content, indent=2), encoding="utf-8")
