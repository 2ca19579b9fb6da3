"""Texts and pairs as Hugging Face's library puts them together, cut to length."""

import dataclasses
import itertools

import pytest
import tensorflow as tf
from tokenizers import Tokenizer

from bert.model import FineTunedModel
from bert.tokenizers.huggingface.characters import HuggingFaceCharacters
from bert.tokenizers.huggingface.settings import HuggingFaceSettings
from bert.tokenizers.huggingface.tokenizer import HuggingFaceTokenizer, kept_lengths
from exporter.text.engine.wordpiece import FAST_OP
from exporter.text.packing import keep_longest_first
from exporter.text.pipeline import TextPipeline
from tests.exporter.text import texts
from tests.exporter.text.huggingface.artefact import model_of, pieces_of, special_tokens
from tests.oracles.huggingface_with_settings import huggingface_tokenizer

_LONGEST = 40
_SPECIAL_TOKENS = 3


@pytest.fixture(scope="module")
def model() -> FineTunedModel:
    base = HuggingFaceSettings(True, True)
    sample = texts.characters(20)
    tokens = tuple(special_tokens(pieces_of(sample, base)))
    return model_of(dataclasses.replace(base, added_tokens=tokens), sample)


@pytest.fixture(scope="module")
def library(model: FineTunedModel) -> Tokenizer:
    return huggingface_tokenizer(model.vocabulary, model.huggingface_settings())


def test_pair_lengths(library: Tokenizer) -> None:
    """All lengths to 40, all budgets, in the library, in Python and in graph."""
    lengths = list(itertools.product(range(_LONGEST + 1), repeat=2))
    pairs = [("a " * a, "b " * b) for a, b in lengths]
    in_graph = tf.function(keep_longest_first)
    for budget in range(2 * _LONGEST + 2):
        library.enable_truncation(budget + _SPECIAL_TOKENS, strategy="longest_first")
        kept = [
            (encoding.type_ids.count(0) - 2, encoding.type_ids.count(1) - 1)
            for encoding in library.encode_batch(pairs)
        ]
        library.no_truncation()
        kept_a, kept_b = in_graph(*map(tf.constant, zip(*lengths, strict=True)), budget)
        assert list(zip(kept_a.numpy().tolist(), kept_b.numpy().tolist(), strict=True)) == kept
        assert [kept_lengths(a, b, budget) for a, b in lengths] == kept


@pytest.mark.parametrize("max_seq_length", [3, 4, 7, 16, 64])
@pytest.mark.parametrize("text_pair", [False, True], ids=["single", "pair"])
def test_whole_inputs(
    model: FineTunedModel, library: Tokenizer, text_pair: bool, max_seq_length: int
) -> None:
    """Ids, segments and offsets with [CLS] and [SEP], an empty second text included."""
    model = dataclasses.replace(model, max_seq_length=max_seq_length)
    lines = ["", "a b c", "[SEP] é", "\u00ad", *texts.SENTENCES, "x " * 70]
    rows = list(itertools.product(lines, repeat=2)) if text_pair else [(line,) for line in lines]
    library.enable_truncation(max_seq_length, strategy="longest_first")
    encodings = library.encode_batch([row if text_pair else row[0] for row in rows])
    library.no_truncation()
    reference = HuggingFaceTokenizer(
        model.vocabulary, model.huggingface_settings(), HuggingFaceCharacters.load()
    )
    packed = TextPipeline(model, FAST_OP).tokenize_with_offsets(
        [tf.constant(list(c)) for c in zip(*rows, strict=True)]
    )
    splits = packed.tokens.row_splits.numpy().tolist()
    ids, segments, starts, ends = (
        values.numpy().tolist()
        for values in (packed.tokens.ids, packed.tokens.segment_ids, packed.starts, packed.ends)
    )
    for number, (row, encoding) in enumerate(zip(rows, encodings, strict=True)):
        span = slice(splits[number], splits[number + 1])
        assert ids[span] == encoding.ids, row
        assert segments[span] == encoding.type_ids, row
        # The library says (0, 0) of the special tokens around the texts.
        places = [
            (-1, -1) if special else offsets
            for special, offsets in zip(encoding.special_tokens_mask, encoding.offsets, strict=True)
        ]
        assert list(zip(starts[span], ends[span], strict=True)) == places, row
        second = row[1] if text_pair else None
        assert reference.encode(row[0], second, max_seq_length) == (ids[span], segments[span])
