"""The original tokenizer of the tiny model."""

import pytest

from bert.tokenizers.google_research import FullTokenizer
from bert.tokenizers.vocabulary import Vocabulary
from tests.tiny_model import TinyModel


@pytest.fixture(scope="module")
def tokenizer(tiny_model: TinyModel) -> FullTokenizer:
    return FullTokenizer(Vocabulary(tiny_model.tokens), tiny_model.do_lower_case)
