"""Names, shapes and answers of the signatures, through the reloaded export."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from bert.tokenizers.google_research import FullTokenizer
from bert.tokenizers.vocabulary import Vocabulary
from exporter import export
from exporter.contract import DEFAULT_SIGNATURES
from tests.conftest import Signatures, load_signatures
from tests.exporter.text import texts
from tests.oracles.original_classifier import OriginalClassifier
from tests.oracles.original_tokenizer import original_tokenizer
from tests.repository import ROOT
from tests.tiny_model import LABELS, TinyModel

_TEXTS = (
    "the film is good",
    "bad",
    "",
    "A very FUNNY film! isn't it?",
    "not " * 50,
    "漢字 é ß",
    "\0",
)
_POSITIONS = 64

_STRING, _INT32, _FLOAT32 = tf.string, tf.int32, tf.float32
# name: shape and dtype
_Tensors = dict[str, tuple[list[int | None], tf.DType]]
_TEXT_INPUT: _Tensors = {"text": ([None], _STRING)}
_PROBABILITIES: _Tensors = {"probabilities": ([None, 3], _FLOAT32)}
_FEATURES: _Tensors = {
    name: ([None, None], _INT32) for name in ("input_ids", "input_mask", "segment_ids")
}

# README.md, "Signatures"
_EXPECTED: dict[str, tuple[_Tensors, _Tensors]] = {
    "serving_default": (_TEXT_INPUT, _PROBABILITIES),
    "text": (_TEXT_INPUT, _PROBABILITIES),
    "labels": (
        _TEXT_INPUT,
        {
            "label": ([None], _STRING),
            "score": ([None], _FLOAT32),
            "labels": ([None, 3], _STRING),
            "scores": ([None, 3], _FLOAT32),
        },
    ),
    "features": (_FEATURES, _PROBABILITIES),
    "features_with_label_ids": (
        {**_FEATURES, "label_ids": ([None], _INT32)},
        {"output": ([None, 3], _FLOAT32)},
    ),
    "classify": (
        {"inputs": ([None], _STRING)},
        {"classes": ([None, 3], _STRING), "scores": ([None, 3], _FLOAT32)},
    ),
    "embedding": (_TEXT_INPUT, {"embedding": ([None, 16], _FLOAT32)}),
    "tokenize": (
        _TEXT_INPUT,
        {
            "input_ids": ([None, None], _INT32),
            "input_mask": ([None, None], _INT32),
            "segment_ids": ([None, None], _INT32),
            "tokens": ([None, None], _STRING),
        },
    ),
}


@pytest.fixture(scope="module")
def tokenizer(tiny_model: TinyModel) -> FullTokenizer:
    return FullTokenizer(Vocabulary(tiny_model.tokens), tiny_model.do_lower_case)


def client_features(
    tokenizer: FullTokenizer, lines: tuple[str, ...], max_seq_length: int, width: int
) -> dict[str, tf.Tensor]:
    """As the clients of the 2020 recipe: tokenized in Python, padded with zeros."""
    features = np.zeros((3, len(lines), width), np.int32)
    for row, line in enumerate(lines):
        ids, segments = tokenizer.encode(line, None, max_seq_length)
        features[0, row, : len(ids)] = ids
        features[1, row, : len(ids)] = 1
        features[2, row, : len(ids)] = segments
    names = ("input_ids", "input_mask", "segment_ids")
    return {name: tf.constant(value) for name, value in zip(names, features, strict=True)}


def test_names_types_and_shapes(signatures: Signatures) -> None:
    assert set(signatures) >= set(_EXPECTED)
    for name, (inputs, outputs) in _EXPECTED.items():
        specs = signatures[name].structured_input_signature[1]
        assert {key: (spec.shape.as_list(), spec.dtype) for key, spec in specs.items()} == inputs
        found = {
            key: (spec.shape.rank, spec.dtype)
            for key, spec in signatures[name].structured_outputs.items()
        }
        expected = {key: (len(shape), dtype) for key, (shape, dtype) in outputs.items()}
        extra = set(found) - set(expected)
        assert extra <= ({"starts", "ends"} if name == "tokenize" else set())
        assert expected.items() <= found.items()


def test_shapes_of_answers(signatures: Signatures) -> None:
    for name, (inputs, outputs) in _EXPECTED.items():
        if inputs != _TEXT_INPUT:
            continue
        for rows in (0, 1, 3):
            answer = signatures[name](text=tf.constant(_TEXTS[:rows], tf.string))
            for key, (shape, dtype) in outputs.items():
                assert answer[key].dtype == dtype
                assert answer[key].shape[0] == rows
                assert all(
                    size in (None, found)
                    for size, found in zip(shape, answer[key].shape, strict=True)
                )


def test_probabilities_sum_to_one(signatures: Signatures) -> None:
    found = signatures["text"](text=tf.constant(_TEXTS))["probabilities"].numpy()
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


def test_default_is_text(signatures: Signatures) -> None:
    answers = [
        signatures[name](text=tf.constant(_TEXTS))["probabilities"].numpy()
        for name in ("text", "serving_default")
    ]
    np.testing.assert_array_equal(*answers)


@pytest.mark.parametrize("width", [32, 40, _POSITIONS])
def test_the_client_of_2020(signatures: Signatures, tokenizer: FullTokenizer, width: int) -> None:
    features = client_features(tokenizer, _TEXTS, 32, width)
    expected = signatures["serving_default"](text=tf.constant(_TEXTS))["probabilities"].numpy()
    label_ids = tf.zeros([len(_TEXTS)], tf.int32)
    recipe = signatures["features_with_label_ids"](**features, label_ids=label_ids)
    assert list(recipe) == ["output"]
    np.testing.assert_allclose(recipe["output"].numpy(), expected, atol=1e-6, rtol=0)
    found = signatures["features"](**features)["probabilities"].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-6, rtol=0)


def test_label_ids_are_ignored(signatures: Signatures, tokenizer: FullTokenizer) -> None:
    features = client_features(tokenizer, _TEXTS[:2], 32, 32)
    answers = [
        signatures["features_with_label_ids"](**features, label_ids=tf.constant(ids, tf.int32))
        for ids in ([0, 0], [2, -5], [1000], [])
    ]
    for answer in answers[1:]:
        np.testing.assert_array_equal(answer["output"].numpy(), answers[0]["output"].numpy())


def test_labels_are_best_first(signatures: Signatures) -> None:
    answer = signatures["labels"](text=tf.constant(_TEXTS))
    probabilities = signatures["text"](text=tf.constant(_TEXTS))["probabilities"].numpy()
    order = np.argsort(-probabilities, axis=1)
    np.testing.assert_array_equal(answer["labels"].numpy(), np.array(LABELS, "S")[order])
    np.testing.assert_allclose(
        answer["scores"].numpy(), np.take_along_axis(probabilities, order, axis=1), atol=1e-7
    )
    np.testing.assert_array_equal(answer["label"].numpy(), answer["labels"].numpy()[:, 0])
    np.testing.assert_array_equal(answer["score"].numpy(), answer["scores"].numpy()[:, 0])


def test_tokenize(signatures: Signatures, tokenizer: FullTokenizer, tiny_model: TinyModel) -> None:
    lines = [*_TEXTS, *texts.SENTENCES]
    answer = {key: value.numpy() for key, value in signatures["tokenize"](text=lines).items()}
    encoded = [tokenizer.encode(line, None, 32) for line in lines]
    width = max(len(ids) for ids, _ in encoded)
    for row, (ids, segments) in enumerate(encoded):
        padding = [0] * (width - len(ids))
        assert answer["input_ids"][row].tolist() == ids + padding
        assert answer["input_mask"][row].tolist() == [1] * len(ids) + padding
        assert answer["segment_ids"][row].tolist() == segments + padding
        pieces = [tiny_model.tokens[index].encode() for index in ids] + [b""] * len(padding)
        assert answer["tokens"][row].tolist() == pieces


def test_tokenize_is_the_original(signatures: Signatures, tiny_model: TinyModel) -> None:
    """Every line, as [CLS], what fits, [SEP]; test_tokenizer.py sees what is cut off."""
    lines = texts.data_lines() + texts.fuzzed_strings(500, 21) + texts.corrupted_bytes(500, 22)
    tokenize = original_tokenizer(tiny_model.directory / "vocab.txt", tiny_model.do_lower_case)
    cls, sep = tiny_model.tokens.index("[CLS]"), tiny_model.tokens.index("[SEP]")
    wrong = []
    for start in range(0, len(lines), 1024):
        batch = lines[start : start + 1024]
        answer = signatures["tokenize"](text=tf.constant(batch))
        lengths = answer["input_mask"].numpy().sum(axis=1)
        for line, ids, length in zip(batch, answer["input_ids"].numpy(), lengths, strict=True):
            if ids[:length].tolist() != [cls, *tokenize(line)[:30], sep]:
                wrong.append(line)
    assert not wrong[:10]


def test_text_is_the_original_from_end_to_end(
    signatures: Signatures, tiny_model: TinyModel
) -> None:
    """The original's tokenizer into the original's model, on 200 sentences."""
    original = OriginalClassifier(tiny_model.prefix, len(LABELS))
    tokenize = original_tokenizer(tiny_model.directory / "vocab.txt", tiny_model.do_lower_case)
    cls, sep = tiny_model.tokens.index("[CLS]"), tiny_model.tokens.index("[SEP]")
    lines = texts.data_lines()[:200]
    features = np.zeros((3, len(lines), 32), np.int32)
    for row, line in enumerate(lines):
        ids = [cls, *tokenize(line)[:30], sep]
        features[0, row, : len(ids)] = ids
        features[1, row, : len(ids)] = 1
    found = signatures["text"](text=tf.constant(lines))["probabilities"].numpy()
    np.testing.assert_allclose(found, original.probabilities(*features), atol=1e-5, rtol=0)
    pooled = signatures["embedding"](text=tf.constant(lines))["embedding"].numpy()
    np.testing.assert_allclose(pooled, original.pooled(*features), atol=1e-5, rtol=0)


def test_a_row_answers_the_same_in_any_batch(signatures: Signatures) -> None:
    together = signatures["text"](text=tf.constant(_TEXTS))["probabilities"].numpy()
    for line, expected in zip(_TEXTS, together, strict=True):
        alone = signatures["text"](text=tf.constant([line]))["probabilities"].numpy()[0]
        np.testing.assert_allclose(alone, expected, atol=1e-6, rtol=0)


@pytest.fixture(scope="module", params=DEFAULT_SIGNATURES)
def chosen_default(
    request: pytest.FixtureRequest,
    tiny_model: TinyModel,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[str, Path]:
    """The signature that was chosen, and an export that returns one label of three."""
    report = export(
        tiny_model.prefix,
        tmp_path_factory.mktemp("served") / "tiny",
        version=1,
        labels=LABELS,
        top_k=1,
        default_signature=request.param,
        warmup=False,
        verify=False,
    )
    return request.param, report.version_directory


def test_default_signature(
    chosen_default: tuple[str, Path], tokenizer: FullTokenizer, signatures: Signatures
) -> None:
    name, directory = chosen_default
    loaded = load_signatures(directory)
    assert set(loaded) == set(signatures)
    inputs, outputs = _EXPECTED[name]
    specs = loaded["serving_default"].structured_input_signature[1]
    assert set(specs) == set(inputs)
    assert set(loaded["serving_default"].structured_outputs) == set(outputs)
    request = {"text": tf.constant(_TEXTS)}
    if name != "text":
        request = client_features(tokenizer, _TEXTS, 32, 32)
    if name == "features_with_label_ids":
        request["label_ids"] = tf.zeros([len(_TEXTS)], tf.int32)
    (answer,) = loaded["serving_default"](**request).values()
    expected = signatures["text"](text=tf.constant(_TEXTS))["probabilities"].numpy()
    np.testing.assert_allclose(answer.numpy(), expected, atol=1e-6, rtol=0)
    assert loaded["labels"](text=tf.constant(_TEXTS))["labels"].shape == (len(_TEXTS), 1)
    report = json.loads((directory / "assets.extra" / "export.json").read_text())
    assert report["serving_default"] == name


def test_wrong_ranks_are_errors_and_no_crash(tiny_export: Path) -> None:
    """In a process of its own, since a crash ends it."""
    result = subprocess.run(
        [sys.executable, "-m", "tests.exporter.artefact.wrong_shapes", str(tiny_export)],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert result.returncode == 0, result.stderr
    *lines, last = result.stdout.splitlines()
    assert last == "alive"
    answers = [json.loads(line) for line in lines]
    assert len(answers) == 6 * 6 + 2 * 4 * 4
    assert [answer for answer in answers if answer[2] != "INVALID_ARGUMENT"] == []
    # The graph's own refusals, not those of a session that compares shapes.
    assert [answer for answer in answers if "Cannot feed" in answer[3]] == []


def test_old_clients_over_rest(chosen_default: tuple[str, Path], tokenizer: FullTokenizer) -> None:
    """`--default_signature features_with_label_ids` serves the recipe's client unchanged."""
    from tests.exporter.preview.client import preview

    name, directory = chosen_default
    if name != "features_with_label_ids":
        body = {"signature_name": "features_with_label_ids"}
    else:
        body = {}
    features = client_features(tokenizer, _TEXTS[:3], 32, 32)
    columns = {key: value.numpy().tolist() for key, value in features.items()}
    instances = [
        {**{key: rows[index] for key, rows in columns.items()}, "label_ids": 0}
        for index in range(3)
    ]
    with preview("tiny", directory.parent) as client:
        rows = client.predict({**body, "instances": instances}, model="tiny")
        columns["label_ids"] = [0, 0, 0]
        by_column = client.predict({**body, "inputs": columns}, model="tiny")
        plain = client.predict(
            {"signature_name": "text", "instances": list(_TEXTS[:3])}, model="tiny"
        )
    assert rows.status == by_column.status == plain.status == 200
    expected = plain.json()["predictions"]
    np.testing.assert_allclose(rows.json()["predictions"], expected, atol=1e-6, rtol=0)
    np.testing.assert_allclose(by_column.json()["outputs"], expected, atol=1e-6, rtol=0)
