"""The flags that are Apache Beam's: which there are, and mistakes in them."""

from collections.abc import Iterator, Sequence
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions, _BeamArgumentParser

from bert.errors import UserError


def require_known(beam_flags: Sequence[str], all_known: bool) -> None:
    """Checks flags, since Beam passes over those that it does not know.

    Args:
      all_known: whether there are no others than Beam's own; the job server of an engine may have
        more.

    Raises:
      UserError: one is unknown, or is not a flag.
    """
    _, unknown = _all_flags().parse_known_args(list(beam_flags))
    for before, argument in zip(["", *unknown], unknown, strict=False):
        # It may be the value of the flag before it.
        if not argument.startswith("-") and ("=" in before or not before.startswith("-")):
            raise UserError(
                f"{argument!r} is not a flag: put a pattern in quotes, and several files into one "
                "--input with commas between."
            )
    if unknown and all_known:
        raise UserError(
            f"{unknown[0]} is a flag neither of this command nor of Apache Beam: see "
            "python -m exporter.batch --help."
        )


def _all_flags() -> _BeamArgumentParser:
    """All flags that Beam has for every runner."""
    parser = _BeamArgumentParser(allow_abbrev=False)
    for group in _subclasses(PipelineOptions):
        group._add_argparse_args(parser)
    return parser


def _subclasses(group: Any) -> Iterator[Any]:
    for child in group.__subclasses__():
        if "_add_argparse_args" in vars(child):
            yield child
        yield from _subclasses(child)
