"""Tokenizers of the tiny model, the original's among them."""

import pytest

from bert.tokenizers.google_research import FullTokenizer
from bert.tokenizers.vocabulary import Vocabulary
from tests.exporter.artefact.long_texts import Tokenize
from tests.oracles.original_tokenizer import original_tokenizer
from tests.tiny_model import TinyModel


@pytest.fixture(scope="module")
def tokenizer(tiny_model: TinyModel) -> FullTokenizer:
    return FullTokenizer(Vocabulary(tiny_model.tokens), tiny_model.do_lower_case)


@pytest.fixture(scope="module")
def tokenize(tiny_model: TinyModel) -> Tokenize:
    return original_tokenizer(tiny_model.directory / "vocab.txt", tiny_model.do_lower_case)


@pytest.fixture(scope="module")
def special_ids(tiny_model: TinyModel) -> tuple[int, int]:
    return tiny_model.tokens.index("[CLS]"), tiny_model.tokens.index("[SEP]")
