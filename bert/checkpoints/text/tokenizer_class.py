"""The class of a Hugging Face tokenizer: which one, and which file it takes its settings from."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from bert.checkpoints.fields import NO_TOKENIZER_EXPORT, Fields
from bert.errors import UserError
from bert.tokenizers.huggingface.settings import PairForm
from bert.tokenizers.vocabulary import CLS, SEP, UNK


@dataclasses.dataclass(frozen=True)
class SpecialTokens:
    """What a class puts around texts, where its files say nothing else."""

    by_role: Mapping[str, str]
    mask_takes_space: bool = False
    """whether the mask token takes the white space before it"""

    pair_forms: Sequence[PairForm] = (PairForm(),)
    """what two texts become, and what tokenizer.json may call it"""


TOKENIZER_FILE = "tokenizer.json"
VOCABULARY_FILE = "vocab.txt"

_CONFIG_FILE = "config.json"
_FIELD = "tokenizer_class"

# The class that transformers takes for a BERT whose files name none.
DEFAULT_CLASS = "BertTokenizer"

# The classes whose vocab.txt is tokenized as BERT's is; `Fast` may follow.
_LIKE_BERT = (
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
# The classes that differ from it in the tokens around texts alone.
_OF_BERT = SpecialTokens(
    {"unk_token": UNK, "sep_token": SEP, "pad_token": "[PAD]", "cls_token": CLS}
    | {"mask_token": "[MASK]"}
)
_SPECIAL_TOKENS = {
    # transformers, tokenization_mpnet.py. Release 4 gave the second text another segment, which
    # the model does not look at.
    "MPNetTokenizer": SpecialTokens(
        {"bos_token": "<s>", "eos_token": "</s>", "unk_token": UNK, "sep_token": "</s>"}
        | {"pad_token": "<pad>", "cls_token": "<s>", "mask_token": "<mask>"},
        mask_takes_space=True,
        pair_forms=(PairForm(2, 0), PairForm(2, 1)),
    )
}
# The classes that take tokenizer.json as it is: that of transformers before 5, and that of 5.
_GENERIC = ("PreTrainedTokenizerFast", "TokenizersBackend")

# Those of them that release 5 gives no tokenizer of their own: tokenizer.json decides there, while
# release 4 read tokenizer_config.json as for BertTokenizer.
_GENERIC_WITH_TOKENIZER_JSON = ("ConvBertTokenizer", "RetriBertTokenizer")
# Those that lower-case whatever tokenizer_config.json says, in release 5.
_UNCASED = ("DPRContextEncoderTokenizer", "DPRQuestionEncoderTokenizer")

# Those that give no token types: models see 0 for both texts. Of the generic ones release 4 gave
# them.
_WITHOUT_TOKEN_TYPES = (
    "DistilBertTokenizer",
    "MPNetTokenizer",
    "RetriBertTokenizer",
    *(name.removesuffix("Fast") for name in _GENERIC),
)

# Settings of BertJapaneseTokenizer, whose words come from MeCab or another library.
_OF_JAPANESE = (
    "word_tokenizer_type",
    "subword_tokenizer_type",
    "mecab_kwargs",
    "sudachi_kwargs",
    "jumanpp_kwargs",
)


@dataclasses.dataclass(frozen=True)
class TokenizerClass:
    """A class of transformers, and in words for a person where it is named."""

    name: str
    source: str
    is_generic: bool
    """whether tokenizer.json decides everything; else tokenizer_config.json decides casing,
    accents and Chinese characters, and the class's defaults what that leaves open"""

    special_tokens: SpecialTokens

    def pair_form(self, config: Fields, form: PairForm) -> PairForm:
        """The form that the model sees: where no token types are given, one segment.

        Source: transformers, `model_input_names` of the classes and of tokenizer_config.json.
        """
        names = config.values.get("model_input_names")
        if isinstance(names, list):
            has_types = "token_type_ids" in names
        else:
            has_types = self.name.removesuffix("Fast") not in _WITHOUT_TOKEN_TYPES
        return form if has_types else dataclasses.replace(form, second_segment=0)


def find_tokenizer_class(directory: Path, config: Fields, default: str) -> TokenizerClass:
    """The class that tokenizer_config.json names, else config.json, else the default.

    Source: transformers, AutoTokenizer.from_pretrained.

    Args:
      directory: where the files of the tokenizer are.
      config: of tokenizer_config.json.
      default: the class that transformers takes for the family of the model.

    Raises:
      UserError: it is a class that does not tokenize as BERT, or one without its file.
    """
    for name in _OF_JAPANESE:
        if config.values.get(name) is not None:
            raise UserError(
                f"{config.file}: {name} is {config.values[name]!r}, a setting of "
                "BertJapaneseTokenizer, which splits words with MeCab or another library that no "
                f"server has: {NO_TOKENIZER_EXPORT}."
            )
    for fields in (config, Fields.of_json_if_any(directory / _CONFIG_FILE)):
        found = fields.word(_FIELD)
        if found is None:
            continue
        if found.removesuffix("Fast") in _UNCASED and config.flag("do_lower_case") is False:
            raise UserError(
                f"{config.file}: do_lower_case is false, but the {_FIELD} is {found}, which "
                "transformers 5 lower-cases all the same, and 4 did not: name BertTokenizer there "
                "if the training was cased."
            )
        return _of_name(found, str(fields.file), (directory / TOKENIZER_FILE).is_file())
    return _of_name(default, "transformers' default", (directory / TOKENIZER_FILE).is_file())


def _of_name(name: str, source: str, has_tokenizer_json: bool) -> TokenizerClass:
    if name in _GENERIC:
        if not has_tokenizer_json:
            raise UserError(
                f"{source}: the {_FIELD} is {name}, which reads {TOKENIZER_FILE} and nothing else, "
                "and there is no such file: copy all files of the tokenizer."
            )
        return TokenizerClass(name, source, True, _special_tokens(name))
    if name.removesuffix("Fast") not in (*_LIKE_BERT, *_SPECIAL_TOKENS):
        if name.startswith("BertJapanese"):
            raise UserError(
                f"{source}: the {_FIELD} is {name}, which splits words with MeCab or another "
                f"library that no server has: {NO_TOKENIZER_EXPORT}."
            )
        raise UserError(
            f"{source}: the {_FIELD} is {name}, where {DEFAULT_CLASS}, one that reads "
            f"{VOCABULARY_FILE} as it does, or {_GENERIC[0]} with a {TOKENIZER_FILE} of BERT's is "
            f"expected: {NO_TOKENIZER_EXPORT}."
        )
    is_generic = has_tokenizer_json and name.removesuffix("Fast") in _GENERIC_WITH_TOKENIZER_JSON
    return TokenizerClass(name, source, is_generic, _special_tokens(name))


def _special_tokens(name: str) -> SpecialTokens:
    return _SPECIAL_TOKENS.get(name.removesuffix("Fast"), _OF_BERT)
