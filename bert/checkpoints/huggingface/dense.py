"""The Dense modules of sentence-transformers: a dense layer behind the pooling."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bert.checkpoints.fields import CORRECT, NO_EXPORT, Fields
from bert.checkpoints.tensors.opening import find_weights_file, open_tensors
from bert.config import GELU_ERF, LINEAR, RELU, TANH
from bert.errors import UserError
from bert.tasks import Projection
from bert.variables import projection

_CONFIG_FILE = "config.json"

# torch.nn.modules: the classes by their last name.
_ACTIVATIONS = {"Identity": LINEAR, "Tanh": TANH, "ReLU": RELU, "GELU": GELU_ERF}

# What would make another layer of it.
_REQUIRED = {
    "module_input_name": "sentence_embedding",
    "module_output_name": "sentence_embedding",
    "use_residual": False,
}


@dataclasses.dataclass(frozen=True)
class DenseModule:
    """One module."""

    directory: Path
    projection: Projection
    kernel: np.ndarray
    """float32 [I, O]"""

    bias: np.ndarray
    """float32 [O]"""


def read_dense(directory: Path) -> DenseModule:
    """Reads the configuration and the weights of a module.

    Raises:
      UserError: a file is missing or faulty, or the activation is not built.
    """
    fields = Fields.of_json(directory / _CONFIG_FILE)
    fields.require(_REQUIRED, null=True)
    # Releases before the field was saved had Tanh.
    told = fields.word("activation_function") or "torch.nn.modules.activation.Tanh"
    name = told.rpartition(".")[2]
    if not told.startswith("torch.nn.") or name not in _ACTIVATIONS:
        raise UserError(
            f"{fields.file}: activation_function is {told!r}, where one of torch.nn's "
            f"{', '.join(_ACTIVATIONS)} is expected: {NO_EXPORT}."
        )
    file = find_weights_file(directory)
    if file is None:
        raise UserError(f"{directory} has no weights: copy the whole directory.")
    tensors = open_tensors(file)
    weight = tensors.get("linear.weight")
    if weight is None or len(weight.shape) != 2 or 0 in weight.shape:
        raise UserError(
            f"{file} has no tensor 'linear.weight' of two dimensions: copy the whole directory."
        )
    kernel = np.ascontiguousarray(weight.read().T)
    bias = np.zeros(kernel.shape[1], np.float32)
    if fields.flag("bias") is not False:
        stored = tensors.get("linear.bias")
        if stored is None or stored.shape != bias.shape:
            raise UserError(
                f"{file} has no tensor 'linear.bias' of {len(bias)} numbers: copy the whole "
                "directory."
            )
        bias = stored.read()
    if not (np.isfinite(kernel).all() and np.isfinite(bias).all()):
        raise UserError(f"{file} holds NaN or infinity: {CORRECT}.")
    layer = Projection(kernel.shape[1], _ACTIVATIONS[name])
    return DenseModule(directory, layer, kernel.astype(np.float32), bias.astype(np.float32))


def require_sizes(modules: Sequence[DenseModule], size: int) -> None:
    """Makes sure that each module takes what the one before it gives, the first one `size`.

    Raises:
      UserError: one does not.
    """
    for module in modules:
        if len(module.kernel) != size:
            raise UserError(
                f"{module.directory}: the dense layer takes {len(module.kernel)} numbers, where "
                f"the vectors before it have {size}: give files that belong together."
            )
        size = module.projection.size


def weights_of(modules: Sequence[DenseModule]) -> dict[str, np.ndarray]:
    """The weights of the modules under the names that they have here."""
    return {
        f"{projection(index)}/{name}": value
        for index, module in enumerate(modules)
        for name, value in (("kernel", module.kernel), ("bias", module.bias))
    }
