"""Texts to ids padded to the longest row, with Hugging Face's `tokenizers`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from tokenizers import BertWordPieceTokenizer

_MAX_SEQ_LENGTH = 512

Features = dict[str, np.ndarray]


def padded_rows(vocabulary_file: Path) -> Callable[[list[str]], Features]:
    """A function from texts to what transformers' models take, int64 [B, S] each."""
    tokenizer = BertWordPieceTokenizer(str(vocabulary_file), lowercase=True)
    tokenizer.enable_truncation(_MAX_SEQ_LENGTH)
    tokenizer.enable_padding()

    def features(texts: list[str]) -> Features:
        rows = tokenizer.encode_batch(texts)
        return {
            "input_ids": np.array([row.ids for row in rows], np.int64),
            "attention_mask": np.array([row.attention_mask for row in rows], np.int64),
            "token_type_ids": np.array([row.type_ids for row in rows], np.int64),
        }

    return features
