"""Texts to ids padded to the longest row, with Hugging Face's `tokenizers`."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from tokenizers import BertWordPieceTokenizer, Encoding

_MAX_SEQ_LENGTH = 512
_ROLES = ("cls_token", "sep_token", "pad_token", "mask_token")

Features = dict[str, np.ndarray]


def padding_tokenizer(directory: Path) -> BertWordPieceTokenizer:
    """The tokenizer, whose `encode_batch` gives rows of one length.

    Takes vocab.txt of the directory, and special tokens from its tokenizer_config.json.
    """
    settings = json.loads((directory / "tokenizer_config.json").read_text(encoding="utf-8"))
    roles = {role: settings[role] for role in _ROLES if role in settings}
    tokenizer = BertWordPieceTokenizer(str(directory / "vocab.txt"), lowercase=True, **roles)
    tokenizer.enable_truncation(_MAX_SEQ_LENGTH)
    pad_token = roles.get("pad_token", "[PAD]")
    tokenizer.enable_padding(pad_id=tokenizer.token_to_id(pad_token), pad_token=pad_token)
    return tokenizer


def features_of(rows: Sequence[Encoding]) -> Features:
    """What transformers' models take, int64 [B, S] each."""
    return {
        "input_ids": np.array([row.ids for row in rows], np.int64),
        "attention_mask": np.array([row.attention_mask for row in rows], np.int64),
        "token_type_ids": np.array([row.type_ids for row in rows], np.int64),
    }


def padded_rows(directory: Path) -> Callable[[list[str]], Features]:
    """A function from texts to features, by the tokenizer of the directory."""
    tokenizer = padding_tokenizer(directory)
    return lambda texts: features_of(tokenizer.encode_batch(texts))
