"""Vocabularies with characters that the ops on the way to WordPiece cannot carry."""

import itertools

import pytest
import tensorflow as tf

from bert.model import GOOGLE_RESEARCH, HUGGINGFACE
from bert.tokenizers.vocabulary import Vocabulary
from exporter.text.engine.wordpiece import CLASSIC_OP, FAST_OP
from exporter.text.profiles import PROFILES
from tests.tiny_model import weightless_model

_TROUBLE = ("\0", "\ufffd", "\ufffe", "\ufdd0", "\U0001fffe", "\uffff", "\U0010ffff")
_HELD = _TROUBLE[:5]


@pytest.mark.parametrize("op", [FAST_OP, CLASSIC_OP])
@pytest.mark.parametrize("do_lower_case", [True, False], ids=["uncased", "cased"])
@pytest.mark.parametrize("library", [GOOGLE_RESEARCH, HUGGINGFACE])
def test_ids(library: str, do_lower_case: bool, op: str) -> None:
    pieces = (form for c in (*_HELD, "a", "A") for form in (c, f"##{c}", f"{c}a"))
    vocabulary = Vocabulary(("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *pieces))
    model = weightless_model(vocabulary, library, do_lower_case)
    profile = PROFILES[library]
    lines = ["".join(line) for line in itertools.product((*_TROUBLE, "a"), repeat=3)]
    tokenizer = profile.build(model, op)
    tokens = tokenizer.tokenize_with_offsets(tf.constant([line.encode() for line in lines]))
    ids, splits = tokens.ids.numpy().tolist(), tokens.row_splits.numpy().tolist()
    reference = profile.build_reference(model)
    for line, (first, last) in zip(lines, itertools.pairwise(splits), strict=True):
        assert [2, *ids[first:last], 3] == reference.encode(line, None, 64)[0], ascii(line)
    spread = set(ids)
    assert {vocabulary.ids[c] for c in ("\ufffe", "\ufdd0", "\U0001fffe")} <= spread
