"""Tiny masked language models on disk, as transformers and google-research/bert write them."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bert.checkpoints import google_research
from bert.checkpoints.tensorflow import files as tensorflow_files
from bert.config import BertConfig
from bert.variables import encoder_shapes, masked_word_shapes
from tests.bert.checkpoints.huggingface.directory import CONFIG, TOKENS, tensors, write_directory

# transformers, modeling_bert.py, BertLMPredictionHead.
_HEAD = {
    "cls/predictions/transform/dense/kernel": "cls.predictions.transform.dense.weight",
    "cls/predictions/transform/dense/bias": "cls.predictions.transform.dense.bias",
    "cls/predictions/transform/LayerNorm/gamma": "cls.predictions.transform.LayerNorm.weight",
    "cls/predictions/transform/LayerNorm/beta": "cls.predictions.transform.LayerNorm.bias",
    "cls/predictions/output_bias": "cls.predictions.bias",
}


def word_variables(config: BertConfig = CONFIG, seed: int = 0) -> dict[str, np.ndarray]:
    """Random weights under google-research/bert's names."""
    generator = np.random.default_rng(seed)
    weights = {}
    for name, shape in (encoder_shapes(config) | masked_word_shapes(config)).items():
        values = generator.normal(scale=0.5, size=shape)
        weights[name] = (values + name.endswith("gamma")).astype(np.float32)
    return weights


def word_tensors(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same under the names and in the layout of BertForMaskedLM, which has no pooler."""
    encoder = {name: value for name, value in weights.items() if name not in _HEAD}
    encoder |= {name: np.zeros(1, np.float32) for name in ("output_weights", "output_bias")}
    renamed = {
        name: value
        for name, value in tensors(encoder).items()
        if name.startswith("bert.") and "pooler" not in name
    }
    for variable, name in _HEAD.items():
        value = weights[variable]
        renamed[name] = np.ascontiguousarray(value.T) if variable.endswith("kernel") else value
    return renamed


def write_masked_words(directory: Path, **changes: Any) -> Path:
    """A BertForMaskedLM."""
    return write_directory(directory, word_tensors(word_variables()), "BertForMaskedLM", **changes)


def write_pre_trained(directory: Path) -> Path:
    """What run_pretraining.py wrote, the head for the next sentence included."""
    config = dataclasses.replace(CONFIG, hidden_act="gelu_tanh")
    directory.mkdir(parents=True)
    others = {
        "cls/seq_relationship/output_weights": np.zeros([2, config.hidden_size], np.float32),
        "cls/seq_relationship/output_bias": np.zeros([2], np.float32),
        "global_step": np.array(7),
    }
    prefix = directory / "bert_model.ckpt"
    tensorflow_files.write_variables(prefix, {**word_variables(config), **others})
    google_research.write_settings(
        directory, config, "".join(f"{token}\n" for token in TOKENS).encode(), True, 32
    )
    return prefix
