"""Pairs with two separators, as RobertaProcessing of `tokenizers` makes them."""

import dataclasses

import tensorflow as tf
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from bert.model import HUGGINGFACE
from bert.tokenizers.huggingface.settings import AddedToken, HuggingFaceSettings, PairForm
from bert.tokenizers.vocabulary import Vocabulary
from exporter.text.engine.wordpiece import FAST_OP
from exporter.text.pipeline import TextPipeline
from exporter.text.profiles import PROFILES
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


def test_two_separators() -> None:
    ids = {token: index for index, token in enumerate(_TOKENS)}
    library = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    library.normalizer = normalizers.BertNormalizer(lowercase=True)
    library.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    library.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    special = ["<s>", "<pad>", "</s>", "<mask>"]
    library.add_special_tokens(special)
    settings = HuggingFaceSettings(
        lowercase=True,
        strip_accents=True,
        cls_token="<s>",
        sep_token="</s>",
        pair_form=PairForm(2, 0),
        added_tokens=tuple(AddedToken(token, ids[token]) for token in special),
    )
    first, second = ([text.encode() for text in texts] for texts in zip(*_PAIRS, strict=True))
    for length in (5, 8, 9, 40):
        library.enable_truncation(length)
        expected = [library.encode(*pair) for pair in _PAIRS]
        bare = weightless_model(Vocabulary(_TOKENS), HUGGINGFACE, True, length)
        model = dataclasses.replace(bare, tokenizer_settings=settings)
        reference = PROFILES[HUGGINGFACE].build_reference(model)
        tokens = TextPipeline(model, FAST_OP).tokenize([tf.constant(first), tf.constant(second)])
        splits = tokens.row_splits.numpy()
        for row, (pair, encoding) in enumerate(zip(_PAIRS, expected, strict=True)):
            place = slice(splits[row], splits[row + 1])
            found = tokens.ids[place].numpy().tolist(), tokens.segment_ids[place].numpy().tolist()
            assert found == (encoding.ids, encoding.type_ids), pair
            assert reference.encode(*pair, length) == found
