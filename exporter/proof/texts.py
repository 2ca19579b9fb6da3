"""The texts of a verification: those of a file, and how a person is told of one."""

from collections.abc import Sequence
from pathlib import Path

from bert.errors import UserError

Texts = tuple[bytes, ...]
"""the texts of a row, one or two"""


def texts_of_file(verify_file: Path, text_pair: bool) -> list[Texts]:
    """The rows of `--verify_file`, one a line; with `text_pair` a tab divides its two texts.

    Raises:
      UserError: the file cannot be read.
    """
    try:
        lines = verify_file.read_bytes().split(b"\n")
    except OSError as error:
        raise UserError(
            f"--verify_file {verify_file} cannot be read ({error.strerror}): check the path."
        ) from error
    return [_texts(line, text_pair) for line in (lines[:-1] if lines[-1] == b"" else lines)]


def shown(value: Sequence[object]) -> str:
    """Texts, ids, entities or answers, short enough for one line."""
    listed = ", ".join(map(repr, value))
    return listed if len(listed) <= 120 else f"{listed[:117]}..."


def _texts(line: bytes, text_pair: bool) -> Texts:
    if not text_pair:
        return (line,)
    text_a, _, text_b = line.partition(b"\t")
    return text_a, text_b
