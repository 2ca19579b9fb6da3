"""Finds the Hugging Face tokenizer that lies beside a checkpoint."""

import dataclasses
from pathlib import Path

from bert.checkpoints.fields import NO_TOKENIZER_EXPORT, Fields
from bert.checkpoints.text.added_tokens import TOKENIZER_CONFIG_FILE, AddedTokenFiles
from bert.checkpoints.text.settings import Setting, find_casing
from bert.checkpoints.text.tokenizer_class import (
    DEFAULT_CLASS,
    TOKENIZER_FILE,
    VOCABULARY_FILE,
    TokenizerClass,
    find_tokenizer_class,
)
from bert.checkpoints.text.tokenizer_json import (
    TokenizerJson,
    added_tokens_with_ids,
    read_tokenizer_json,
    with_added_tokens,
)
from bert.errors import UserError
from bert.tokenizers.huggingface.settings import HuggingFaceSettings
from bert.tokenizers.vocabulary import Vocabulary, lines_of

# Settings that would make another tokenizer of BERT's.
_OF_BERT = {
    "do_basic_tokenize": True,
    "split_special_tokens": False,
    "truncation_side": "right",
    "wordpieces_prefix": "##",
}


@dataclasses.dataclass(frozen=True)
class HuggingFaceTokenizerFiles:
    """A tokenizer, and in words for a person where it came from."""

    vocabulary: Vocabulary
    settings: HuggingFaceSettings
    casing: Setting[bool]
    source: str


def find_tokenizer(
    directory: Path,
    vocabulary_file: Path | None,
    do_lower_case: bool | None,
    is_transformers: bool = True,
    default_class: str = DEFAULT_CLASS,
) -> HuggingFaceTokenizerFiles:
    """Reads tokenizer.json, else vocab.txt with the files that older releases wrote.

    Which file decides depends on the class of the tokenizer: README.md in this folder has the
    table.

    Args:
      directory: where the files are.
      vocabulary_file: `--vocab_file`, None if not given.
      do_lower_case: `--do_lower_case`, None if not given.
      is_transformers: whether transformers wrote the directory, so that its defaults hold for
        what the files leave open; else the vocabulary tells the casing.
      default_class: the class of the tokenizer where no file names one.

    Raises:
      UserError: a file is missing, faulty, contradicts another one, or is not that of a
        BERT tokenizer.
    """
    config = Fields.of_json_if_any(directory / TOKENIZER_CONFIG_FILE)
    config.require(_OF_BERT, NO_TOKENIZER_EXPORT)
    kind = find_tokenizer_class(directory, config, default_class)
    added = AddedTokenFiles(directory, config, kind)
    file = directory / TOKENIZER_FILE
    read = read_tokenizer_json(file) if file.is_file() else None
    if read is None:
        file = vocabulary_file or directory / VOCABULARY_FILE
        pieces = read_vocabulary(file)
        source_of_added = added.source
    else:
        _require_right_truncation(config, read, file)
        pieces = dict(read.pieces)
        source_of_added = file
        if vocabulary_file is not None:
            _require_same_pieces(vocabulary_file, read.settings.word_pieces(read.vocabulary), file)
    tokens = added.tokens(pieces, read.added_tokens if read else ())
    added_tokens = added_tokens_with_ids(source_of_added, pieces, tokens)
    vocabulary = with_added_tokens(pieces, added_tokens)
    if read is not None and kind.is_generic:
        casing = _casing_of_tokenizer_json(read, file, do_lower_case, kind)
        settings = dataclasses.replace(
            read.settings,
            added_tokens=added_tokens,
            mask_token=added.roles()["mask_token"],
            pair_form=kind.pair_form(config, read.settings.pair_form),
        )
        return HuggingFaceTokenizerFiles(vocabulary, settings, casing, str(file))
    roles = added.roles()
    _require_roles(roles, pieces, read, file)
    forms = kind.special_tokens.pair_forms
    if read is not None and read.settings.pair_form not in forms:
        raise UserError(
            f"{file}: the post_processor makes of two texts what {kind.name} ({kind.source}) does "
            "not make of them: save the tokenizer again."
        )
    casing = _casing(directory, vocabulary, do_lower_case, is_transformers, kind)
    settings = _settings_of_class(config, casing.value, roles)
    pair_form = kind.pair_form(config, forms[0])
    settings = dataclasses.replace(settings, pair_form=pair_form, added_tokens=added_tokens)
    return HuggingFaceTokenizerFiles(vocabulary, settings, casing, str(file))


