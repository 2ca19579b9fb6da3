"""Turns a Hugging Face BERT directory into a google-research/bert checkpoint directory.

    python scripts/convert_huggingface.py --model_dir DIR --output_dir DIR

Reads config.json, model.safetensors and vocab.txt; writes bert_model.ckpt, bert_config.json,
vocab.txt and tokenizer_config.json, ready for `python -m bert.run_classifier`.
"""

import argparse
import dataclasses
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ml_dtypes  # noqa: F401 - NumPy learns bfloat16 from it, which tensors may have
import numpy as np
from safetensors import SafetensorError, safe_open

from bert.activations import GELU_ERF, GELU_TANH, RELU, TANH
from bert.config import BertConfig, read_json_object
from bert.errors import UserError
from bert.tensorflow_import import import_tensorflow_quietly
from bert.variables import OUTPUT_BIAS, OUTPUT_WEIGHTS, classifier_shapes, encoder_shapes
from bert.vocabulary import Vocabulary

# transformers, activations.py, ACT2FN
_ACTIVATIONS = {
    "gelu": GELU_ERF,
    "gelu_new": GELU_TANH,
    "gelu_pytorch_tanh": GELU_TANH,
    "relu": RELU,
    "tanh": TANH,
}

# Names end differently: google-research's here, Hugging Face's there, by age of the file.
_ENDINGS = {
    "LayerNorm/gamma": ("LayerNorm.weight", "LayerNorm.gamma"),
    "LayerNorm/beta": ("LayerNorm.bias", "LayerNorm.beta"),
    "kernel": ("weight",),
    "bias": ("bias",),
    "embeddings": ("embeddings.weight",),
}


def main() -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model_dir",
        type=Path,
        required=True,
        help="directory with config.json, model.safetensors and vocab.txt",
    )
    parser.add_argument(
        "--output_dir", type=Path, required=True, help="directory to write; made if not there"
    )
    flags = parser.parse_args()
    try:
        convert(flags.model_dir, flags.output_dir)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def convert(model_dir: Path, output_dir: Path) -> None:
    """Converts one directory into the other and prints what was done.

    Raises:
      UserError: a file or tensor is missing or has another shape than config.json says.
    """
    config = _read_config(model_dir / "config.json")
    vocabulary_file = model_dir / "vocab.txt"
    if not vocabulary_file.is_file():
        raise UserError(f"{vocabulary_file} does not exist: give a directory with that file.")
    vocabulary = Vocabulary.from_file(vocabulary_file)
    with _open(model_dir / "model.safetensors") as tensors:
        weights = _read_weights(tensors, config)

    # Mistakes are told before TensorFlow is imported, which takes seconds.
    import_tensorflow_quietly()
    from bert.checkpoints import google_research, tensorflow_v1
    from bert.checkpoints.text_settings import find_casing

    casing = find_casing(model_dir, vocabulary, None)
    output_dir.mkdir(parents=True, exist_ok=True)
    tensorflow_v1.write_variables(output_dir / "bert_model.ckpt", weights)
    google_research.write_settings(
        output_dir,
        config,
        vocabulary_file.read_bytes(),
        casing.value,
        config.max_position_embeddings,
    )
    print(
        f"{output_dir}: {len(weights)} variables, do_lower_case={casing.value} ({casing.source})."
    )


def _read_config(file: Path) -> BertConfig:
    """The configuration, with the nearest activation that google-research/bert has."""
    fields = read_json_object(file)
    if fields.get("model_type", "bert") != "bert":
        raise UserError(
            f"{file}: model_type is {fields['model_type']!r}, where 'bert' is expected: give a "
            "directory with a BERT model."
        )
    word = fields.get("hidden_act", "gelu")
    if word not in _ACTIVATIONS:
        raise UserError(
            f"{file}: hidden_act is {word!r}, where one of {', '.join(_ACTIVATIONS)} is expected: "
            "google-research/bert cannot run this model."
        )
    known = {field.name for field in dataclasses.fields(BertConfig)} - {"hidden_act"}
    values: dict[str, Any] = {name: value for name, value in fields.items() if name in known}
    try:
        config = BertConfig(hidden_act=_ACTIVATIONS[word], **values)
    except (TypeError, ValueError) as error:
        raise UserError(f"{file}: {error}: correct the file.") from error
    if config.hidden_act == GELU_ERF:
        print(
            "Note: this model was trained with the erf form of GELU, and google-research/bert's "
            "`gelu` is the tanh form; fine-tuning starts from answers that differ slightly."
        )
        config = dataclasses.replace(config, hidden_act=GELU_TANH)
    return config


@contextmanager
def _open(file: Path) -> Iterator[Any]:
    try:
        with safe_open(file, framework="np") as tensors:
            yield tensors
    except FileNotFoundError as error:
        raise UserError(f"{file} does not exist: give a directory with that file.") from error
    except (SafetensorError, OSError) as error:
        raise UserError(f"{file} cannot be read ({error}): copy it again.") from error


def _read_weights(tensors: Any, config: BertConfig) -> Mapping[str, np.ndarray]:
    """Every variable of the encoder, and of a classifier where there is one."""
    names = set(tensors.keys())
    shapes = encoder_shapes(config)
    if "classifier.weight" in names:
        num_labels = tensors.get_slice("classifier.weight").get_shape()[0]
        shapes |= classifier_shapes(config, num_labels)
    weights = {}
    for variable, shape in shapes.items():
        candidates = _huggingface_names(variable)
        name = next((name for name in candidates if name in names), None)
        if name is None:
            raise UserError(
                f"model.safetensors has no tensor {candidates[0]!r}: give the directory of a "
                "whole BERT model, pooler included."
            )
        value = tensors.get_tensor(name).astype(np.float32)
        if variable.endswith("kernel"):
            value = value.T  # PyTorch keeps [outputs, inputs]
        if value.shape != shape:
            raise UserError(
                f"model.safetensors: tensor {name!r} has shape {list(value.shape)}, where "
                f"config.json says {list(shape)}: give files that belong together."
            )
        weights[variable] = np.ascontiguousarray(value)
    return weights


def _huggingface_names(variable: str) -> list[str]:
    """The names that Hugging Face may have given a variable, the commonest first."""
    if variable in (OUTPUT_WEIGHTS, OUTPUT_BIAS):
        return ["classifier.weight" if variable == OUTPUT_WEIGHTS else "classifier.bias"]
    path = variable.removeprefix("bert/").replace("layer_", "layer/")
    ending = next(ending for ending in _ENDINGS if path.endswith(ending))
    stem = path.removesuffix(ending).replace("/", ".")
    return [prefix + stem + own for prefix in ("bert.", "") for own in _ENDINGS[ending]]


if __name__ == "__main__":
    sys.exit(main())
