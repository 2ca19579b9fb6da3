"""Paths that are no checkpoint, but known: each has a sentence that says how to get one."""

import re
from pathlib import Path

# An owner and a name, or one of the first models without an owner.
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*|(?:distil)?bert-[\w.-]+")


def is_hub_name(path: Path) -> bool:
    """Whether it looks like a model's name on the Hugging Face Hub, and nothing local is meant.

    `out/model` looks so, too: where there is a directory `out`, it is a path. And
    `out/model.ckpt-3` is a prefix of TensorFlow's in any case.
    """
    here = path.exists() or (len(path.parts) > 1 and Path(path.parts[0]).exists())
    is_prefix = ".ckpt" in path.name
    return not here and not is_prefix and _HUB_NAME.fullmatch(str(path)) is not None


def foreign_contents(path: Path, flag: str) -> str | None:
    """The sentence for a path that holds no checkpoint; None where nothing is known of it."""
    if path.is_dir():
        return _of_directory(path, flag)
    if not is_hub_name(path):
        return None
    return (
        f"{flag} {path} does not exist, and looks like a name on the Hugging Face Hub: install "
        f"huggingface_hub to export it by its name, or run `hf download {path} --local-dir "
        f"{path.name}` and give that directory."
    )


def _of_directory(path: Path, flag: str) -> str | None:
    if (path / "adapter_config.json").is_file():
        return (
            f"{flag} {path} holds an adapter (adapter_config.json), such as LoRA's, and not a "
            "whole model: merge it into its base model with merge_and_unload(), and save that."
        )
    snapshots = sorted(path.glob("snapshots/*/config.json"))
    if snapshots:
        return (
            f"{flag} {path} is a cache of the Hugging Face Hub: give a directory in it, such as "
            f"{snapshots[-1].parent}."
        )
    graphs = sorted([*path.glob("*.onnx"), *path.glob("onnx/*.onnx")])
    if graphs:
        return (
            f"{flag} {path} holds an ONNX graph ({graphs[0].name}), and no weights in a format "
            "that is read: give the directory that the graph was made from."
        )
    return None
