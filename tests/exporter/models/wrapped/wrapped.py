"""A SavedModel, its export, and what the SavedModel itself answers."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from bert.tokenizers.google_research import FullTokenizer
from bert.tokenizers.huggingface.tokenizer import HuggingFaceTokenizer
from tests.conftest import Signatures, load_signatures
from tests.exporter.models.wrapped.saved_models import (
    RECIPE,
    answers_of,
)

LENGTH = 40


class Wrapped(NamedTuple):
    """A SavedModel, its export, and what its texts' features are."""

    directory: Path
    version_directory: Path
    names: tuple[str, str, str]
    length: int | None
    dtype: type[np.integer]
    tokenizer: FullTokenizer | HuggingFaceTokenizer

    @property
    def signatures(self) -> Signatures:
        return load_signatures(self.version_directory)

    def ids(self, text: bytes, max_seq_length: int) -> list[int]:
        return self.tokenizer.encode(text, None, max_seq_length)[0]

    def expected(self, texts: tuple[bytes, ...], max_seq_length: int, output: str) -> np.ndarray:
        """What the SavedModel itself says of texts."""
        return self.answers([self.ids(text, max_seq_length) for text in texts], output)

    def answers(self, rows: list[list[int]], output: str) -> np.ndarray:
        """What it says of ids, a row at a time, padded as its clients do: [rows, ...]."""
        answers = []
        for ids in rows:
            row = np.zeros([3, 1, self.length or len(ids)], self.dtype)
            row[0, 0, : len(ids)] = ids
            row[1, 0, : len(ids)] = 1
            inputs = dict(zip(self.names, row, strict=True))
            if self.names == RECIPE:
                inputs["label_ids"] = np.zeros([1], np.int32)
            answers.append(answers_of(self.directory, inputs)[output])
        return np.concatenate(answers)


def ask(signature: object, texts: tuple[bytes, ...]) -> Mapping[str, np.ndarray]:
    answer = signature(text=tf.constant(texts))  # type: ignore[operator]
    return {name: values.numpy() for name, values in answer.items()}
