"""Models by their name on the Hugging Face Hub, through the library `huggingface_hub`."""

from importlib.util import find_spec
from pathlib import Path

from bert.checkpoints.huggingface.foreign import is_hub_name
from bert.errors import UserError

# What describes a model and its tokenizer; `*` crosses folders.
_DESCRIPTIONS = ("*.json", "*.txt", "*.model")
# In the order of preference: a file of the second kind is read where none of the first is there.
_WEIGHTS = ("*.safetensors", "*.bin")
# Further copies of the weights for other libraries.
_IGNORED = ("onnx/*", "openvino/*", "coreml/*", "training_args.bin")


def can_fetch(location: str) -> bool:
    """Whether it looks like the name of a model on the Hub, and `huggingface_hub` is installed."""
    return is_hub_name(Path(location)) and find_spec("huggingface_hub") is not None


def fetch(name: str) -> Path:
    """The directory of a model in the library's cache (HF_HOME), fetched unless it is there.

    The library's own settings hold, such as HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE.

    Raises:
      UserError: it cannot be fetched.
    """
    # Imported where a name is given: it is an extra.
    from huggingface_hub import snapshot_download

    try:
        for weights in _WEIGHTS:
            directory = Path(
                snapshot_download(
                    name, allow_patterns=[*_DESCRIPTIONS, weights], ignore_patterns=list(_IGNORED)
                )
            )
            if any(directory.glob(weights)):
                break
    # ValueError: a name that the library does not accept. Its other errors are OSErrors.
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(
            f"--checkpoint {name} does not exist on this machine and cannot be fetched from the "
            f"Hugging Face Hub ({reason}): check the name, set HF_TOKEN for a model that is "
            "private, or give a local directory."
        ) from error
    return directory
