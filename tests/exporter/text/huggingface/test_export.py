"""Exports of every tokenizer but the default one, verified and asked as a stranger would."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tokenizers
from tokenizers import models, normalizers, pre_tokenizers, processors

from bert.errors import UserError
from bert.model import HUGGINGFACE, TENSORFLOW_TEXT, TENSORFLOW_TEXT_FAST
from bert.tokenizers.huggingface.settings import SPECIAL_TOKENS
from exporter import export
from tests.conftest import load_signatures
from tests.exporter.text import texts
from tests.tiny_model import LABELS, TinyModel, write_tiny_model

_LINES = (*texts.SENTENCES, "[MASK] the film is <good>very bad", "FUN fun", "")
_NAMES = ("input_ids", "segment_ids", "starts", "ends")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    """With room for two more tokens in the embeddings."""
    directory = tmp_path_factory.mktemp("checkpoint") / "out"
    rows = len(write_tiny_model(directory).tokens) + 2
    return write_tiny_model(directory, vocab_size=rows)


@pytest.fixture(scope="module")
def library(checkpoint: TinyModel) -> tokenizers.Tokenizer:
    """Its tokenizer, saved beside it."""
    pieces = {piece: index for index, piece in enumerate(checkpoint.tokens)}
    tokenizer = tokenizers.Tokenizer(models.WordPiece(pieces, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(
        ("[SEP]", pieces["[SEP]"]), ("[CLS]", pieces["[CLS]"])
    )
    tokenizer.add_special_tokens([*SPECIAL_TOKENS, "<good>"])
    tokenizer.add_tokens([tokenizers.AddedToken("Very bad", lstrip=True)])
    tokenizer.save(str(checkpoint.directory / "tokenizer.json"))
    tokenizer.enable_truncation(checkpoint.max_seq_length, strategy="longest_first")
    return tokenizer


@pytest.mark.parametrize(
    ("text_pair", "target_serving"), [(False, "2.5.1"), (True, "2.12.0")], ids=["single", "pair"]
)
def test_huggingface(
    checkpoint: TinyModel,
    library: tokenizers.Tokenizer,
    text_pair: bool,
    target_serving: str,
    tmp_path: Path,
) -> None:
    report = export(
        checkpoint.prefix,
        tmp_path / "served",
        tokenizer=HUGGINGFACE,
        text_pair=text_pair,
        target_serving=target_serving,
        warmup=False,
    )
    assert report.verification is not None and report.verification.texts_with_equal_ids > 30
    described = json.loads((report.version_directory / "assets.extra/export.json").read_text())
    assert described["text"]["tokenizer"] == HUGGINGFACE
    assert described["text"]["unicode_version"] == f"tokenizers {tokenizers.__version__}"
    assert described["text"]["tokenizer_settings"]["added_tokens"][-1]["content"] == "Very bad"
    vocabulary = (report.version_directory / "assets/vocab.txt").read_text().split("\n")
    assert vocabulary[len(checkpoint.tokens) :] == ["<good>", "Very bad", ""]

    rows = [(a, b) for a in _LINES for b in _LINES[-6:]] if text_pair else [(a,) for a in _LINES]
    names = ("text_a", "text_b") if text_pair else ("text",)
    columns = zip(*rows, strict=True)
    inputs = {name: tf.constant(list(c)) for name, c in zip(names, columns, strict=True)}
    answer = load_signatures(report.version_directory)["tokenize"](**inputs)
    mask = answer["input_mask"].numpy().astype(bool)
    encodings = library.encode_batch([row if text_pair else row[0] for row in rows])
    for number, encoding in enumerate(encodings):
        ids, segment_ids, starts, ends = (answer[n].numpy()[number][mask[number]] for n in _NAMES)
        assert ids.tolist() == encoding.ids
        assert segment_ids.tolist() == encoding.type_ids
        inside = ~np.array(encoding.special_tokens_mask, bool)
        offsets = np.array(encoding.offsets)[inside].reshape(-1, 2)
        np.testing.assert_array_equal(np.stack([starts, ends], 1)[inside], offsets)


@pytest.mark.parametrize(
    ("tokenizer", "text_pair"), [(TENSORFLOW_TEXT, True), (TENSORFLOW_TEXT_FAST, False)]
)
def test_tensorflow_text(
    tiny_model: TinyModel, tokenizer: str, text_pair: bool, tmp_path: Path
) -> None:
    report = export(
        tiny_model.prefix,
        tmp_path / "served",
        tokenizer=tokenizer,
        text_pair=text_pair,
        warmup=False,
    )
    assert report.verification is not None and report.verification.texts_with_equal_ids > 30
    described = json.loads((report.version_directory / "assets.extra/export.json").read_text())
    assert described["text"]["tokenizer"] == tokenizer
    assert described["text"]["unicode_version"].startswith("tensorflow-text")


def test_servers_without_an_op_are_refused(tiny_model: TinyModel, tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "labels": LABELS,
        "warmup": False,
        "verify": False,
        "target_serving": "2.5.1",
    }
    with pytest.raises(UserError, match="FastBertNormalize"):
        export(tiny_model.prefix, tmp_path, tokenizer=TENSORFLOW_TEXT_FAST, **options)
    report = export(tiny_model.prefix, tmp_path, tokenizer=TENSORFLOW_TEXT, **options)
    assert report.version_directory.is_dir()


def test_added_tokens_without_embeddings_are_refused(
    checkpoint: TinyModel, library: tokenizers.Tokenizer, tmp_path: Path
) -> None:
    file = checkpoint.directory / "tokenizer.json"
    content = file.read_text()
    larger = tokenizers.Tokenizer.from_str(library.to_str())
    larger.add_tokens(["one more"])
    larger.save(str(file))
    try:
        with pytest.raises(UserError, match="word embeddings"):
            export(checkpoint.prefix, tmp_path, tokenizer=HUGGINGFACE)
    finally:
        file.write_text(content)
