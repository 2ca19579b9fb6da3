"""Notices the other package whose top-level name is `bert`."""

from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

OTHER_DISTRIBUTION = "bert-tensorflow"


class PackageConflict(Exception):
    """`import bert` brings another distribution's modules, told in one sentence."""


def check_bert_package() -> None:
    """Makes sure that `bert` is this project's and not that of bert-tensorflow.

    An installed bert-tensorflow does no harm while this project's `bert` comes first on
    the path, as from a checkout; installed into the same directory, it has overwritten
    modules of this project.

    Raises:
      PackageConflict: the other distribution's `bert` is the one that is imported.
    """
    try:
        other = distribution(OTHER_DISTRIBUTION)
    except PackageNotFoundError:
        return
    spec = find_spec("bert")
    theirs = Path(str(other.locate_file("bert"))).resolve()
    if spec is None or spec.origin is None or Path(spec.origin).resolve().parent != theirs:
        return
    raise PackageConflict(
        f"The package {OTHER_DISTRIBUTION} {other.version} is installed and its top-level package "
        f"`bert` ({theirs}) stands in the place of this project's: run "
        f"`pip uninstall {OTHER_DISTRIBUTION}`, then install bert-text-exporter again."
    )
