"""The models that are timed, as Hugging Face directories: one set of weights for everybody."""

import json
import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

BERT_BASE = "bert-base"
MINILM = "minilm"
MODELS = (BERT_BASE, MINILM)

NUM_LABELS = 2
MAX_SEQ_LENGTH = 512

# Wide enough that an answer depends on the whole text: with BERT's own 0.02 all texts get
# nearly the same probabilities, and comparing them would prove little.
_STANDARD_DEVIATION = 0.03
_CLASSIFIER_STANDARD_DEVIATION = 0.1
_SEED = 20

_BERT_BASE_SIZES = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
}


def write_checkpoint(model: str, minilm: Path, directory: Path) -> Path:
    """Writes a classifier of two labels unless it is there.

    Args:
      model: BERT_BASE, random weights in the shape of bert-base-uncased, or MINILM, the real
        encoder; both have the real vocabulary.
      minilm: the directory that scripts/fetch_minilm made.
      directory: where it goes; it appears whole or not at all.

    Returns:
      `directory`.
    """
    if directory.is_dir():
        return directory
    scratch = directory.with_name(f"{directory.name}.part")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    config = json.loads((minilm / "config.json").read_text(encoding="utf-8"))
    config |= {"architectures": ["BertForSequenceClassification"], "torch_dtype": "float32"}
    config |= _BERT_BASE_SIZES if model == BERT_BASE else {}
    generator = np.random.default_rng(_SEED)
    if model == BERT_BASE:
        tensors = _random_encoder(config, generator)
    else:
        stored = load_file(minilm / "model.safetensors")
        tensors = {
            f"bert.{name}": value for name, value in stored.items() if "position_ids" not in name
        }
    shape = (NUM_LABELS, config["hidden_size"])
    tensors["classifier.weight"] = _normal(generator, shape, _CLASSIFIER_STANDARD_DEVIATION)
    tensors["classifier.bias"] = np.zeros(NUM_LABELS, np.float32)
    save_file(tensors, scratch / "model.safetensors", metadata={"format": "pt"})
    (scratch / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    shutil.copy(minilm / "vocab.txt", scratch)
    settings = {
        "do_lower_case": True,
        "model_max_length": MAX_SEQ_LENGTH,
        "tokenizer_class": "BertTokenizer",
    }
    (scratch / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    scratch.rename(directory)
    return directory


def _random_encoder(config: dict, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """transformers' BertModel in float32, under its names, all biases and betas 0."""
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    tensors = {}

    def dense(name: str, inputs: int, outputs: int) -> None:
        tensors[f"bert.{name}.weight"] = _normal(generator, (outputs, inputs))
        tensors[f"bert.{name}.bias"] = np.zeros(outputs, np.float32)

    def layer_norm(name: str) -> None:
        tensors[f"bert.{name}.LayerNorm.weight"] = np.ones(hidden, np.float32)
        tensors[f"bert.{name}.LayerNorm.bias"] = np.zeros(hidden, np.float32)

    for table, rows in (
        ("word_embeddings", config["vocab_size"]),
        ("position_embeddings", config["max_position_embeddings"]),
        ("token_type_embeddings", config["type_vocab_size"]),
    ):
        tensors[f"bert.embeddings.{table}.weight"] = _normal(generator, (rows, hidden))
    layer_norm("embeddings")
    for index in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{index}"
        for projection in ("query", "key", "value"):
            dense(f"{layer}.attention.self.{projection}", hidden, hidden)
        dense(f"{layer}.attention.output.dense", hidden, hidden)
        layer_norm(f"{layer}.attention.output")
        dense(f"{layer}.intermediate.dense", hidden, inner)
        dense(f"{layer}.output.dense", inner, hidden)
        layer_norm(f"{layer}.output")
    dense("pooler.dense", hidden, hidden)
    return tensors


def _normal(
    generator: np.random.Generator, shape: tuple[int, ...], scale: float = _STANDARD_DEVIATION
) -> np.ndarray:
    return scale * generator.standard_normal(shape, np.float32)
