"""Masked language models, the whole way: exported by the command, asked over REST."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from bert.checkpoints import ReadOptions, read
from bert.encoder.packed_tokens import PackedTokens
from bert.encoder.precision import PRECISIONS
from bert.errors import UserError
from bert.model import HUGGINGFACE, FineTunedModel
from bert.reference import ReferenceModel
from bert.tasks import FILL_MASK
from exporter import export
from exporter.models.checkpoint import OpenedCheckpoint
from exporter.models.network import EncoderNetwork
from exporter.proof.verification import VerificationError, verify
from exporter.text.huggingface.profile import HuggingFaceProfile
from tests.bert.checkpoints.huggingface.directory import TOKENS, tensors, variables, write_directory
from tests.bert.checkpoints.masked_words import (
    word_tensors,
    word_variables,
    write_masked_words,
    write_pre_trained,
)
from tests.conftest import load_signatures
from tests.exporter.check.auditing import audited
from tests.exporter.command import assert_refused, run_here
from tests.exporter.preview.client import preview
from tests.exporter.preview.loading import wait_until_loaded

_TEXTS = (
    "the film is [MASK]",
    "[MASK]",
    "a very FUNNY [MASK]! [SEP] isn't [MASK] it?",
    "the film is good",
    "",
    "not " * 50 + "[MASK]",
    "漢[MASK]é",
)
# Those whose first mask is not cut off.
_MASKED = (0, 1, 2, 6)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_masked_words(tmp_path_factory.mktemp("words") / "model")


@pytest.fixture(scope="module")
def model(directory: Path) -> FineTunedModel:
    return read(directory, ReadOptions())


@pytest.fixture(scope="module")
def version_directory(directory: Path) -> Path:
    report = export(
        directory, directory.parent / "quiet", version=1, top_k=3, warmup=False, verify=False
    )
    return report.version_directory


def textbook(directory: Path, text: str) -> np.ndarray | None:
    """The probability of each word for the first mask, float64 [V], by the formulas of the paper.

    They are those of the head alone: the vectors below it are a token embedding's.
    """
    model = read(directory, ReadOptions(task="embedding", pooling_strategy="NONE"))
    weights = {name: value.astype(np.float64) for name, value in word_variables().items()}
    tokenizer = HuggingFaceProfile().build_reference(model)
    ids, segments = tokenizer.encode(text, None, model.max_seq_length)
    masks = [place for place, token in enumerate(ids) if token == TOKENS.index("[MASK]")]
    if not masks:
        return None
    splits = tf.constant([0, len(ids)])
    tokens = PackedTokens(tf.constant(ids), tf.constant(segments), tf.range(len(ids)), splits)
    answer = tf.function(EncoderNetwork(model).answer, autograph=False)
    vector = answer(tokens._replace(attention_bias=tf.zeros([len(ids)]))).numpy()[masks[0]]
    scope = "cls/predictions/transform"
    hidden = vector @ weights[f"{scope}/dense/kernel"] + weights[f"{scope}/dense/bias"]
    hidden = tf.nn.gelu(tf.constant(hidden), approximate=False).numpy()
    hidden = (hidden - hidden.mean()) / np.sqrt(hidden.var() + 1e-12)
    hidden = hidden * weights[f"{scope}/LayerNorm/gamma"] + weights[f"{scope}/LayerNorm/beta"]
    logits = weights["bert/embeddings/word_embeddings"] @ hidden
    exponents = np.exp(logits + weights["cls/predictions/output_bias"])
    return exponents / exponents.sum()


def assert_words(directory: Path, text: str, words: list[str], scores: list[float]) -> None:
    expected = textbook(directory, text)
    if expected is None:
        assert set(words) == {""} and set(scores) == {-1}
        return
    best = np.argsort(-expected)[: len(words)]
    assert words == [TOKENS[index] for index in best]
    np.testing.assert_allclose(scores, expected[best], rtol=0, atol=1e-5)


def test_by_the_command(directory: Path, capfd: pytest.CaptureFixture[str]) -> None:
    export_dir = directory.parent / "words"
    arguments = [f"--checkpoint={directory}", f"--export_dir={export_dir}"]
    outcome = run_here(capfd, *arguments)
    assert outcome.code == 0, outcome.errors
    assert "scores within" in outcome.output
    assert "a stirring, [MASK] film" in outcome.output
    with preview("words", export_dir) as client:
        wait_until_loaded(client, "words")
        answer = client.predict({"instances": list(_TEXTS)}, model="words")
    assert answer.status == 200
    for text, row in zip(_TEXTS, answer.json()["predictions"], strict=True):
        assert len(row["tokens"]) == len(row["scores"]) == 5
        assert_words(directory, text, row["tokens"], row["scores"])
    (version,) = (path for path in export_dir.iterdir() if path.name.isdecimal())
    told = json.loads((version / "assets.extra" / "export.json").read_text())
    assert told["signatures"] == ["serving_default", "text", "features", "tokenize"]
    assert told["verification"]["texts_with_equal_ids"] == 37
    assert "[MASK]" in (version / "assets.extra" / "README.md").read_text()
    assert audited(version).findings == ()


def test_features(version_directory: Path, model: FineTunedModel) -> None:
    """What a text says, its ids say, too; rows of several lengths, with padding."""
    signatures = load_signatures(version_directory)
    of_text = signatures["text"](text=tf.constant(_TEXTS))
    given = signatures["tokenize"](text=tf.constant(_TEXTS))
    features = {name: given[name] for name in ("input_ids", "input_mask", "segment_ids")}
    found = signatures["features"](**features)
    assert found["tokens"].shape == (len(_TEXTS), 3)
    assert found["tokens"].numpy().tolist() == of_text["tokens"].numpy().tolist()
    np.testing.assert_allclose(found["scores"], of_text["scores"], rtol=0, atol=1e-6)
    has_mask = found["scores"].numpy()[:, 0] >= 0
    assert np.flatnonzero(has_mask).tolist() == list(_MASKED)


def test_no_rows(version_directory: Path) -> None:
    for values in load_signatures(version_directory)["text"](
        text=tf.constant([], tf.string)
    ).values():
        assert values.shape == (0, 3)


def test_many_rows_are_answered_as_one_is(version_directory: Path) -> None:
    """In groups; none sees another."""
    text = load_signatures(version_directory)["text"]
    texts = [
        f"{'film ' * (number % 19)}[MASK] is {'good ' * (number % 5)}" for number in range(900)
    ]
    together = text(text=tf.constant(texts))
    for number in (0, 18, 450, 899):
        alone = text(text=tf.constant(texts[number : number + 1]))
        assert together["tokens"][number].numpy().tolist() == alone["tokens"][0].numpy().tolist()
        np.testing.assert_allclose(together["scores"][number], alone["scores"][0], atol=1e-6)


def test_the_scores_of_few_rows_are_held_at_once(model: FineTunedModel) -> None:
    """Of a vocabulary of 120,000 words, 69 rows: 33 MB."""
    rows = 120_000
    config = dataclasses.replace(model.config, vocab_size=rows)
    weights = {**model.weights, "cls/predictions/output_bias": np.zeros(rows, np.float32)}
    table = np.zeros([rows, config.hidden_size], np.float32)
    weights["bert/embeddings/word_embeddings"] = table
    network = EncoderNetwork(dataclasses.replace(model, config=config, weights=weights))
    assert network._head.most_rows == 69


@pytest.mark.full
@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_other_precisions(precision: str, directory: Path, tmp_path: Path) -> None:
    """Verified by their tolerance."""
    report = export(directory, tmp_path / "served", precision=precision, warmup=False)
    assert report.verification is not None
    assert report.verification.largest_probability_difference < PRECISIONS[precision].tolerance


def test_another_head_is_told(version_directory: Path, model: FineTunedModel) -> None:
    bias = model.weights["cls/predictions/output_bias"]
    bias = bias + np.linspace(0, 0.1, len(bias), dtype=np.float32)
    other = dataclasses.replace(
        model, weights={**model.weights, "cls/predictions/output_bias": bias}
    )
    with pytest.raises(VerificationError, match="the scores of"):
        verify(version_directory, OpenedCheckpoint(other), False, None)


def test_of_pre_training(tmp_path: Path) -> None:
    """A checkpoint of google-research: not by itself, since most who give one are mistaken."""
    prefix = write_pre_trained(tmp_path / "pre_trained")
    with pytest.raises(UserError, match=r"--task=embedding .*or --task=fill_mask"):
        read(prefix, ReadOptions())
    with pytest.raises(UserError, match=r"--tokenizer is 'google_research', .* 'huggingface'"):
        read(prefix, ReadOptions(task="fill_mask", tokenizer="google_research"))
    model = read(prefix, ReadOptions(task="fill_mask"))
    assert (model.task, model.tokenizer, model.config.has_pooler) == (FILL_MASK, HUGGINGFACE, False)
    assert model.do_lower_case and model.max_seq_length == 32
    for name, value in word_variables().items():
        if "pooler" not in name:
            np.testing.assert_array_equal(model.weights[name], value)
    report = export(prefix, tmp_path / "served", task="fill_mask", warmup=False, verify=False)
    text = "the film is [MASK]"
    found = load_signatures(report.version_directory)["text"](text=tf.constant([text]))
    ids, segments = HuggingFaceProfile().build_reference(model).encode(text, None, 32)
    expected = ReferenceModel(model).answers(*np.array([[ids], [[1] * len(ids)], [segments]]))
    assert found["tokens"][0].numpy().tolist() == expected["tokens"][0][:5].tolist()
    np.testing.assert_allclose(found["scores"][0], expected["scores"][0][:5], rtol=0, atol=1e-5)


def test_heads_that_are_none(tmp_path: Path) -> None:
    values = word_tensors(word_variables())
    output = {"cls.predictions.decoder.weight": values["bert.embeddings.word_embeddings.weight"]}
    tied = write_directory(tmp_path / "tied", {**values, **output}, "BertForMaskedLM")
    assert read(tied, ReadOptions()).task == FILL_MASK
    # Of the pre-training in transformers: as its pipeline takes it, where asked for.
    both = write_directory(tmp_path / "both", values, "BertForPreTraining")
    assert read(both, ReadOptions(task="fill_mask")).task == FILL_MASK
    with pytest.raises(UserError, match="BertForPreTraining, but only"):
        read(both, ReadOptions())
    output = {name: value + 1 for name, value in output.items()}
    untied = write_directory(tmp_path / "untied", {**values, **output}, "BertForMaskedLM")
    with pytest.raises(UserError, match="tie_word_embeddings"):
        read(untied, ReadOptions())
    classifier = write_directory(tmp_path / "classifier", tensors(variables()))
    with pytest.raises(UserError, match="--task is 'fill_mask'"):
        read(classifier, ReadOptions(task="fill_mask"))
    without = write_directory(tmp_path / "without", values, "BertForMaskedLM", tokens=_WITHOUT_MASK)
    with pytest.raises(UserError, match=r"has no \[MASK\]"):
        read(without, ReadOptions())


_WITHOUT_MASK = tuple("[unused0]" if token == "[MASK]" else token for token in TOKENS)


@pytest.mark.parametrize(
    "flag", ["--text_pair", "--top_k=0", "--task=classification", "--labels=a,b", "--normalize"]
)
def test_flags_of_other_tasks(
    flag: str, directory: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = [f"--checkpoint={directory}", f"--export_dir={tmp_path / 'served'}", flag]
    assert_refused(run_here(capfd, *arguments), flag.partition("=")[0])
