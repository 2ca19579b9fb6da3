"""The texts that an export is verified on: built-in ones, and lines of a file."""

from pathlib import Path

from bert.errors import UserError
from exporter.proof.adversarial_text import ADVERSARIAL_TEXTS

Texts = tuple[bytes, ...]
"""the texts of a row, one or two"""


def adversarial_rows(text_pair: bool) -> list[Texts]:
    """Every adversarial text, in a pair with the next one where texts come in pairs."""
    texts = ADVERSARIAL_TEXTS
    if not text_pair:
        return [(text,) for text in texts]
    return list(zip(texts, (*texts[1:], texts[0]), strict=True))


def read_verify_file(file: Path, text_pair: bool) -> list[Texts]:
    """The lines of `--verify_file`; with `text_pair`, two texts with a tab between them.

    Raises:
      UserError: the file cannot be read.
    """
    try:
        lines = file.read_bytes().split(b"\n")
    except OSError as error:
        raise UserError(
            f"--verify_file {file} cannot be read ({error.strerror}): check the path."
        ) from error
    rows: list[Texts] = []
    for line in lines[:-1] if lines[-1] == b"" else lines:
        text_a, _, text_b = line.partition(b"\t")
        rows.append((text_a, text_b) if text_pair else (line,))
    return rows
