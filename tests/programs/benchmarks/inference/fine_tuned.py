"""A fine-tuned classifier as a transformers directory, which every contestant can load."""

import json
import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from bert.checkpoints import ReadOptions, read
from bert.checkpoints.huggingface.config import read_huggingface_config
from bert.checkpoints.huggingface.weights import HuggingFaceWeights
from bert.checkpoints.tensors.stored_tensor import StoredTensor
from bert.config import GELU_ERF, GELU_TANH

_ACTIVATIONS = {GELU_ERF: "gelu", GELU_TANH: "gelu_new"}


def write_transformers_directory(output_dir: Path, directory: Path) -> Path:
    """Writes what `run_classifier` left in its output directory under the names of transformers.

    Returns:
      `directory`.
    """
    model = read(output_dir, ReadOptions())
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    # The two have one set of names for the fields of a shape.
    fields = json.loads((output_dir / "bert_config.json").read_text(encoding="utf-8"))
    fields |= {
        "model_type": "bert",
        "architectures": ["BertForSequenceClassification"],
        "hidden_act": _ACTIVATIONS[model.config.hidden_act],
        "num_labels": len(model.weights["output_bias"]),
    }
    config_file = directory / "config.json"
    config_file.write_text(json.dumps(fields, indent=2), encoding="utf-8")
    config = read_huggingface_config(config_file)
    # One tensor with the prefix says that the encoder is part of a model with a head.
    of_head = StoredTensor(config_file, (), "F32", True, lambda: np.zeros(()))
    head = {f"{config.architecture.prefix}head": of_head}
    names = HuggingFaceWeights(config_file, head, config.architecture)
    tensors = {
        names.name(variable): np.ascontiguousarray(
            values.T if variable.endswith("kernel") else values
        )
        for variable, values in model.weights.items()
    }
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})
    for name in ("vocab.txt", "tokenizer_config.json"):
        shutil.copy(output_dir / name, directory)
    return directory
