"""Opens pytorch_model.bin where PyTorch is installed; a pickle, of which only tensors are read."""

import pickle
import re
import warnings
from pathlib import Path

from bert.checkpoints.tensors.stored_tensor import StoredTensor
from bert.errors import UserError

# In what PyTorch says of a pickle that it refuses.
_NAMED_CODE = re.compile(r"GLOBAL (\S+)")

_FLOATS = frozenset(("torch.bfloat16", "torch.float16", "torch.float32", "torch.float64"))


def open_tensors(file: Path) -> dict[str, StoredTensor]:
    """Every tensor of a file, by name; what else the pickle holds is not run.

    Raises:
      UserError: PyTorch is not installed, or the file is damaged or holds more than tensors.
    """
    try:
        import torch
    except ImportError as error:
        raise UserError(
            f"{file} is a file of PyTorch, which is not installed here: save it as safetensors "
            f"where it is, with `{_conversion(file)}`."
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Without weights_only a pickle runs whatever code it names.
            state = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = _NAMED_CODE.search(str(error))
        raise UserError(
            f"{file} holds more than tensors{f', it names {named[1]}' if named else ''}, and was "
            "not opened, since such a file can run code: save the model as safetensors."
        ) from error
    except (OSError, RuntimeError, ValueError, EOFError, KeyError) as error:
        raise UserError(
            f"{file} cannot be read, it is truncated or damaged: copy it again."
        ) from error
    if not isinstance(state, dict) or not all(torch.is_tensor(value) for value in state.values()):
        raise UserError(
            f"{file} holds a {type(state).__name__}, where tensors by name are expected: give the "
            "directory that save_pretrained wrote."
        )
    return {name: _stored(file, value) for name, value in state.items()}


def _stored(file: Path, tensor: "torch.Tensor") -> StoredTensor:  # type: ignore[name-defined]  # noqa: F821
    dtype = str(tensor.dtype)
    return StoredTensor(
        file, tuple(tensor.shape), dtype, dtype in _FLOATS, lambda: tensor.float().numpy()
    )


def _conversion(file: Path) -> str:
    directory = file.parent
    return (
        'python -c "import transformers; '
        f"m = transformers.AutoConfig.from_pretrained('{directory}').architectures[0]; "
        f"getattr(transformers, m).from_pretrained('{directory}').save_pretrained('{directory}')\""
    )
