"""Directories that appear whole or not at all."""

import shutil
from pathlib import Path


def empty_scratch(directory: Path) -> Path:
    """An empty directory beside `directory`, to be renamed to it when it is whole."""
    scratch = directory.with_name(f"{directory.name}.part")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    return scratch
