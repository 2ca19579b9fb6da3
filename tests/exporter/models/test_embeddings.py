"""Embeddings as bert-as-service gave them: strategies, layers and vectors of tokens."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from bert.checkpoints import ReadOptions, google_research, read
from bert.errors import UserError
from bert.tasks import MEAN, Pooling
from bert.tokenizers.google_research import FullTokenizer
from exporter import export
from exporter.models.network import EncoderNetwork
from tests.bert.checkpoints.huggingface.directory import (
    of_encoder,
    variables,
    write_directory,
    write_sentence_transformer,
)
from tests.conftest import load_signatures
from tests.exporter.command import assert_refused, run_here
from tests.oracles.bert_as_service import STRATEGIES, OriginalVectors
from tests.tiny_model import tiny_config, tiny_tokens

_TEXTS = ("the film is good", "bad", "", "A very FUNNY film! [SEP]", "not " * 50, "漢 é")
_LAYERS = ((-1,), (-2,), (-1, -2, -3, -4))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, OriginalVectors]:
    """A checkpoint of pre-training, and the original that wrote it."""
    folder = tmp_path_factory.mktemp("pretrained")
    tokens = tiny_tokens()
    vocabulary = "".join(f"{token}\n" for token in tokens).encode()
    config = tiny_config(len(tokens), num_hidden_layers=5)
    google_research.write_settings(folder, config, vocabulary, True, 24)
    vectors = OriginalVectors(folder / "bert_config.json", seed=9)
    vectors.save(folder / "bert_model.ckpt")
    return folder, vectors


@pytest.mark.parametrize("layers", _LAYERS)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_vectors_are_those_of_bert_as_service(
    strategy: str, layers: tuple[int, ...], original: tuple[Path, OriginalVectors]
) -> None:
    folder, vectors = original
    options = ReadOptions(
        task="embedding", pooling_strategy=strategy, pooling_layer=[str(each) for each in layers]
    )
    model = read(folder, options)
    # What is above the highest layer is not there.
    assert model.config.num_hidden_layers == max(number % 5 for number in layers) + 1
    assert f"bert/encoder/layer_{model.config.num_hidden_layers}/output/dense/kernel" not in (
        model.weights
    )
    encode = FullTokenizer(model.vocabulary, True).encode
    rows = [encode(text, None, model.max_seq_length)[0] for text in _TEXTS]
    ids = np.zeros((len(rows), max(map(len, rows))), np.int32)
    mask = np.zeros_like(ids)
    for number, row in enumerate(rows):
        ids[number, : len(row)], mask[number, : len(row)] = row, 1
    features = (ids, mask, np.zeros_like(ids))
    answer = tf.function(EncoderNetwork(model).answer_features, autograph=False)
    expected = vectors.pooled(strategy, layers, *features)
    np.testing.assert_allclose(answer(*map(tf.constant, features)), expected, rtol=0, atol=1e-5)


def test_vectors_of_tokens(original: tuple[Path, OriginalVectors], tmp_path: Path) -> None:
    """With verification."""
    folder, vectors = original
    report = export(
        folder,
        tmp_path / "served",
        task="embedding",
        pooling_strategy="NONE",
        pooling_layer=("-2",),
        warmup=False,
    )
    assert report.signatures[:3] == ("serving_default", "text", "token_embeddings")
    signatures = load_signatures(report.version_directory)
    tokens = signatures["tokenize"](text=tf.constant(_TEXTS))
    features = [tokens[name].numpy() for name in ("input_ids", "input_mask", "segment_ids")]
    answer = signatures["text"](text=tf.constant(_TEXTS))
    expected = vectors.pooled("NONE", (-2,), *features)
    np.testing.assert_allclose(answer["embeddings"], expected, rtol=0, atol=1e-5)
    for key in ("tokens", "starts", "ends"):
        assert answer[key].numpy().tolist() == tokens[key].numpy().tolist()
    # One long row would pad all others.
    with pytest.raises(tf.errors.InvalidArgumentError, match="send fewer rows"):
        signatures["text"](text=tf.constant(["not " * 50, *[""] * 6000]))


def test_normalize(original: tuple[Path, OriginalVectors]) -> None:
    options = ReadOptions(task="embedding", pooling_strategy="REDUCE_MEAN", normalize=True)
    assert read(original[0], options).pooling == Pooling(MEAN, True)


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--pooling_layer=9",), "--pooling_layer is 9"),
        (("--pooling_layer=one",), "--pooling_layer is one"),
        (("--pooling_strategy=POOLER", "--pooling_layer=-2"), "--pooling_layer is -2"),
        (("--pooling_strategy=MEAN",), "REDUCE_MEAN"),
        (("--pooling_strategy=NONE", "--normalize"), "--nonormalize"),
    ],
)
def test_flags_that_do_not_fit(
    flags: tuple[str, ...],
    told: str,
    original: tuple[Path, OriginalVectors],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    arguments = [f"--checkpoint={original[0]}", f"--export_dir={tmp_path / 'served'}"]
    outcome = run_here(capfd, *arguments, "--task=embedding", *flags)
    assert_refused(outcome, told)


def test_flags_of_other_tasks(tmp_path: Path) -> None:
    directory = write_directory(tmp_path / "classifier")
    with pytest.raises(UserError, match="--task=embedding"):
        read(directory, ReadOptions(normalize=True))
    without_pooler = {
        name: value for name, value in of_encoder(variables()).items() if "pooler" not in name
    }
    encoder = write_directory(tmp_path / "encoder", without_pooler, "BertModel")
    with pytest.raises(UserError, match="no pooler"):
        read(encoder, ReadOptions(pooling_strategy="POOLER"))


def test_a_prompt_stands_before_every_text(tmp_path: Path) -> None:
    """Places are those of the request's own text."""
    directory = write_sentence_transformer(tmp_path / "model", {"pooling_mode": ["cls", "max"]})
    (directory / "config_sentence_transformers.json").write_text(
        '{"prompts": {"query": "good film! "}, "default_prompt_name": "query"}'
    )
    report = export(directory, tmp_path / "served", warmup=False)
    signatures = load_signatures(report.version_directory)
    tokens = signatures["tokenize"](text=tf.constant(["not bad", "é"]))
    assert tokens["tokens"].numpy()[0].tolist()[:4] == [b"[CLS]", b"good", b"film", b"!"]
    assert tokens["starts"].numpy()[0].tolist() == [-1, -1, -1, -1, 0, 4, -1]
    assert tokens["ends"].numpy()[0].tolist() == [-1, -1, -1, -1, 3, 7, -1]
