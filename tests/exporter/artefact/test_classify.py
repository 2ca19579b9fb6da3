"""The `classify` and `regress` signatures, over REST and in the file that servers read."""

import base64
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from exporter.runtime.servable import Servable
from exporter.runtime.status import StatusError
from exporter.serving.graph_file import read_serving_graph
from tests.exporter.example_protos import example_of
from tests.exporter.preview.client import Answer, Client
from tests.exporter.preview.model_server import SERVERS, serving
from tests.repository import ROOT
from tests.tiny_model import LABELS

_TEXTS = ["a stirring film", "bad", "", "The FILM is not very good. " * 20, "漢字 é \0"]


@pytest.fixture(scope="module", params=SERVERS)
def client(request: pytest.FixtureRequest, tiny_export: Path) -> Iterator[Client]:
    with serving(request.param, "tiny", tiny_export.parent) as client:
        yield client


def classify(client: Client, *examples: dict[str, Any]) -> Answer:
    body = {"signature_name": "classify", "examples": examples}
    return client.post("/v1/models/tiny:classify", body)


def test_method_names(tiny_export: Path) -> None:
    signatures = read_serving_graph(tiny_export).signature_def
    methods = {name: signature.method_name for name, signature in signatures.items()}
    assert methods.pop("classify") == "tensorflow/serving/classify"
    assert methods.pop("__saved_model_init_op") == ""
    assert set(methods.values()) == {"tensorflow/serving/predict"}


def test_shapes_that_the_server_asks_for(tiny_export: Path) -> None:
    signature = read_serving_graph(tiny_export).signature_def["classify"]
    assert {key: info.dtype for key, info in signature.inputs.items()} == {
        "inputs": tf.string.as_datatype_enum
    }
    assert {
        key: (info.dtype, len(info.tensor_shape.dim)) for key, info in signature.outputs.items()
    } == {
        "classes": (tf.string.as_datatype_enum, 2),
        "scores": (tf.float32.as_datatype_enum, 2),
    }


def test_every_label_with_its_score(client: Client) -> None:
    """`[[["negative", 0.6], ...], ...]`, with the probabilities of `text` in class order."""
    answer = classify(client, *({"text": text} for text in _TEXTS))
    assert answer.status == 200, answer.body
    rows = answer.json()["results"]
    assert [[label for label, _ in row] for row in rows] == [list(LABELS)] * len(_TEXTS)
    expected = client.predict({"instances": _TEXTS}, model="tiny").json()["predictions"]
    np.testing.assert_allclose([[score for _, score in row] for row in rows], expected, atol=1e-6)


def test_any_bytes_are_a_text(client: Client) -> None:
    text = {"b64": base64.b64encode(b"the \xff film\xc3").decode()}
    answer = classify(client, {"text": text})
    assert answer.status == 200
    expected = client.predict({"instances": [text]}, model="tiny").json()["predictions"]
    scores = [score for _, score in answer.json()["results"][0]]
    np.testing.assert_allclose(scores, expected[0], atol=1e-6)


@pytest.mark.parametrize(
    "example",
    [{}, {"txt": "a"}, {"text": ["a", "b"]}, {"text": []}, {"text": 1}, {"text": 0.5}],
    ids=repr,
)
def test_examples_without_one_text(client: Client, example: dict[str, Any]) -> None:
    """Also beside a good one, whose answer must not be given to another row."""
    for examples in ([example], [{"text": "a"}, example]):
        answer = classify(client, *examples)
        assert answer.status == 400, answer.body
        assert "text" in answer.json()["error"]
    assert classify(client, {"text": "a", "other": [1, 2]}).status == 200


def test_predict_requests_on_it(client: Client) -> None:
    """Serialized tf.Examples, or what is none."""
    serialized = base64.b64encode(example_of(text="a film")).decode()
    ask = {"signature_name": "classify"}
    good = client.predict({**ask, "inputs": [{"b64": serialized}]}, model="tiny")
    assert good.status == 200
    assert good.json()["outputs"]["classes"] == [list(LABELS)]
    assert client.predict({**ask, "inputs": []}, model="tiny").json()["outputs"] == {
        "classes": [],
        "scores": [],
    }
    wrong: tuple[object, ...] = (
        ["no example"],
        [{"b64": "/////w=="}],
        {"b64": serialized},
        [["a", "b"]],
        [[]],
    )
    for bad in wrong:
        answer = client.predict({**ask, "inputs": bad}, model="tiny")
        assert answer.status == 400, answer.body
        assert set(answer.json()) == {"error"}


def test_pairs(pair_export: Path) -> None:
    servable = Servable(pair_export)
    text_a, text_b = "the film is good", "is it?"
    ((*rows,),) = servable.classify("classify", [example_of(text_a=text_a, text_b=text_b)])
    columns = {"text_a": np.array([text_a], object), "text_b": np.array([text_b], object)}
    expected = servable.predict("text", columns)["probabilities"]
    for wrong in ({"text_a": "no second text"}, {"text": "a single text"}):
        with pytest.raises(StatusError, match="is required but could not be found"):
            servable.classify("classify", [example_of(**wrong)])
    servable.close()
    np.testing.assert_allclose([score for _, score in rows], expected[0], atol=1e-6)


def test_no_bytes_end_the_process(tiny_export: Path, full: bool) -> None:
    """Damaged tf.Examples, in a process of their own, since a crash ends it."""
    count = 20_000 if full else 1_000
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.exporter.artefact.damaged_examples",
            str(tiny_export),
            str(count),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert result.returncode == 0, (result.returncode, result.stderr[-2000:])
    answered, refused = map(int, result.stdout.split())
    assert answered + refused == count
    assert min(answered, refused) > count / 50
