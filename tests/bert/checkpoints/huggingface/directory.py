"""Small directories as transformers and sentence-transformers write them, with random weights."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from bert.config import BertConfig
from tests.tiny_model import random_weights, tiny_config, tiny_tokens

TOKENS = tiny_tokens()
CONFIG = tiny_config(len(TOKENS), hidden_act="gelu_erf")
FIELDS = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "hidden_size": CONFIG.hidden_size,
    "intermediate_size": CONFIG.intermediate_size,
    "max_position_embeddings": CONFIG.max_position_embeddings,
    "num_attention_heads": CONFIG.num_attention_heads,
    "num_hidden_layers": CONFIG.num_hidden_layers,
    "type_vocab_size": CONFIG.type_vocab_size,
    "vocab_size": CONFIG.vocab_size,
}
SEQUENCE_CLASSIFICATION = "BertForSequenceClassification"

# transformers, modeling_bert.py: the module of each scope of google-research/bert.
_MODULES = {"embeddings": "embeddings", "pooler/dense": "pooler.dense"} | {
    f"encoder/layer_{layer}/{scope}": f"encoder.layer.{layer}.{module}"
    for layer in range(CONFIG.num_hidden_layers)
    for scope, module in (
        ("attention/self/query", "attention.self.query"),
        ("attention/self/key", "attention.self.key"),
        ("attention/self/value", "attention.self.value"),
        ("attention/output/dense", "attention.output.dense"),
        ("attention/output", "attention.output"),
        ("intermediate/dense", "intermediate.dense"),
        ("output/dense", "output.dense"),
        ("output", "output"),
    )
}
_PARAMETERS = {
    "kernel": "weight",
    "bias": "bias",
    "LayerNorm/gamma": "LayerNorm.weight",
    "LayerNorm/beta": "LayerNorm.bias",
    "word_embeddings": "word_embeddings.weight",
    "token_type_embeddings": "token_type_embeddings.weight",
    "position_embeddings": "position_embeddings.weight",
}


def variables(num_labels: int = 3, config: BertConfig = CONFIG) -> dict[str, np.ndarray]:
    """Random weights under google-research/bert's names, with a classifier."""
    return random_weights(config, num_labels)


def tensors(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same under the names and in the layout of BertForSequenceClassification."""
    renamed = {
        "classifier.weight": weights["output_weights"],
        "classifier.bias": weights["output_bias"],
    }
    for scope, module in _MODULES.items():
        for variable, parameter in _PARAMETERS.items():
            value = weights.get(f"bert/{scope}/{variable}")
            if value is not None:
                renamed[f"bert.{module}.{parameter}"] = (
                    np.ascontiguousarray(value.T) if variable == "kernel" else value
                )
    assert len(renamed) == len(weights)
    return renamed


def of_encoder(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The tensors of BertModel: without the classifier and the prefix."""
    return {
        name.removeprefix("bert."): value
        for name, value in tensors(weights).items()
        if name.startswith("bert.")
    }


def write_directory(
    directory: Path,
    values: Mapping[str, np.ndarray] | None = None,
    architecture: str | None = SEQUENCE_CLASSIFICATION,
    tokens: Sequence[str] = TOKENS,
    **changes: Any,
) -> Path:
    """config.json with `changes`, model.safetensors and the files of the tokenizer."""
    directory.mkdir(parents=True)
    fields = {**FIELDS, "architectures": [architecture] if architecture else None, **changes}
    (directory / "config.json").write_text(json.dumps(fields))
    save_file(
        tensors(variables()) if values is None else dict(values), directory / "model.safetensors"
    )
    (directory / "vocab.txt").write_text("".join(f"{token}\n" for token in tokens))
    settings = {"do_lower_case": True, "model_max_length": 32, "tokenizer_class": "BertTokenizer"}
    (directory / "tokenizer_config.json").write_text(json.dumps(settings))
    return directory


def write_sharded(directory: Path, shards: int = 3) -> Path:
    """The same with the tensors spread over files, and the index of them."""
    write_directory(directory)
    (directory / "model.safetensors").unlink()
    values = tensors(variables())
    weight_map: dict[str, str] = {}
    for shard in range(shards):
        name = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        part = dict([*values.items()][shard::shards])
        save_file(part, directory / name)
        weight_map |= dict.fromkeys(part, name)
    index = {"metadata": {"total_size": 0}, "weight_map": weight_map}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index))
    return directory


def write_sentence_transformer(
    directory: Path,
    pooling: Mapping[str, Any],
    normalize: bool = True,
    transformer_path: str = "",
    types: Sequence[str] = (
        "sentence_transformers.models.Transformer",
        "sentence_transformers.models.Pooling",
        "sentence_transformers.models.Normalize",
    ),
    sentence_config: Mapping[str, Any] | None = None,
) -> Path:
    """modules.json and what it names."""
    paths = [transformer_path, "1_Pooling", "2_Normalize"][: 3 if normalize else 2]
    modules = [
        {"idx": index, "name": str(index), "path": path, "type": types[index]}
        for index, path in enumerate(paths)
    ]
    write_directory(directory / transformer_path, of_encoder(variables()), "BertModel")
    (directory / "modules.json").write_text(json.dumps(modules))
    (directory / "1_Pooling").mkdir()
    (directory / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    settings = {"max_seq_length": 24, "do_lower_case": False}
    (directory / transformer_path / "sentence_bert_config.json").write_text(
        json.dumps(settings if sentence_config is None else sentence_config)
    )
    return directory
