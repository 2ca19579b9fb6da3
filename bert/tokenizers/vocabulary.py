"""Vocabulary: the pieces of a vocab.txt and their ids, as the original numbers them."""

import dataclasses
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from bert.errors import UserError

CLS = "[CLS]"
SEP = "[SEP]"
UNK = "[UNK]"
MASK = "[MASK]"


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """Word pieces by line number.

    `tokens[i]` is line i of the file, stripped. As in google-research/bert's
    `load_vocab` every line is numbered, blank ones too, and of equal lines the last
    wins; the others keep their slot but no text leads to them.
    """

    tokens: tuple[str, ...]

    @classmethod
    def from_file(cls, path: Path) -> "Vocabulary":
        r"""Reads a vocab.txt; lines end with `\n` only.

        Raises:
          UserError: the file cannot be read, is not UTF-8, or lacks [CLS], [SEP] or
            [UNK].
        """
        lines = lines_of(path, "--vocab_file")
        try:
            # TensorFlow's line reader, which the original reads with, drops every carriage return.
            tokens = tuple(line.decode("utf-8").replace("\r", "").strip() for line in lines)
        except UnicodeDecodeError as error:
            raise UserError(
                f"--vocab_file {path} is not UTF-8 ({error.reason} near "
                f"{error.object[:20]!r}): give the vocab.txt of the checkpoint."
            ) from error
        vocabulary = cls(tokens)
        for special in (CLS, SEP, UNK):
            if special not in vocabulary.ids:
                raise UserError(
                    f"--vocab_file {path} has no {special} among its {len(tokens)} lines: "
                    "give the vocab.txt of the checkpoint."
                )
        return vocabulary

    @cached_property
    def ids(self) -> dict[str, int]:
        """From piece to id; of equal pieces the last."""
        return {token: index for index, token in enumerate(self.tokens)}

    @cached_property
    def reachable_tokens(self) -> tuple[str, ...]:
        """The pieces by id, every slot that no text can reach made unique and unreachable.

        A piece that holds a space is never matched, since words hold none. The result
        has no duplicates and no empty pieces, which WordPiece ops refuse.
        """
        return tuple(
            token if token and self.ids[token] == index else f"slot {index}"
            for index, token in enumerate(self.tokens)
        )

    def is_uncased(self) -> bool:
        """Whether no piece but the bracketed ones has a letter A-Z."""
        return not any(
            character.isascii() and character.isupper()
            for token in self.tokens
            if not (token.startswith("[") and token.endswith("]"))
            for character in token
        )

    def convert_tokens_to_ids(self, tokens: Sequence[str]) -> list[int]:
        """Looks up pieces; a KeyError names one that is not there."""
        return [self.ids[token] for token in tokens]

    def __len__(self) -> int:
        """The number of ids."""
        return len(self.tokens)


def lines_of(file: Path, flag: str) -> list[bytes]:
    r"""The lines of a file that `flag` gave, each ended by `\n`; the last may lack it.

    `b"a\n\nb"` and `b"a\n\nb\n"` are both `[b"a", b"", b"b"]`.

    Raises:
      UserError: the file cannot be read.
    """
    try:
        lines = file.read_bytes().split(b"\n")
    except OSError as error:
        raise UserError(
            f"{flag} {file} cannot be read ({error.strerror}): check the path."
        ) from error
    return lines[:-1] if lines[-1] == b"" else lines
