"""Casing and truncation length, where a checkpoint's directory tells them."""

import dataclasses
import math
from pathlib import Path
from typing import Generic, TypeVar

from bert.checkpoints.fields import Fields
from bert.errors import UserError
from bert.tokenizers.vocabulary import Vocabulary

_DEFAULT_MAX_SEQ_LENGTH = 128
# `model_max_length` of a tokenizer without a bound is int(1e30) in Hugging Face's files.
_NO_BOUND = 1_000_000
# [CLS], one token, [SEP]
_LEAST_MAX_SEQ_LENGTH = 3

_Value = TypeVar("_Value")


@dataclasses.dataclass(frozen=True)
class Setting(Generic[_Value]):
    """A value and, in words for a person, where it came from."""

    value: _Value
    source: str

    @classmethod
    def of(cls, value: _Value | None, source: str) -> "Setting[_Value] | None":
        """A value of `source`, None where that does not say."""
        return None if value is None else cls(value, source)


def find_casing(
    directory: Path,
    vocabulary: Vocabulary,
    flag: bool | None,
    trained: Setting[bool] | None = None,
) -> Setting[bool]:
    """Whether to lower-case: the flag, what is told of the training, else the vocabulary tells.

    Args:
      directory: where tokenizer_config.json may be.
      flag: --do_lower_case.
      trained: what another file tells of the training.

    Raises:
      UserError: the flag contradicts the file.
    """
    inferred = vocabulary.is_uncased()
    configured: bool | None
    if trained is not None:
        file, configured = trained.source, trained.value
    else:
        file = str(directory / "tokenizer_config.json")
        configured = Fields.of_json_if_any(Path(file)).flag("do_lower_case")
    if configured is not None:
        if flag is not None and flag != configured:
            raise UserError(
                f"--do_lower_case is {flag}, but {file} says {configured}: leave the flag out, or "
                "correct the file if it is wrong."
            )
        source = file
        if configured != inferred:
            source += (
                f" (warning: the vocabulary looks {'uncased' if inferred else 'cased'}; check that "
                "the file is right)"
            )
        return Setting(configured, source)
    if flag is not None:
        return Setting(flag, "--do_lower_case")
    signs = "no piece with A-Z" if inferred else "pieces with A-Z"
    return Setting(inferred, f"inferred from the vocabulary ({signs})")


def find_max_seq_length(
    directory: Path,
    flag: int | None,
    max_position_embeddings: int,
    default: int = _DEFAULT_MAX_SEQ_LENGTH,
    trained: Setting[int] | None = None,
) -> Setting[int]:
    """The truncation length in tokens: the flag, `trained`, the directory's files, else `default`.

    The default, and what a tokenizer is said to be good for, end with the position table. A
    `model_max_length` of 1e30 is the library's word for no bound, so `default` holds there.

    Raises:
      UserError: below 3 or above the position table.
    """
    if flag is None and trained is not None:
        setting = trained
    else:
        setting = _max_seq_length(directory, flag, max_position_embeddings, default)
    if not _LEAST_MAX_SEQ_LENGTH <= setting.value <= max_position_embeddings:
        raise UserError(
            f"--max_seq_length is {setting.value} ({setting.source}), where a number from "
            f"{_LEAST_MAX_SEQ_LENGTH} to {max_position_embeddings}, the rows of the checkpoint's "
            "position table, is expected: give such a number with --max_seq_length."
        )
    return setting


def _max_seq_length(
    directory: Path, flag: int | None, max_position_embeddings: int, default: int
) -> Setting[int]:
    if flag is not None:
        return Setting(flag, "--max_seq_length")
    file = directory / "sentence_bert_config.json"
    length = _bound(file, "max_seq_length")
    if length is not None:
        return Setting(length, str(file))
    file = directory / "tokenizer_config.json"
    # The second is what releases of transformers before 3 wrote, and all since read.
    for name in ("model_max_length", "max_len"):
        length = _bound(file, name)
        if length is not None:
            return Setting(min(length, max_position_embeddings), str(file))
        if name in Fields.of_json_if_any(file).values:
            break
    if default >= max_position_embeddings:
        return Setting(max_position_embeddings, "the rows of the position table, by default")
    return Setting(default, "default")


def _bound(file: Path, name: str) -> int | None:
    """The length that a field of a file is the bound of, None where there is no bound."""
    fields = Fields.of_json_if_any(file)
    value = fields.values.get(name)
    # Whoever wrote int(1e30) again may have made a float of it.
    is_unbounded = isinstance(value, int | float) and _NO_BOUND <= value < math.inf
    return None if is_unbounded else fields.count(name)
