"""A tokenizer as an artefact: written by one process, loaded by another."""

import itertools
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from bert.tokenizers.vocabulary import Vocabulary
from exporter.artefact.saving import fastest_word_piece_op
from exporter.serving.gate import target_release
from exporter.serving.op_tables import OpTables
from exporter.text.profiles import PROFILES
from exporter.text.registration import register_text_ops
from tests.tiny_model import weightless_model


class Row(NamedTuple):
    """The pieces of one text."""

    ids: list[int]
    starts: list[int]
    ends: list[int]


class TokenizerArtefact:
    """A saved tokenizer, loaded."""

    def __init__(self, directory: Path) -> None:
        register_text_ops()
        self._loaded = tf.saved_model.load(str(directory))
        self._tokenize = self._loaded.signatures["tokenize"]

    def __call__(self, texts: Sequence[bytes]) -> list[Row]:
        outputs = self._tokenize(text=tf.constant(texts, tf.string))
        ids, starts, ends, splits = (
            outputs[name].numpy().tolist() for name in ("ids", "starts", "ends", "row_splits")
        )
        return [Row(ids[a:b], starts[a:b], ends[a:b]) for a, b in itertools.pairwise(splits)]


def build_in_fresh_process(
    directory: Path, vocabulary: Path, profile: str, do_lower_case: bool, target_serving: str
) -> None:
    """Writes a tokenizer's SavedModel from a process that ends before it is loaded."""
    arguments = [directory, vocabulary, profile, int(do_lower_case), target_serving]
    module = "tests.programs.tokenization_parity.artefact"
    subprocess.run([sys.executable, "-m", module, *map(str, arguments)], check=True)


def _build(
    directory: str, vocabulary_file: str, profile: str, do_lower_case: str, target_serving: str
) -> None:
    tables = OpTables()
    op = fastest_word_piece_op(target_release(target_serving, tables), tables)
    model = weightless_model(
        Vocabulary.from_file(Path(vocabulary_file)), profile, bool(int(do_lower_case))
    )
    module = tf.Module()
    module.tokenizer = PROFILES[profile].build(model, op)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def tokenize(text: tf.Tensor) -> dict[str, tf.Tensor]:
        tokens = module.tokenizer.tokenize_with_offsets(text)
        return {**tokens._asdict()}

    tf.saved_model.save(module, directory, signatures={"tokenize": tokenize})


if __name__ == "__main__":
    _build(*sys.argv[1:])