def read_vocabulary(file: Path) -> dict[str, int]:
    r"""The pieces of a vocab.txt as the library numbers them.

    Every line counts, white space at its end is cut off, and of equal lines the last wins.

    Raises:
      UserError: the file cannot be read or is not UTF-8.
    """
    try:
        lines = [line.decode("utf-8") for line in lines_of(file, "--vocab_file")]
    except UnicodeDecodeError as error:
        raise UserError(f"--vocab_file {file} cannot be read ({error}): check the path.") from error
    if lines and lines[0].startswith("\ufeff"):
        raise UserError(
            f"--vocab_file {file} starts with a byte order mark, which the library takes for a "
            "part of its first piece: save the file without it."
        )
    return {line.rstrip(): index for index, line in enumerate(lines)}


def _settings_of_class(
    config: Fields, lowercase: bool, roles: dict[str, str]
) -> HuggingFaceSettings:
    """The settings of BertTokenizer: tokenizer_config.json's, else the defaults of the class.

    Release 5 builds its normalizer and WordPiece anew, whatever tokenizer.json says of them;
    release 4 leaves `clean_text` and `max_input_chars_per_word` as the file has them.
    """
    strip_accents = config.flag("strip_accents")
    chinese = config.flag("tokenize_chinese_chars")
    return HuggingFaceSettings(
        lowercase=lowercase,
        strip_accents=lowercase if strip_accents is None else strip_accents,
        handle_chinese_chars=True if chinese is None else chinese,
        unk_token=roles["unk_token"],
        cls_token=roles["cls_token"],
        sep_token=roles["sep_token"],
        mask_token=roles["mask_token"],
    )


def _casing(
    directory: Path,
    vocabulary: Vocabulary,
    flag: bool | None,
    is_transformers: bool,
    kind: TokenizerClass,
) -> Setting[bool]:
    found = find_casing(directory, vocabulary, flag)
    file = directory / TOKENIZER_CONFIG_FILE
    told = Fields.of_json_if_any(file).flag("do_lower_case")
    if told is not None or flag is not None or not is_transformers:
        return found
    source = f"the default of {kind.name}: {file} has no do_lower_case"
    if not found.value:
        source += (
            " (warning: the vocabulary looks cased; if the training did not lower-case, give "
            "--nodo_lower_case)"
        )
    return Setting(True, source)


def _casing_of_tokenizer_json(
    read: TokenizerJson, file: Path, flag: bool | None, kind: TokenizerClass
) -> Setting[bool]:
    lowercase = read.settings.lowercase
    if flag not in (None, lowercase):
        raise UserError(
            f"--do_lower_case is {flag}, but {file} says {lowercase}, and a {kind.name} "
            f"({kind.source}) takes it from there: leave the flag out, or correct the file if it "
            "is wrong."
        )
    return Setting(lowercase, f"{file}, as a {kind.name} takes it")


def _require_right_truncation(config: Fields, read: TokenizerJson, file: Path) -> None:
    if read.truncates_left and config.values.get("truncation_side") is None:
        raise UserError(
            f"{file}: truncation.direction is 'Left', where BERT's 'Right' is expected: "
            f"{NO_TOKENIZER_EXPORT}."
        )


def _require_roles(
    roles: dict[str, str], pieces: dict[str, int], read: TokenizerJson | None, file: Path
) -> None:
    """Makes sure that the tokens that stand for something are those of all files."""
    for role in ("unk_token", "cls_token", "sep_token"):
        if read is not None and getattr(read.settings, role) != roles[role]:
            raise UserError(
                f"{file}: the {role} is {getattr(read.settings, role)!r}, but {roles[role]!r} by "
                f"{TOKENIZER_CONFIG_FILE} or by default: save the tokenizer again."
            )
        if read is None and roles[role] not in pieces:
            raise UserError(
                f"--vocab_file {file} has no {roles[role]} among its {len(pieces)} pieces: give "
                "the vocab.txt of the checkpoint."
            )


def _require_same_pieces(file: Path, pieces: Vocabulary, tokenizer_file: Path) -> None:
    given = read_vocabulary(file)
    given.pop("", None)
    if given != {piece: index for piece, index in pieces.ids.items() if piece}:
        raise UserError(
            f"--vocab_file {file} is not the vocabulary of {tokenizer_file}: leave the flag out, "
            "or give files that belong together."
        )
