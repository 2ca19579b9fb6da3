"""What a checkpoint's directory says of its text: library, vocabulary, casing."""

import dataclasses
from pathlib import Path

from bert.checkpoints.fields import NO_TOKENIZER_EXPORT
from bert.checkpoints.options import ReadOptions
from bert.checkpoints.text.huggingface_files import find_tokenizer
from bert.checkpoints.text.settings import Setting, find_casing
from bert.checkpoints.text.tokenizer_class import DEFAULT_CLASS, TOKENIZER_FILE, VOCABULARY_FILE
from bert.errors import UserError
from bert.model import HUGGINGFACE
from bert.tokenizers.huggingface.settings import HuggingFaceSettings
from bert.tokenizers.vocabulary import Vocabulary


@dataclasses.dataclass(frozen=True)
class TextProfile:
    """How a model's texts become ids."""

    tokenizer: str
    vocabulary: Vocabulary
    vocabulary_file: bytes
    source: str
    """the file of the vocabulary"""

    casing: Setting[bool]
    huggingface: HuggingFaceSettings | None

    def require_rows_for_all(self, vocab_size: int) -> None:
        """Makes sure that a checkpoint's word embeddings have a row for every line.

        Raises:
          UserError: `vocab_size` rows are fewer.
        """
        if len(self.vocabulary) > vocab_size:
            raise UserError(
                f"--vocab_file {self.source} has {len(self.vocabulary)} lines, but the word "
                f"embeddings of the checkpoint have {vocab_size} rows: give the vocabulary of this "
                "checkpoint."
            )

    def require_mask_token(self) -> None:
        """Makes sure that a text can hold a mask token.

        Raises:
          UserError: the tokenizer knows none, or the vocabulary has none.
        """
        if self.huggingface is None:
            raise UserError(
                f"--tokenizer is {self.tokenizer!r}, which reads [MASK] in a text as three words, "
                f"where {HUGGINGFACE!r} is expected: leave the flag out."
            )
        if self.huggingface.mask_token not in self.vocabulary.ids:
            raise UserError(
                f"{self.source} has no {self.huggingface.mask_token} among its "
                f"{len(self.vocabulary)} tokens: give the tokenizer that the model was trained "
                "with."
            )


def find_text_profile(
    directory: Path,
    options: ReadOptions,
    default_tokenizer: str,
    trained_casing: Setting[bool] | None = None,
    default_class: str = DEFAULT_CLASS,
) -> TextProfile:
    """Reads the files of the library that was asked for, or of the default one.

    `trained_casing` is what is told of the training in no file of a library, `default_class` the
    class of a Hugging Face tokenizer where no file names one.

    Raises:
      UserError: the library's files are missing, faulty or contradictory.
    """
    tokenizer = options.tokenizer or default_tokenizer
    file = options.vocab_file or directory / VOCABULARY_FILE
    if tokenizer != HUGGINGFACE:
        _require(file)
        vocabulary = Vocabulary.from_file(file)
        casing = find_casing(directory, vocabulary, options.do_lower_case, trained_casing)
        return TextProfile(tokenizer, vocabulary, file.read_bytes(), str(file), casing, None)
    if not (directory / TOKENIZER_FILE).is_file():
        _require_no_sentence_piece(directory, file)
        _require(file)
    found = find_tokenizer(
        directory,
        options.vocab_file,
        options.do_lower_case,
        is_transformers=default_tokenizer == HUGGINGFACE,
        default_class=default_class,
    )
    # With the tokens that were added, so that a line number is an id.
    lines = "".join(f"{token}\n" for token in found.vocabulary.tokens)
    try:
        vocabulary_file = lines.encode()
    except UnicodeEncodeError as error:
        raise UserError(
            f"{found.source}: the vocabulary holds half a surrogate pair "
            f"({lines[error.start]!r}), which is no character: give the tokenizer of the "
            "checkpoint."
        ) from error
    return TextProfile(
        tokenizer, found.vocabulary, vocabulary_file, found.source, found.casing, found.settings
    )


def _require_no_sentence_piece(directory: Path, file: Path) -> None:
    models = sorted(directory.glob("*.model"))
    if models and not file.is_file():
        raise UserError(
            f"{models[0]} is a tokenizer of SentencePiece, where BERT's {VOCABULARY_FILE} is "
            f"expected: {NO_TOKENIZER_EXPORT}."
        )


def _require(file: Path) -> None:
    if not file.is_file():
        raise UserError(f"{file}, the vocabulary, does not exist: name the file with --vocab_file.")
