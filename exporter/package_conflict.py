"""Notices another package whose top-level name is `bert`."""

import contextlib
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

# Those on PyPI that bring such a package and whose users may come to this project.
_OTHER_DISTRIBUTIONS = ("bert-tensorflow", "bert-for-tf2")


class PackageConflict(Exception):
    """`import bert` brings modules that are not this project's, told in one sentence."""


def check_bert_package() -> None:
    """Makes sure that `bert` is this project's, which lies beside `exporter`.

    Another one that is installed does no harm while this project's `bert` comes first on
    the path, as from a checkout; installed into the same directory, it has overwritten
    modules of this project, and its removal removes them. A clone of google-research/bert in
    the current directory comes first on the path.

    Raises:
      PackageConflict: another `bert` is the one that is imported.
    """
    ours = Path(__file__).resolve().parent.parent / "bert"
    spec = find_spec("bert")
    found = Path(spec.origin).resolve().parent if spec and spec.origin else None
    for other in _other_distributions():
        directory = Path(str(other.locate_file("bert"))).resolve()
        if found == directory:
            raise PackageConflict(
                f"The package {other.name} {other.version} is installed and its top-level package "
                f"`bert`, {directory}, stands in the place of this project's: run `pip uninstall "
                f"{other.name}`, then install bert-text-exporter again."
            )
    if found is None:
        raise PackageConflict(
            f"`import bert` finds no `__init__.py`, where this project's {ours} is expected, as "
            "after the removal of another package of that name: run `pip install "
            "--force-reinstall --no-deps` for bert-text-exporter."
        )
    if found != ours:
        raise PackageConflict(
            f"`import bert` finds {found}, where this project's {ours} is expected: run the "
            "command from another directory, or take that one off PYTHONPATH."
        )


def _other_distributions() -> Iterator[Distribution]:
    for name in _OTHER_DISTRIBUTIONS:
        with contextlib.suppress(PackageNotFoundError):
            yield distribution(name)
