"""Small directories as Model Garden's trainer writes them, with random weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import yaml

from bert.config import BertConfig
from bert.variables import EMBEDDINGS, POOLER, layer
from tests.tiny_model import LABELS, random_weights, tiny_config, tiny_tokens

TOKENS = tiny_tokens()
CONFIG = tiny_config(len(TOKENS))
LENGTH = 24

_DATA = {
    "text_fields": ["text"],
    "tokenization": "WordPiece",
    "vocab_file": "/training/vocab.txt",
    "lower_case": True,
    "seq_length": LENGTH,
}

Tree = dict[str, Any]


def variables(num_labels: int = len(LABELS), config: BertConfig = CONFIG) -> dict[str, np.ndarray]:
    """Random weights under google-research/bert's names, with a classifier."""
    return random_weights(config, num_labels)


def encoder_tree(
    weights: Mapping[str, np.ndarray], config: BertConfig = CONFIG, version: int = 1
) -> Tree:
    """The attributes of BertEncoder (1) or BertEncoderV2 (2), down to arrays."""
    heads = (config.num_attention_heads, config.size_per_head)
    width = config.hidden_size

    def dense(scope: str, kernel: tuple[int, ...] = (-1,), bias: tuple[int, ...] = (-1,)) -> Tree:
        own = weights[f"{scope}/kernel"]
        return {
            "kernel": own if kernel == (-1,) else own.reshape(kernel),
            "bias": weights[f"{scope}/bias"].reshape(bias),
        }

    def norm(scope: str) -> Tree:
        return {name: weights[f"{scope}/LayerNorm/{name}"] for name in ("gamma", "beta")}

    def block(index: int) -> Tree:
        scope = layer(index)
        own = f"{scope}/attention/self"
        return {
            "_attention_layer": {
                "_query_dense": dense(f"{own}/query", (width, *heads), heads),
                "_key_dense": dense(f"{own}/key", (width, *heads), heads),
                "_value_dense": dense(f"{own}/value", (width, *heads), heads),
                "_output_dense": dense(f"{scope}/attention/output/dense", (*heads, width)),
            },
            "_attention_layer_norm": norm(f"{scope}/attention/output"),
            "_intermediate_dense": dense(f"{scope}/intermediate/dense"),
            "_output_dense": dense(f"{scope}/output/dense"),
            "_output_layer_norm": norm(f"{scope}/output"),
        }

    words, positions, types = (
        {"embeddings": weights[f"{EMBEDDINGS}/{name}_embeddings"]}
        for name in ("word", "position", "token_type")
    )
    blocks = [block(index) for index in range(config.num_hidden_layers)]
    if version == 2:
        return {
            "_embedding_layer": words,
            "_position_embedding_layer": positions,
            "_type_embedding_layer": types,
            "_embedding_norm_layer": norm(EMBEDDINGS),
            "_transformer_layers": {str(index): part for index, part in enumerate(blocks)},
            "_pooler_layer": dense(POOLER),
        }
    parts = [words, positions, types, norm(EMBEDDINGS), *blocks, dense(POOLER)]
    return {f"layer_with_weights-{index}": part for index, part in enumerate(parts)}


def head_tree(weights: Mapping[str, np.ndarray], has_pooler: bool = True) -> Tree:
    """The attributes of ClassificationHead."""
    out = {"kernel": weights["output_weights"].T, "bias": weights["output_bias"]}
    dense = {name: weights[f"{POOLER}/{name}"] for name in ("kernel", "bias")}
    return {"dense": dense, "out_proj": out} if has_pooler else {"out_proj": out}


def classifier_tree(
    weights: Mapping[str, np.ndarray], version: int = 1, has_pooler: bool = True
) -> Tree:
    """The attributes of BertClassifier; the pooler that does not count holds other numbers."""
    encoder = dict(weights)
    if has_pooler:
        encoder |= {name: weights[name] + 1 for name in (f"{POOLER}/kernel", f"{POOLER}/bias")}
    return {
        "layer_with_weights-0": encoder_tree(encoder, version=version),
        "layer_with_weights-1": head_tree(weights, has_pooler),
    }


def parameters(**changes: Any) -> Tree:
    """params.yaml of CONFIG; `changes` replace fields of the encoder, the model or the data."""
    encoder = {
        "vocab_size": CONFIG.vocab_size,
        "hidden_size": CONFIG.hidden_size,
        "num_layers": CONFIG.num_hidden_layers,
        "num_attention_heads": CONFIG.num_attention_heads,
        "intermediate_size": CONFIG.intermediate_size,
        "max_position_embeddings": CONFIG.max_position_embeddings,
        "type_vocab_size": CONFIG.type_vocab_size,
        "hidden_activation": "gelu",
        "embedding_size": None,
        "norm_first": False,
    }
    model: dict[str, Any] = {"num_classes": len(LABELS), "use_encoder_pooler": False}
    data = dict(_DATA)
    kind = changes.pop("type", "bert")
    for name, value in changes.items():
        places = [part for part in (encoder, model, data) if name in part]
        (places[0] if places else data)[name] = value
    model["encoder"] = {"type": kind, kind: encoder}
    return {"runtime": {"num_gpus": 0}, "task": {"model": model, "train_data": data}}


def write_directory(
    directory: Path,
    model: Tree | None = None,
    content: Tree | None = None,
    **beside: Any,
) -> Path:
    """Writes ckpt-N, params.yaml and vocab.txt.

    Args:
      model: what is saved as `model`, a classifier if None.
      content: of params.yaml, {} for none.
      beside: what else is saved.
    """
    directory.mkdir(parents=True, exist_ok=True)
    saved = {"model": classifier_tree(variables()) if model is None else model, **beside}
    write_checkpoint(directory, **saved)
    content = parameters() if content is None else content
    if content:
        (directory / "params.yaml").write_text(yaml.safe_dump(content))
    (directory / "vocab.txt").write_text("".join(f"{token}\n" for token in TOKENS))
    return directory


def write_checkpoint(directory: Path, **saved: Any) -> Path:
    """Writes ckpt-1 and `checkpoint`; the prefix."""
    return Path(
        tf.train.Checkpoint(**{n: tracked(v) for n, v in saved.items()}).save(
            str(directory / "ckpt")
        )
    )


def tracked(value: Any) -> Any:
    """Objects and variables for mappings and arrays; other values as they are."""
    if isinstance(value, dict):
        return tf.train.Checkpoint(**{name: tracked(part) for name, part in value.items()})
    return tf.Variable(value) if isinstance(value, np.ndarray) else value
