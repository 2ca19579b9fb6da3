"""The models that are timed, as Hugging Face directories: one set of weights for everybody."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from bert.checkpoints.huggingface.config import read_huggingface_config
from bert.checkpoints.huggingface.weights import HuggingFaceWeights
from bert.checkpoints.tensors.stored_tensor import StoredTensor
from bert.variables import OUTPUT_BIAS, OUTPUT_WEIGHTS, RELATIVE_ATTENTION_BIAS, encoder_shapes
from tests.programs.benchmarks.inference.scratch import empty_scratch

BERT_BASE = "bert-base"
MINILM = "minilm"
DISTILBERT = "distilbert"
MPNET = "mpnet"
MODELS = (BERT_BASE, MINILM, DISTILBERT, MPNET)

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


@dataclasses.dataclass(frozen=True)
class _Shape:
    """What config.json says of a model with random weights in the shape of a known one."""

    fields: Mapping[str, Any]
    special_tokens: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """those of the tokenizer, by role, where they are not BERT's"""

    def tokens(self, of_bert: Sequence[str]) -> list[str]:
        """The vocabulary: BERT's, with the special tokens around it."""
        before = ["<s>", "<pad>", "</s>", "<unk>"] if self.special_tokens else []
        return [*before, *of_bert, *(["<mask>"] if before else [])]


_SHAPES = {
    BERT_BASE: _Shape(
        {
            "model_type": "bert",
            "architectures": ["BertForSequenceClassification"],
            **_BERT_BASE_SIZES,
        }
    ),
    DISTILBERT: _Shape(
        {
            "model_type": "distilbert",
            "architectures": ["DistilBertForSequenceClassification"],
            "dim": 768,
            "hidden_dim": 3072,
            "n_heads": 12,
            "n_layers": 6,
        }
    ),
    MPNET: _Shape(
        {
            "model_type": "mpnet",
            "architectures": ["MPNetForSequenceClassification"],
            "layer_norm_eps": 1e-5,
            "max_position_embeddings": MAX_SEQ_LENGTH + 2,
            **_BERT_BASE_SIZES,
        },
        {"cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>", "mask_token": "<mask>"},
    ),
}


def write_checkpoint(model: str, minilm: Path, directory: Path) -> Path:
    """Writes a classifier of two labels unless it is there.

    Args:
      model: one of MODELS: random weights in the shape of bert-base-uncased,
        distilbert-base-uncased or mpnet-base, or MINILM, the real encoder. All have the words of
        the real vocabulary.
      minilm: the directory that scripts/fetch_minilm made.
      directory: where it goes; it appears whole or not at all.

    Returns:
      `directory`.
    """
    if directory.is_dir():
        return directory
    scratch = empty_scratch(directory)
    shape = _SHAPES.get(model, _SHAPES[BERT_BASE])
    tokens = shape.tokens((minilm / "vocab.txt").read_text(encoding="utf-8").splitlines())
    config = {"max_position_embeddings": MAX_SEQ_LENGTH, **shape.fields}
    if model == MINILM:
        config = json.loads((minilm / "config.json").read_text(encoding="utf-8"))
        config["architectures"] = shape.fields["architectures"]
    config |= {"torch_dtype": "float32", "vocab_size": len(tokens)}
    (scratch / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    generator = np.random.default_rng(_SEED)
    tensors = _random_model(scratch / "config.json", generator)
    if model == MINILM:
        stored = load_file(minilm / "model.safetensors")
        tensors |= {
            f"bert.{name}": value for name, value in stored.items() if "position_ids" not in name
        }
    save_file(tensors, scratch / "model.safetensors", metadata={"format": "pt"})
    vocabulary = "".join(f"{token}\n" for token in tokens)
    (scratch / "vocab.txt").write_text(vocabulary, encoding="utf-8")
    settings = {
        "do_lower_case": True,
        "model_max_length": MAX_SEQ_LENGTH,
        "tokenizer_class": "MPNetTokenizer" if shape.special_tokens else "BertTokenizer",
        **shape.special_tokens,
    }
    (scratch / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    scratch.rename(directory)
    return directory


def _random_model(config_file: Path, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """A model of transformers in float32, under its names, all biases and betas 0."""
    config = read_huggingface_config(config_file)
    prefix = config.architecture.prefix
    # One tensor with the prefix says that the encoder is part of a model with a head.
    of_head = StoredTensor(config_file, (), "F32", True, lambda: np.zeros(()))
    names = HuggingFaceWeights(config_file, {f"{prefix}head": of_head}, config.architecture)
    tensors = {}
    for variable, shape in encoder_shapes(config.bert).items():
        if variable.endswith("gamma"):
            value = np.ones(shape, np.float32)
        elif variable.endswith(("beta", "bias")) and variable != RELATIVE_ATTENTION_BIAS:
            value = np.zeros(shape, np.float32)
        else:
            stored = shape[::-1] if variable.endswith("kernel") else shape
            value = _normal(generator, stored)
        tensors[names.name(variable)] = value
    shape = (NUM_LABELS, config.bert.hidden_size)
    weights = _normal(generator, shape, _CLASSIFIER_STANDARD_DEVIATION)
    tensors[names.name(OUTPUT_WEIGHTS)] = weights
    tensors[names.name(OUTPUT_BIAS)] = np.zeros(NUM_LABELS, np.float32)
    return tensors


def _normal(
    generator: np.random.Generator, shape: tuple[int, ...], scale: float = _STANDARD_DEVIATION
) -> np.ndarray:
    return scale * generator.standard_normal(shape, np.float32)
