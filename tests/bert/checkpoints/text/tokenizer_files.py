"""Files of Hugging Face tokenizers, as the library and people write them."""

import json
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import models, normalizers, pre_tokenizers, processors

from bert.checkpoints.text.huggingface_files import HuggingFaceTokenizerFiles, find_tokenizer
from bert.tokenizers.huggingface.settings import SPECIAL_TOKENS

PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##a", "foo", "é")
GENERIC = {"tokenizer_class": "PreTrainedTokenizerFast"}


def build(**settings: Any) -> tokenizers.Tokenizer:
    """A tokenizer as the library makes it."""
    tokenizer = tokenizers.Tokenizer(
        models.WordPiece({piece: i for i, piece in enumerate(PIECES)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer(**settings)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS))
    return tokenizer


def find(directory: Path, do_lower_case: bool | None = None) -> HuggingFaceTokenizerFiles:
    return find_tokenizer(directory, None, do_lower_case)


def write_vocabulary(directory: Path) -> None:
    (directory / "vocab.txt").write_text("".join(f"{piece}\n" for piece in PIECES))


def write_json(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content))
