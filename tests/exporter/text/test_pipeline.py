"""The two ways through the pipeline: with places in the text, and without."""

import unicodedata

import numpy as np
import pytest
import tensorflow as tf

from bert.tokenizers.vocabulary import Vocabulary
from exporter.text.engine.wordpiece import CLASSIC_OP, FAST_OP
from exporter.text.pipeline import NOT_IN_TEXT, TextPipeline
from exporter.text.profiles import PROFILES
from tests.exporter.text import texts
from tests.exporter.text.vocabularies import unique
from tests.tiny_model import weightless_model

# What only the offsets need: the first and last code point of a piece.
_OFFSET_OPS = {"SegmentMin", "SegmentMax"}

# Places of the special tokens in the vocabulary.
_CLS, _SEP = 2, 3


def pipeline_of(tokenizer: str, op: str) -> TextPipeline:
    lines = "".join((*texts.EXAMPLES, *texts.SENTENCES)).lower()
    # FastBertTokenizer takes no vocabulary with pieces of control characters.
    characters = [c for c in unique(lines) if unicodedata.category(c)[0] not in "CZ"]
    pieces = (form for c in characters for form in (c, f"##{c}"))
    special = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    vocabulary = Vocabulary(tuple(unique((*special, *pieces))))
    return TextPipeline(weightless_model(vocabulary, tokenizer, True), op)


def ops_of(function: tf.types.experimental.ConcreteFunction) -> list[str]:
    graph = function.graph.as_graph_def()
    in_functions = [node.op for f in graph.library.function for node in f.node_def]
    return in_functions + [node.op for node in graph.node]


@pytest.mark.parametrize("op", [FAST_OP, CLASSIC_OP])
@pytest.mark.parametrize("tokenizer", PROFILES)
@pytest.mark.parametrize("num_texts", [1, 2])
def test_tokens_are_the_same_without_their_places(tokenizer: str, op: str, num_texts: int) -> None:
    pipeline = pipeline_of(tokenizer, op)
    specs = [[tf.TensorSpec([None], tf.string)] * num_texts]
    with_places = tf.function(pipeline.tokenize_with_offsets, specs).get_concrete_function()
    without = tf.function(pipeline.tokenize, specs).get_concrete_function()
    assert not _OFFSET_OPS.intersection(ops_of(without))
    assert len(ops_of(without)) < 0.9 * len(ops_of(with_places))

    lines = [line.encode() for line in (*texts.EXAMPLES, *texts.SENTENCES)]
    for batch in (lines, [b"a plain one.", b"and another"], [b"\xff", b""], []):
        columns = [tf.constant(batch, tf.string), tf.constant(batch[::-1], tf.string)]
        packed = with_places(*columns[:num_texts])
        expected = packed.tokens
        for value, other in zip(without(*columns[:num_texts]), expected, strict=True):
            np.testing.assert_array_equal(value, other)
        splits = expected.row_splits.numpy()
        for place in (packed.starts.numpy(), packed.ends.numpy()):
            assert np.all(place[splits[:-1]] == NOT_IN_TEXT)
            assert np.all(place[splits[1:] - 1] == NOT_IN_TEXT)
            assert np.isin(expected.ids.numpy()[place == NOT_IN_TEXT], (_CLS, _SEP)).all()
