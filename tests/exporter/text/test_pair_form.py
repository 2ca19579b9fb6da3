"""Pairs with two separators, as RobertaProcessing of `tokenizers` makes them."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from bert.encoder.packed_tokens import PackedTokens
from bert.model import HUGGINGFACE, FineTunedModel
from bert.tasks import QUESTION_ANSWERING
from bert.tokenizers.huggingface.settings import AddedToken, HuggingFaceSettings, PairForm
from bert.tokenizers.vocabulary import Vocabulary
from exporter.text.engine.wordpiece import FAST_OP
from exporter.text.pipeline import TextPipeline
from exporter.text.profiles import PROFILES
from exporter.text.questions import QuestionKeywords
from tests.tiny_model import tiny_tokens, weightless_model

_TOKENS = ("<s>", "<pad>", "</s>", *tiny_tokens(), "<mask>")
_PAIRS = [
    ("the film is good", "not very fun"),
    ("", "bad"),
    ("a", ""),
    ("", ""),
    ("the film " * 9, "a bad film " * 9),
    ("the film", "is very good " * 9),
    ("a <mask> film</s>", "<s> fun <pad>"),
]


_IDS = {token: index for index, token in enumerate(_TOKENS)}
_SPECIAL = ["<s>", "<pad>", "</s>", "<mask>"]


@pytest.fixture
def library() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(_IDS, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    tokenizer.add_special_tokens(_SPECIAL)
    return tokenizer


def model_of(length: int) -> FineTunedModel:
    settings = HuggingFaceSettings(
        lowercase=True,
        strip_accents=True,
        cls_token="<s>",
        sep_token="</s>",
        pair_form=PairForm(2, 0),
        added_tokens=tuple(AddedToken(token, _IDS[token]) for token in _SPECIAL),
    )
    bare = weightless_model(Vocabulary(_TOKENS), HUGGINGFACE, True, length)
    return dataclasses.replace(bare, tokenizer_settings=settings)


def tensors_of(pairs: list[tuple[str, str]]) -> list[tf.Tensor]:
    return [tf.constant([text.encode() for text in texts]) for texts in zip(*pairs, strict=True)]


def rows_of(tokens: PackedTokens) -> list[tuple[list[int], list[int]]]:
    """Ids and segment ids of each row."""
    splits = tokens.row_splits.numpy()[1:-1]
    columns = (np.split(values.numpy(), splits) for values in (tokens.ids, tokens.segment_ids))
    return [(ids.tolist(), segments.tolist()) for ids, segments in zip(*columns, strict=True)]


@pytest.mark.parametrize("length", [5, 8, 9, 40])
def test_two_separators(length: int, library: Tokenizer) -> None:
    library.enable_truncation(length)
    model = model_of(length)
    reference = PROFILES[HUGGINGFACE].build_reference(model)
    rows = rows_of(TextPipeline(model, FAST_OP).tokenize(tensors_of(_PAIRS)))
    for pair, row in zip(_PAIRS, rows, strict=True):
        encoding = library.encode(*pair)
        assert row == (encoding.ids, encoding.type_ids), pair
        assert reference.encode(*pair, length) == row


@pytest.mark.parametrize(("length", "stride"), [(23, 4), (24, 0), (40, 16)])
def test_windows_behind_two_separators(length: int, stride: int, library: Tokenizer) -> None:
    """As the library cuts contexts, with the place of each of their tokens."""
    library.enable_truncation(length, stride=stride, strategy="only_second")
    model = dataclasses.replace(model_of(length), task=QUESTION_ANSWERING)
    settings = QuestionKeywords(doc_stride=stride).question_settings(model)
    # The special tokens, and one token of the context that the window before has not.
    assert settings is not None and settings.max_query_length == length - 4 - stride - 1
    # A longer question is cut here, and never there.
    pairs = [pair for pair in _PAIRS if len(pair[0].split()) < 14]
    pairs += [("is <mask> good", "funny, bad. " * 30), ("", "film</s> " * 37)]
    windows = TextPipeline(model, FAST_OP, settings).windows(tensors_of(pairs))
    found = rows_of(windows.tokens)
    splits = windows.tokens.row_splits.numpy()[1:-1]
    starts, ends = (np.split(v.numpy(), splits) for v in (windows.starts, windows.ends))
    number = 0
    for row, pair in enumerate(pairs):
        first = library.encode(*pair)
        for encoding in (first, *first.overflowing):
            assert windows.rows.numpy()[number] == row
            assert found[number] == (encoding.ids, encoding.type_ids), pair
            places = [
                place if of == 1 else (-1, -1)
                for of, place in zip(encoding.sequence_ids, encoding.offsets, strict=True)
            ]
            assert list(zip(starts[number], ends[number], strict=True)) == places
            number += 1
    assert number == len(found) > 2 * len(pairs)
