"""Reads tokenizer.json, the file of Hugging Face's `tokenizers`, where it is BERT's tokenizer."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bert.checkpoints.fields import NO_TOKENIZER_EXPORT, Fields
from bert.checkpoints.text.added_tokens import NumberedTokens
from bert.errors import UserError
from bert.tokenizers.huggingface.settings import AddedToken, HuggingFaceSettings, PairForm
from bert.tokenizers.vocabulary import MASK, Vocabulary

_NORMALIZER_FLAGS = ("clean_text", "handle_chinese_chars", "lowercase")
_ADDED_TOKEN_FLAGS = ("normalized", "single_word", "lstrip", "rstrip")

# Far above any vocabulary; a larger id would make a table that no machine has room for.
_MOST_IDS = 10_000_000

_GIVE_TOKENIZER = "give the tokenizer of the checkpoint"


@dataclasses.dataclass(frozen=True)
class TokenizerJson:
    """What the file says."""

    vocabulary: Vocabulary
    settings: HuggingFaceSettings
    strip_accents: bool | None
    """None means wherever text is lower-cased; `settings` has the outcome"""

    pieces: Mapping[str, int]
    """the vocabulary of WordPiece"""

    added_tokens: NumberedTokens
    truncates_left: bool
    """whether the file says that texts lose their beginning"""


def read_tokenizer_json(file: Path) -> TokenizerJson:
    """Reads the file; its length, padding and decoder have no say in an export.

    Raises:
      UserError: a part of it is not that of a BERT tokenizer.
    """
    content = Fields.of_json(file)
    model = _part(content, "model", "WordPiece", type_may_lack=True)
    model.require({"continuing_subword_prefix": "##"}, NO_TOKENIZER_EXPORT)
    _part(content, "pre_tokenizer", "BertPreTokenizer")
    normalizer = _part(content, "normalizer", "BertNormalizer")
    flags = {name: normalizer.required_flag(name) for name in _NORMALIZER_FLAGS}
    strip_accents = normalizer.flag("strip_accents")
    pieces = _vocabulary(model)
    told = [_added_token(token) for token in content.objects("added_tokens")]
    added_tokens = added_tokens_with_ids(file, pieces, told)
    vocabulary = with_added_tokens(pieces, added_tokens)
    cls_token, sep_token, pair_form = _special_tokens(content)
    unk_token = model.word("unk_token") or "[UNK]"
    for name in (cls_token, sep_token, unk_token):
        if name not in vocabulary.ids or (name == unk_token and name not in pieces):
            raise UserError(
                f"{file}: the vocabulary has no {name!r}, which the tokenizer puts into its "
                f"output: {_GIVE_TOKENIZER}."
            )
    limit = model.count("max_input_chars_per_word") or 100
    return TokenizerJson(
        vocabulary,
        HuggingFaceSettings(
            **flags,
            strip_accents=flags["lowercase"] if strip_accents is None else strip_accents,
            max_input_chars_per_word=limit,
            unk_token=unk_token,
            cls_token=cls_token,
            sep_token=sep_token,
            mask_token=MASK,  # tokenizer_config.json may name another
            pair_form=pair_form,
            added_tokens=added_tokens,
        ),
        strip_accents,
        pieces,
        told,
        content.section("truncation").word("direction") in ("Left", "left"),
    )


def added_tokens_with_ids(
    file: Path, pieces: Mapping[str, int], tokens: NumberedTokens
) -> tuple[AddedToken, ...]:
    """Gives added tokens the ids that the library gives them.

    A token of the vocabulary keeps its id; others are numbered behind it as they come.

    Args:
      file: that names the tokens.
      pieces: the vocabulary of WordPiece.
      tokens: the id that the file tells of each, None where it tells none, and the token.

    Raises:
      UserError: the file tells another id.
    """
    found: dict[str, AddedToken] = {}
    next_id = len(pieces)
    taken = set(pieces.values())
    for told, token in tokens:
        if not token.content:
            continue
        if token.content in found:
            token_id = found[token.content].id
        elif token.content in pieces:
            token_id = pieces[token.content]
        else:
            token_id, next_id = next_id, next_id + 1
            if token_id in taken:
                raise UserError(
                    f"{file}: the added token {token.content!r} gets the id {token_id}, which a "
                    "piece of the vocabulary has, because the vocabulary leaves ids out: close "
                    "the gaps."
                )
        if told not in (None, token_id):
            raise UserError(
                f"{file}: the added token {token.content!r} has the id {told}, but the library "
                f"gives it {token_id}: correct the file, or save the tokenizer again."
            )
        # Of two tokens of the same content the last one counts.
        found[token.content] = dataclasses.replace(
            token, id=token_id, is_word_piece=token.content in pieces
        )
    return tuple(found.values())


def with_added_tokens(pieces: Mapping[str, int], tokens: Sequence[AddedToken]) -> Vocabulary:
    """The vocabulary by id; ids that nothing has are empty."""
    names = {index: piece for piece, index in pieces.items()}
    names |= {token.id: token.content for token in tokens}
    return Vocabulary(tuple(names.get(index, "") for index in range(max(names) + 1)))


def _part(content: Fields, name: str, expected: str, type_may_lack: bool = False) -> Fields:
    """A part of the file that must be of one type."""
    part = content.values.get(name)
    # A Sequence of one part is that part.
    if isinstance(part, dict) and part.get("type") == "Sequence":
        inner = part.get(f"{name}s")
        if isinstance(inner, list) and len(inner) == 1:
            part = inner[0]
    found = (
        part.get("type", expected if type_may_lack else None) if isinstance(part, dict) else None
    )
    if not isinstance(part, dict) or found != expected:
        raise UserError.of(
            f"{content.file}: the {name}",
            str(found or "missing"),
            f"BERT's {expected}",
            NO_TOKENIZER_EXPORT,
        )
    return Fields(content.file, part, f"{name}.")


def _vocabulary(model: Fields) -> dict[str, int]:
    pieces = model.values.get("vocab")
    ids = list(pieces.values()) if isinstance(pieces, dict) else []
    # A vocabulary has a place for every id up to the largest.
    if (
        not ids
        or not all(type(i) is int and 0 <= i < _MOST_IDS for i in ids)
        or len({*ids}) != len(ids)
    ):
        raise UserError(
            f"{model.file}: the model's vocab is not an object of pieces and their different ids, "
            f"each below {_MOST_IDS}: {_GIVE_TOKENIZER}."
        )
    return dict(pieces)  # type: ignore[arg-type]


def _added_token(token: Fields) -> tuple[int | None, AddedToken]:
    content, token_id = token.word("content"), token.values.get("id")
    if content is None:
        raise token.error("content", "a word")
    return token_id, AddedToken(
        content, -1, **{name: token.required_flag(name) for name in _ADDED_TOKEN_FLAGS}
    )


def _special_tokens(content: Fields) -> tuple[str, str, PairForm]:
    """The first and the separating token of the post-processor, and what it makes of pairs."""
    processor = content.values.get("post_processor")
    processor = processor if isinstance(processor, dict) else {}
    kind = processor.get("type")
    try:
        if kind == "BertProcessing":
            return processor["cls"][0], processor["sep"][0], PairForm()
        if kind == "RobertaProcessing":
            return processor["cls"][0], processor["sep"][0], PairForm(2, 0)
        if kind == "TemplateProcessing":
            single, single_types = _template(processor["single"])
            pair, pair_types = _template(processor["pair"])
            cls_token, _, sep_token = single
            form = PairForm(len(pair) - 4, pair_types[-1])
            between = [sep_token] * form.separators
            if (
                form.separators in (1, 2)
                and form.second_segment in (0, 1)
                and single == [cls_token, "A", sep_token]
                and pair == [cls_token, "A", *between, "B", sep_token]
                and single_types == [0, 0, 0]
                and pair_types == [0, 0, *(0 for _ in between), *[form.second_segment] * 2]
            ):
                return cls_token, sep_token, form
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise _not_berts_processor(content.file, kind) from error
    raise _not_berts_processor(content.file, kind)


def _not_berts_processor(file: Path, kind: str | None) -> UserError:
    return UserError(
        f"{file}: the post_processor ({kind or 'missing'}) is not BERT's, which makes "
        "`[CLS] a [SEP]` and `[CLS] a [SEP] b [SEP]`, or two [SEP] between the texts: "
        f"{NO_TOKENIZER_EXPORT}."
    )


def _template(parts: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[int]]:
    """Names and type ids of a template's parts."""
    values = [value for part in parts for value in part.values()]
    return [value["id"] for value in values], [value["type_id"] for value in values]
