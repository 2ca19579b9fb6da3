"""The weights that training starts from: random ones, or a classifier's of an earlier training."""

import zlib
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from bert.checkpoints.registry import Checkpoint
from bert.checkpoints.tensorflow.files import StoredVariables
from bert.config import BertConfig
from bert.errors import advising
from bert.variables import POOLER, classifier_shapes, encoder_shapes

# run_classifier.py, create_model: truncated_normal_initializer(stddev=0.02), whatever the
# configuration's initializer_range.
_CLASSIFIER_STDDEV = 0.02


def random_encoder(config: BertConfig, seed: int) -> dict[str, np.ndarray]:
    """Encoder weights as `modeling.py` initialises them, float32 by variable name."""
    return _random(encoder_shapes(config), config.initializer_range, seed)


def with_pooler(
    config: BertConfig, encoder: Mapping[str, np.ndarray], seed: int
) -> dict[str, np.ndarray]:
    """The weights of an encoder, with a random pooler where it has none."""
    shapes = encoder_shapes(config).items()
    pooler = {name: shape for name, shape in shapes if name.startswith(POOLER)}
    return {**_random(pooler, config.initializer_range, seed), **encoder}


def random_classifier(
    config: BertConfig, num_labels: int, seed: int, scope: str = ""
) -> dict[str, np.ndarray]:
    """Classifier weights as `create_model` initialises them, float32 by variable name."""
    return _random(_head_shapes(config, num_labels, scope), _CLASSIFIER_STDDEV, seed)


def holds_classifier(
    checkpoint: Checkpoint, config: BertConfig, num_labels: int, scope: str = ""
) -> bool:
    """Whether training may go on from a checkpoint's classifier, one of `num_labels` classes.

    Raises:
      UserError: the checkpoint cannot be read.
    """
    if not checkpoint.kind.has_trained_classifier:
        return False
    found = StoredVariables(checkpoint.place.weights, checkpoint.flag).shapes
    expected = _head_shapes(config, num_labels, scope)
    return all(found.get(name) == shape for name, shape in expected.items())


def read_classifier(
    checkpoint: Checkpoint, config: BertConfig, num_labels: int, scope: str = ""
) -> Mapping[str, np.ndarray]:
    """The classifier weights of a checkpoint that training wrote: float32 by variable name.

    Raises:
      UserError: a variable is missing, of another shape, or cannot be read.
    """
    stored = StoredVariables(checkpoint.place.weights, checkpoint.flag)
    with advising("give a checkpoint that run_classifier wrote for this task"):
        return stored.read(_head_shapes(config, num_labels, scope))


def _head_shapes(config: BertConfig, num_labels: int, scope: str) -> dict[str, tuple[int, ...]]:
    shapes = classifier_shapes(config, num_labels)
    return {f"{scope}{name}": shape for name, shape in shapes.items()}


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
