"""Clients of the 2020 recipe, which tokenize themselves, and the default signature."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from bert.tokenizers.google_research import FullTokenizer
from exporter import export
from exporter.contract import DEFAULT_SIGNATURES
from tests.conftest import Signatures, load_signatures
from tests.exporter.artefact.signatures_of_readme import (
    EXPECTED,
    POSITIONS,
    TEXTS,
    client_features,
)
from tests.tiny_model import LABELS, TinyModel


@pytest.mark.parametrize("width", [32, 40, POSITIONS])
def test_the_client_of_2020(signatures: Signatures, tokenizer: FullTokenizer, width: int) -> None:
    features = client_features(tokenizer, TEXTS, 32, width)
    expected = signatures["serving_default"](text=tf.constant(TEXTS))["probabilities"].numpy()
    label_ids = tf.zeros([len(TEXTS)], tf.int32)
    recipe = signatures["features_with_label_ids"](**features, label_ids=label_ids)
    assert list(recipe) == ["output"]
    np.testing.assert_allclose(recipe["output"].numpy(), expected, atol=1e-6, rtol=0)
    found = signatures["features"](**features)["probabilities"].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-6, rtol=0)


def test_label_ids_are_ignored(signatures: Signatures, tokenizer: FullTokenizer) -> None:
    features = client_features(tokenizer, TEXTS[:2], 32, 32)
    answers = [
        signatures["features_with_label_ids"](**features, label_ids=tf.constant(ids, tf.int32))
        for ids in ([0, 0], [2, -5], [1000], [])
    ]
    for answer in answers[1:]:
        np.testing.assert_array_equal(answer["output"].numpy(), answers[0]["output"].numpy())


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
    inputs, outputs = EXPECTED[name]
    specs = loaded["serving_default"].structured_input_signature[1]
    assert set(specs) == set(inputs)
    assert set(loaded["serving_default"].structured_outputs) == set(outputs)
    request = {"text": tf.constant(TEXTS)}
    if name != "text":
        request = client_features(tokenizer, TEXTS, 32, 32)
    if name == "features_with_label_ids":
        request["label_ids"] = tf.zeros([len(TEXTS)], tf.int32)
    (answer,) = loaded["serving_default"](**request).values()
    expected = signatures["text"](text=tf.constant(TEXTS))["probabilities"].numpy()
    np.testing.assert_allclose(answer.numpy(), expected, atol=1e-6, rtol=0)
    assert loaded["labels"](text=tf.constant(TEXTS))["labels"].shape == (len(TEXTS), 1)
    report = json.loads((directory / "assets.extra" / "export.json").read_text())
    assert report["serving_default"] == name


def test_old_clients_over_rest(chosen_default: tuple[str, Path], tokenizer: FullTokenizer) -> None:
    """`--default_signature features_with_label_ids` serves the recipe's client unchanged."""
    from tests.exporter.preview.client import preview

    name, directory = chosen_default
    if name != "features_with_label_ids":
        body = {"signature_name": "features_with_label_ids"}
    else:
        body = {}
    features = client_features(tokenizer, TEXTS[:3], 32, 32)
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
            {"signature_name": "text", "instances": list(TEXTS[:3])}, model="tiny"
        )
    assert rows.status == by_column.status == plain.status == 200
    expected = plain.json()["predictions"]
    np.testing.assert_allclose(rows.json()["predictions"], expected, atol=1e-6, rtol=0)
    np.testing.assert_allclose(by_column.json()["outputs"], expected, atol=1e-6, rtol=0)
