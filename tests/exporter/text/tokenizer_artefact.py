"""The in-graph tokenizer as an artefact of its own: saved, loaded again, and called."""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import tensorflow as tf

from bert.model import GOOGLE_RESEARCH
from bert.tokenizers.vocabulary import Vocabulary
from exporter.text.profiles import PROFILES
from tests.tiny_model import weightless_model

Ids = list[list[int]]
Tokenize = Callable[[Sequence[bytes]], Ids]


def save_and_load(directory: Path, vocabulary_file: Path, do_lower_case: bool, op: str) -> Tokenize:
    """A function from texts to ids that runs in what `tf.saved_model.load` returns."""
    vocabulary = Vocabulary.from_file(vocabulary_file)
    model = weightless_model(vocabulary, GOOGLE_RESEARCH, do_lower_case)
    module = tf.Module()
    module.tokenizer = PROFILES[GOOGLE_RESEARCH].build(model, op)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def tokenize(text: tf.Tensor) -> dict[str, tf.Tensor]:
        tokens = module.tokenizer.tokenize_with_offsets(text)
        return {"ids": tokens.ids, "row_splits": tokens.row_splits}

    module.tokenize = tokenize
    tf.saved_model.save(module, str(directory), signatures={"tokenize": tokenize})
    loaded = tf.saved_model.load(str(directory))
    signature = loaded.signatures["tokenize"]

    def ids(texts: Sequence[bytes], batch_size: int = 4096) -> Ids:
        rows: Ids = []
        for start in range(0, len(texts), batch_size):
            outputs = signature(text=tf.constant(texts[start : start + batch_size], tf.string))
            flat, splits = outputs["ids"].numpy().tolist(), outputs["row_splits"].numpy().tolist()
            assert len(flat) == splits[-1]
            rows += [flat[a:b] for a, b in itertools.pairwise(splits)]
        assert loaded is not None  # its tables live as long as it does
        return rows

    return ids
