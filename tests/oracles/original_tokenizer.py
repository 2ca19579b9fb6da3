"""The original FullTokenizer of google-research/bert as a function from bytes to ids."""

from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from tests.oracles.original_bert import load_tokenization


def original_tokenizer(vocabulary_file: Path, do_lower_case: bool) -> Callable[[bytes], list[int]]:
    """Tokenizes with the wheel's code, and the vocabulary that GitHub's `load_vocab` reads."""
    tokenizer = load_tokenization().FullTokenizer(str(vocabulary_file), do_lower_case)
    vocabulary = read_as_github(vocabulary_file)
    tokenizer.vocab = vocabulary
    tokenizer.inv_vocab = {index: token for token, index in vocabulary.items()}
    tokenizer.wordpiece_tokenizer.vocab = vocabulary

    def ids(text: bytes) -> list[int]:
        return tokenizer.convert_tokens_to_ids(tokenizer.tokenize(text))

    return ids


def read_as_github(vocabulary_file: Path) -> dict[str, int]:
    """`load_vocab` of github.com/google-research/bert: it counts every line.

    The wheel's counts the different ones. Their ids are the same for a file without blank
    and duplicate lines.
    """
    vocabulary: dict[str, int] = {}
    index = 0
    with tf.io.gfile.GFile(str(vocabulary_file), "r") as reader:
        while True:
            token = reader.readline()
            if not token:
                return vocabulary
            vocabulary[token.strip()] = index
            index += 1
