"""The names of a Hugging Face classifier's classes."""

from collections.abc import Sequence

from bert.checkpoints.huggingface.config import HuggingFaceConfig
from bert.checkpoints.options import class_labels
from bert.checkpoints.text.settings import Setting
from bert.errors import UserError

# transformers, PreTrainedConfig: the names of classes without an id2label are LABEL_0, LABEL_1, ...
_UNNAMED_LABEL = "LABEL_"


def class_names(
    config: HuggingFaceConfig, num_outputs: int, given: Sequence[str] | None
) -> Setting[tuple[str, ...]]:
    """The names that were given, else those of config.json, else transformers' default.

    Raises:
      UserError: another number of names than classes, or one twice.
    """
    if given is not None:
        return Setting(class_labels(given, num_outputs), "--labels or --label_file")
    if config.labels is None:
        labels = tuple(f"{_UNNAMED_LABEL}{index}" for index in range(num_outputs))
        return Setting(labels, f"transformers' default: {config.file} has no id2label")
    if len(set(config.labels)) != num_outputs:
        twice = next(label for label in config.labels if config.labels.count(label) > 1)
        raise UserError(
            f"{config.file}: id2label names {twice!r} twice: correct it, or name all classes with "
            "--labels."
        )
    return Setting(config.labels, f"id2label of {config.file}")
