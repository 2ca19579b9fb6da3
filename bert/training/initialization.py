"""The weights that training starts from: a pre-trained checkpoint's, or random ones.

A model of Hugging Face, sentence-transformers or Model Garden stands for its encoder; the
checkpoint of the first two is the file of the weights. A classifier of theirs is not taken:
another tokenizer was before it, or another GELU.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tensorflow as tf

from bert.checkpoints.huggingface import sentence_transformers
from bert.checkpoints.huggingface.weights import HuggingFaceWeights
from bert.checkpoints.model_garden import reading as model_garden
from bert.checkpoints.model_garden.weights import ModelGardenWeights
from bert.checkpoints.tensorflow import files as tensorflow_files
from bert.checkpoints.tensors.opening import find_weights_file, open_tensors
from bert.config import BertConfig
from bert.errors import UserError
from bert.variables import classifier_shapes, encoder_shapes

# run_classifier.py, create_model: truncated_normal_initializer(stddev=0.02), whatever the
# configuration's initializer_range.
_CLASSIFIER_STDDEV = 0.02


def random_encoder(config: BertConfig, seed: int) -> dict[str, np.ndarray]:
    """Encoder weights as `modeling.py` initialises them, float32 by variable name."""
    return _random(encoder_shapes(config), config.initializer_range, seed)


def random_classifier(config: BertConfig, num_labels: int, seed: int) -> dict[str, np.ndarray]:
    """Classifier weights as `create_model` initialises them, float32 by variable name."""
    return _random(classifier_shapes(config, num_labels), _CLASSIFIER_STDDEV, seed)


def find_checkpoint(path: Path) -> Path:
    """The prefix of the checkpoint that --init_checkpoint, a prefix or directory, stands for.

    Of a Hugging Face directory, the file of its weights.

    Raises:
      UserError: there is none, or several.
    """
    is_sentence_transformers = sentence_transformers.sign(path) is not None
    weights_file = find_weights_file(
        sentence_transformers.find_transformer(path) if is_sentence_transformers else path
    )
    if weights_file is not None and tensorflow_files.holds_checkpoint(path):
        raise UserError(
            f"--init_checkpoint {path} holds a TensorFlow checkpoint and {weights_file.name}: give "
            "a directory with one of them, or the checkpoint's prefix."
        )
    if weights_file is not None:
        return weights_file
    if not tensorflow_files.holds_checkpoint(path):
        raise UserError(
            f"--init_checkpoint {path} does not exist: give a checkpoint's prefix, such as "
            "DIR/bert_model.ckpt, or the directory that holds it, or one of Hugging Face or "
            "sentence-transformers."
        )
    with blaming("--init_checkpoint"):
        return tensorflow_files.find_prefix(path)


def settings_directory(prefix: Path) -> Path:
    """The directory of configuration and vocabulary of a checkpoint."""
    return model_garden.find_directory(prefix) if _is_model_garden(prefix) else prefix.parent


def holds_classifier(prefix: Path, config: BertConfig, num_labels: int, flag: str) -> bool:
    """Whether a checkpoint, given by `flag`, has a classifier of `num_labels` classes.

    Raises:
      UserError: the checkpoint cannot be read.
    """
    if _is_huggingface(prefix) or _is_model_garden(prefix):
        return False
    with blaming(flag):
        found = tensorflow_files.shapes(prefix)
    expected = classifier_shapes(config, num_labels)
    return all(found.get(name) == shape for name, shape in expected.items())


def read_encoder(prefix: Path, config: BertConfig, flag: str) -> dict[str, np.ndarray]:
    """The encoder weights of a checkpoint, given by `flag`: float32 by variable name.

    Raises:
      UserError: a variable is missing, of another shape, or cannot be read.
    """
    if _is_huggingface(prefix):
        return HuggingFaceWeights(prefix, open_tensors(prefix)).read(encoder_shapes(config))
    with blaming(flag):
        if _is_model_garden(prefix):
            return ModelGardenWeights(prefix).read(config, 0, "--bert_config_file")
        return tensorflow_files.read_variables(
            prefix,
            encoder_shapes(config),
            "give the bert_config.json of this checkpoint (--bert_config_file).",
        )


def read_classifier(
    prefix: Path, config: BertConfig, num_labels: int, flag: str
) -> dict[str, np.ndarray]:
    """The classifier weights of a checkpoint, given by `flag`: float32 by variable name.

    Raises:
      UserError: a variable is missing, of another shape, or cannot be read.
    """
    with blaming(flag):
        return tensorflow_files.read_variables(
            prefix,
            classifier_shapes(config, num_labels),
            "give a checkpoint that run_classifier wrote for this task.",
        )


@contextmanager
def blaming(flag: str) -> Iterator[None]:
    """Makes errors name `flag`: to those who read checkpoints they are all --checkpoint."""
    try:
        yield
    except UserError as error:
        raise UserError(str(error).replace("--checkpoint", flag)) from error


def _is_huggingface(prefix: Path) -> bool:
    return find_weights_file(prefix.parent) == prefix


def _is_model_garden(prefix: Path) -> bool:
    return model_garden.sign(prefix) is not None


def _random(shapes: dict[str, tuple[int, ...]], stddev: float, seed: int) -> dict[str, np.ndarray]:
    """Kernels and tables truncated normal, biases 0, layer norms the identity."""
    weights = {}
    for name, shape in shapes.items():
        if name.endswith("gamma"):
            weights[name] = np.ones(shape, np.float32)
        elif name.endswith(("beta", "bias")):
            weights[name] = np.zeros(shape, np.float32)
        else:
            # The name is hashed into the seed: variables of equal shape must differ.
            own_seed = [seed, zlib.crc32(name.encode())]
            normal = tf.random.stateless_truncated_normal(shape, own_seed, stddev=stddev)
            weights[name] = normal.numpy()
    return weights
