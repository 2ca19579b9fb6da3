"""SavedModels of three kinds, exported once."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from bert.tokenizers.google_research import FullTokenizer
from bert.tokenizers.huggingface.characters import HuggingFaceCharacters
from bert.tokenizers.huggingface.settings import HuggingFaceSettings
from bert.tokenizers.huggingface.tokenizer import HuggingFaceTokenizer
from bert.tokenizers.vocabulary import Vocabulary
from exporter import export
from tests.exporter.models.wrapped.saved_models import (
    HUB,
    HUGGING_FACE,
    RECIPE,
    encoder,
    logits_named,
    write_old_saved_model,
    write_saved_model,
    write_vocabulary,
)
from tests.exporter.models.wrapped.wrapped import LENGTH, Wrapped
from tests.tiny_model import LABELS, TinyModel, write_tiny_model


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("wrapped")


@pytest.fixture(scope="module")
def vocabulary(scratch: Path) -> Path:
    return write_vocabulary(scratch)


@pytest.fixture(scope="module")
def recipe_model(scratch: Path) -> TinyModel:
    return write_tiny_model(scratch / "tiny", max_position_embeddings=64)


@pytest.fixture(scope="module")
def recipe(scratch: Path, recipe_model: TinyModel, vocabulary: Path) -> Wrapped:
    """Variables of TensorFlow 1, by whose name no later loader finds their values."""
    directory = write_old_saved_model(scratch / "exported" / "1579422100", recipe_model, LENGTH)
    report = export(
        directory,
        scratch / "recipe",
        vocab_file=vocabulary,
        labels=LABELS,
        warmup=False,
        verify=False,
    )
    tokenizer = FullTokenizer(Vocabulary.from_file(vocabulary), True)
    return Wrapped(directory, report.version_directory, RECIPE, LENGTH, np.int32, tokenizer)


@pytest.fixture(scope="module")
def hub(scratch: Path, vocabulary: Path) -> Wrapped:
    """Vocabulary and casing are its own, so no flag is needed."""
    directory = write_saved_model(
        scratch / "hub_model", HUB, encoder, vocabulary=vocabulary, do_lower_case=True
    )
    report = export(
        directory, scratch / "hub", tokenizer="google_research", warmup=False, verify=False
    )
    tokenizer = FullTokenizer(Vocabulary.from_file(vocabulary), True)
    return Wrapped(directory, report.version_directory, HUB, None, np.int32, tokenizer)


@pytest.fixture(scope="module")
def hugging_face(scratch: Path) -> Wrapped:
    """The tokenizer lies two levels above, where transformers leaves it."""
    folder = scratch / "bert-base"
    vocabulary = write_vocabulary(folder)
    (folder / "tokenizer_config.json").write_text('{"model_max_length": 32}')
    directory = write_saved_model(
        folder / "saved_model" / "1", HUGGING_FACE, logits_named("logits"), dtype=tf.int64
    )
    report = export(directory, scratch / "hugging_face", warmup=False, verify=False)
    assert report.model.max_seq_length == 32
    assert report.model.tokenizer == "huggingface"
    pieces = Vocabulary.from_file(vocabulary)
    tokenizer = HuggingFaceTokenizer(
        pieces, HuggingFaceSettings.of_vocabulary(pieces, True), HuggingFaceCharacters.load()
    )
    return Wrapped(directory, report.version_directory, HUGGING_FACE, None, np.int64, tokenizer)
