"""Notices another package whose top-level name is `bert`."""

from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

_OTHER_DISTRIBUTION = "bert-tensorflow"


class PackageConflict(Exception):
    """`import bert` brings modules that are not this project's, told in one sentence."""


def check_bert_package() -> None:
    """Makes sure that `bert` is this project's, which lies beside `exporter`.

    An installed bert-tensorflow does no harm while this project's `bert` comes first on
    the path, as from a checkout; installed into the same directory, it has overwritten
    modules of this project. A clone of google-research/bert in the current directory
    comes first on the path.

    Raises:
      PackageConflict: another `bert` is the one that is imported.
    """
    ours = Path(__file__).resolve().parent.parent / "bert"
    spec = find_spec("bert")
    found = Path(spec.origin).resolve().parent if spec and spec.origin else None
    other = _other_distribution()
    if other is not None and found == other[1]:
        name, directory = other
        raise PackageConflict(
            f"The package {name} is installed and its top-level package `bert`, {directory}, "
            f"stands in the place of this project's: run `pip uninstall {_OTHER_DISTRIBUTION}`, "
            "then install bert-text-exporter again."
        )
    if found != ours:
        raise PackageConflict(
            f"`import bert` finds {found or 'a directory without modules'}, where this project's "
            f"{ours} is expected: run the command from another directory, or take that one off "
            "PYTHONPATH."
        )


def _other_distribution() -> tuple[str, Path] | None:
    """Name with version, and directory, of an installed bert-tensorflow."""
    try:
        other = distribution(_OTHER_DISTRIBUTION)
    except PackageNotFoundError:
        return None
    return f"{_OTHER_DISTRIBUTION} {other.version}", Path(str(other.locate_file("bert"))).resolve()
