"""Finds the Hugging Face tokenizer that lies beside a checkpoint."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bert.checkpoints.fields import NO_TOKENIZER_EXPORT, Fields
from bert.checkpoints.text.settings import Setting, find_casing
from bert.checkpoints.text.tokenizer_json import (
    added_tokens_with_ids,
    read_tokenizer_json,
    with_added_tokens,
)
from bert.errors import UserError
from bert.tokenizers.huggingface.settings import SPECIAL_TOKENS, AddedToken, HuggingFaceSettings
from bert.tokenizers.vocabulary import CLS, SEP, UNK, Vocabulary, lines_of

TOKENIZER_FILE = "tokenizer.json"
TOKENIZER_CONFIG_FILE = "tokenizer_config.json"
SPECIAL_TOKENS_FILE = "special_tokens_map.json"
ADDED_TOKENS_FILE = "added_tokens.json"
VOCABULARY_FILE = "vocab.txt"

# The classes whose vocab.txt is tokenized as BERT's is; `Fast` may follow.
_CLASSES_LIKE_BERT = (
    "BertTokenizer",
    "ConvBertTokenizer",
    "DistilBertTokenizer",
    "DPRContextEncoderTokenizer",
    "DPRQuestionEncoderTokenizer",
    "ElectraTokenizer",
    "LayoutLMTokenizer",
    "MobileBertTokenizer",
    "RetriBertTokenizer",
    "SqueezeBertTokenizer",
)
# Settings that would make another tokenizer of BERT's.
_OF_BERT = {
    "do_basic_tokenize": True,
    "split_special_tokens": False,
    "truncation_side": "right",
    "wordpieces_prefix": "##",
}
_ROLES = {"unk_token": UNK, "sep_token": SEP, "pad_token": "[PAD]", "cls_token": CLS}
_ROLES |= {"mask_token": "[MASK]"}


@dataclasses.dataclass(frozen=True)
class HuggingFaceTokenizerFiles:
    """A tokenizer, and in words for a person where it came from."""

    vocabulary: Vocabulary
    settings: HuggingFaceSettings
    casing: Setting[bool]
    source: str


def find_tokenizer(
    directory: Path, vocabulary_file: Path | None, do_lower_case: bool | None
) -> HuggingFaceTokenizerFiles:
    """Reads tokenizer.json, else vocab.txt with the files that older releases wrote.

    What tokenizer_config.json says of casing, accents and Chinese characters goes before
    tokenizer.json, as in BertTokenizerFast.

    Args:
      directory: where the files are.
      vocabulary_file: `--vocab_file`, None if not given.
      do_lower_case: `--do_lower_case`, None if not given.

    Raises:
      UserError: a file is missing, faulty, contradicts another one, or is not that of a
        BERT tokenizer.
    """
    config = Fields.of_json_if_any(directory / TOKENIZER_CONFIG_FILE)
    config.require(_OF_BERT, NO_TOKENIZER_EXPORT)
    tokenizer_file = directory / TOKENIZER_FILE
    strip_accents: bool | None = None
    if tokenizer_file.is_file():
        read = read_tokenizer_json(tokenizer_file)
        vocabulary, settings, strip_accents = read.vocabulary, read.settings, read.strip_accents
        if vocabulary_file is not None:
            _require_same_pieces(vocabulary_file, settings.word_pieces(vocabulary), tokenizer_file)
        source = str(tokenizer_file)
        casing = _casing_beside_tokenizer_json(
            directory, config, vocabulary, do_lower_case, Setting(settings.lowercase, source)
        )
    else:
        _refuse_class_unlike_bert(config)
        vocabulary, settings = _from_older_files(
            directory, config, vocabulary_file or directory / VOCABULARY_FILE
        )
        source = str(vocabulary_file or directory / VOCABULARY_FILE)
        casing = find_casing(directory, vocabulary, do_lower_case)
    if "strip_accents" in config.values:
        strip_accents = config.flag("strip_accents")
    chinese = config.flag("tokenize_chinese_chars")
    settings = dataclasses.replace(
        settings,
        lowercase=casing.value,
        strip_accents=casing.value if strip_accents is None else strip_accents,
        handle_chinese_chars=settings.handle_chinese_chars if chinese is None else chinese,
    )
    return HuggingFaceTokenizerFiles(vocabulary, settings, casing, source)


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
    return {line.rstrip(): index for index, line in enumerate(lines)}


def _casing_beside_tokenizer_json(
    directory: Path,
    config: Fields,
    vocabulary: Vocabulary,
    flag: bool | None,
    of_tokenizer_json: Setting[bool],
) -> Setting[bool]:
    if flag is not None or config.flag("do_lower_case") is not None:
        return find_casing(directory, vocabulary, flag)
    if of_tokenizer_json.value:
        return of_tokenizer_json
    return Setting(
        False,
        f"{of_tokenizer_json.source} (warning: BertTokenizerFast lower-cases all the same where "
        f"{TOKENIZER_CONFIG_FILE} has no do_lower_case; if it did in training, give "
        "--do_lower_case)",
    )


def _from_older_files(
    directory: Path, config: Fields, vocabulary_file: Path
) -> tuple[Vocabulary, HuggingFaceSettings]:
    """Vocabulary and added tokens of a tokenizer without tokenizer.json."""
    pieces = read_vocabulary(vocabulary_file)
    roles = {**config.values, **Fields.of_json_if_any(directory / SPECIAL_TOKENS_FILE).values}
    try:
        names = {role: _content(roles.get(role) or default) for role, default in _ROLES.items()}
        named = [roles[role] for role in _ROLES if roles.get(role)]
        named += roles.get("additional_special_tokens") or []
        named += [name for name in SPECIAL_TOKENS if name in pieces and name in names.values()]
        special = {_content(token): token for token in reversed(named)}
        source, told = _added_by_id(directory, config.values, special)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        files = f"{TOKENIZER_CONFIG_FILE}, {SPECIAL_TOKENS_FILE} or {ADDED_TOKENS_FILE}"
        raise UserError(
            f"{directory}: {files} has special tokens that are not tokens by role, or added ones "
            f"that are not tokens by id ({error!r}): correct the file."
        ) from error
    for role in ("unk_token", "cls_token", "sep_token"):
        if names[role] not in pieces:
            raise UserError(
                f"--vocab_file {vocabulary_file} has no {names[role]} among its {len(pieces)} "
                "pieces: give the vocab.txt of the checkpoint."
            )
    known = {token.content for _, token in told}
    told += [(None, _added_token(token)) for name, token in special.items() if name not in known]
    added_tokens = added_tokens_with_ids(source, pieces, told)
    vocabulary = with_added_tokens(pieces, added_tokens)
    return vocabulary, HuggingFaceSettings(
        lowercase=True,
        strip_accents=True,
        unk_token=names["unk_token"],
        cls_token=names["cls_token"],
        sep_token=names["sep_token"],
        added_tokens=added_tokens,
    )


def _added_by_id(
    directory: Path, config: Mapping[str, Any], special: Mapping[str, Any]
) -> tuple[Path, list[tuple[int | None, AddedToken]]]:
    """The added tokens that the files give an id, by id, and the file that has them."""
    decoder = config.get("added_tokens_decoder")
    if decoder:
        file = directory / TOKENIZER_CONFIG_FILE
        by_id = sorted((int(index), token) for index, token in decoder.items())
        return file, [(index, _added_token(token, is_special=False)) for index, token in by_id]
    file = directory / ADDED_TOKENS_FILE
    if not file.is_file():
        return directory / SPECIAL_TOKENS_FILE, []
    by_id = sorted((index, content) for content, index in Fields.of_json(file).values.items())
    return file, [
        (index, _added_token(special.get(content, content), is_special=content in special))
        for index, content in by_id
    ]


def _content(token: Any) -> str:
    return str(token["content"] if isinstance(token, dict) else token)


def _added_token(token: Any, is_special: bool = True) -> AddedToken:
    """A token from its name or from its properties; by default special ones are raw."""
    properties = token if isinstance(token, dict) else {}
    flags = {
        name: bool(properties.get(name, False)) for name in ("single_word", "lstrip", "rstrip")
    }
    raw = properties.get("special", is_special)
    return AddedToken(_content(token), -1, bool(properties.get("normalized", not raw)), **flags)


def _refuse_class_unlike_bert(config: Fields) -> None:
    found = config.values.get("tokenizer_class")
    if found is not None and str(found).removesuffix("Fast") not in _CLASSES_LIKE_BERT:
        raise UserError(
            f"{config.file}: the tokenizer_class is {found}, and without {TOKENIZER_FILE} only "
            f"those that read {VOCABULARY_FILE} as BertTokenizer does are known: save the "
            f"tokenizer as {TOKENIZER_FILE}."
        )


def _require_same_pieces(file: Path, pieces: Vocabulary, tokenizer_file: Path) -> None:
    given = read_vocabulary(file)
    given.pop("", None)
    if given != {piece: index for piece, index in pieces.ids.items() if piece}:
        raise UserError(
            f"--vocab_file {file} is not the vocabulary of {tokenizer_file}: leave the flag out, "
            "or give files that belong together."
        )
