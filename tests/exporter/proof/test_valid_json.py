"""Every answer is JSON, whatever a request holds and whatever the model is made of."""

import base64
import dataclasses
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tokenizers import BertWordPieceTokenizer

from bert.checkpoints import ReadOptions, read
from bert.checkpoints.tensorflow import files as tensorflow_files
from bert.errors import UserError
from bert.model import FineTunedModel
from exporter import export
from exporter.artefact.served_model import ServedModel
from exporter.contract import TEXT_INPUT
from exporter.models.checkpoint import OpenedCheckpoint
from exporter.models.network import EncoderNetwork
from exporter.proof.valid_json import require_valid_json
from exporter.text.engine.wordpiece import FAST_OP
from tests.exporter.command import assert_refused, run_here
from tests.exporter.preview.client import Answer, Client
from tests.exporter.preview.model_server import SERVERS, serving
from tests.exporter.text.texts import EXAMPLES, corrupted_bytes, fuzzed_strings
from tests.full import sampled
from tests.tiny_model import TinyModel

# Every control character, what JSON escapes, line ends of JavaScript, and four-byte characters.
_ODD_LABELS = (
    "".join(map(chr, range(32))) + '"\\/\x7f',
    "\u2028\u2029\ufeff\ufffd\uffff\x80\x9f",
    "😀\U0010ffff e\u0301",
)

_TEXT_SIGNATURES = ("serving_default", "text", "labels", "embedding", "tokenize")
_FEATURES = ("input_ids", "input_mask", "segment_ids")
_ROWS = 25


@pytest.fixture(scope="module")
def odd_labels(tiny_model: TinyModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base path of a model with odd labels."""
    export_dir = tmp_path_factory.mktemp("served") / "tiny"
    export(tiny_model.prefix, export_dir, version=1, labels=_ODD_LABELS, warmup=False, verify=False)
    return export_dir


@pytest.fixture(scope="module", params=SERVERS)
def client(request: pytest.FixtureRequest, odd_labels: Path) -> Iterator[Client]:
    """A server of a model with odd labels."""
    with serving(request.param, "tiny", odd_labels) as client:
        yield client


@pytest.fixture(scope="module")
def hostile_texts(full: bool) -> list[bytes]:
    """Fuzzed strings and damaged bytes, half of each."""
    chosen = [text.encode("utf-8", "surrogatepass") for text in EXAMPLES]
    chosen += [bytes([byte]) for byte in range(256)][:: 1 if full else 8]
    rest = (5_000 if full else 300) - len(chosen)
    chosen += [_bytes(text) for text in fuzzed_strings(rest // 2, 31)]
    chosen += [_bytes(text) for text in corrupted_bytes(rest - rest // 2, 32)]
    return chosen


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


def base64_values(texts: list[bytes]) -> list[dict[str, str]]:
    return [{"b64": base64.b64encode(text).decode("ascii")} for text in texts]


def strict(answer: Answer) -> Any:
    """The body, as the strictest reader of JSON takes it."""
    return json.loads(answer.body.decode("utf-8", "strict"), parse_constant=pytest.fail)


@pytest.mark.parametrize("signature", _TEXT_SIGNATURES)
def test_hostile_texts(client: Client, hostile_texts: list[bytes], signature: str) -> None:
    texts = hostile_texts
    assert len(texts) in (300, 5_000)
    for start in range(0, len(texts), _ROWS):
        rows = base64_values(texts[start : start + _ROWS])
        body = {"inputs": rows} if signature == "tokenize" else {"instances": rows}
        answer = client.predict({"signature_name": signature, **body}, model="tiny")
        # The preview answers 500 where the server would write what is not JSON.
        assert answer.status == 200, (answer.body[:300], texts[start : start + _ROWS])
        assert strict(answer)


def test_hostile_texts_in_examples(client: Client, hostile_texts: list[bytes]) -> None:
    texts = hostile_texts
    for start in range(0, len(texts), _ROWS):
        examples = [{"text": value} for value in base64_values(texts[start : start + _ROWS])]
        body = {"signature_name": "classify", "examples": examples}
        answer = client.post("/v1/models/tiny:classify", body)
        assert answer.status == 200, answer.body[:300]
        for row in strict(answer)["results"]:
            assert tuple(label for label, _ in row) == _ODD_LABELS


def test_hostile_texts_inside_the_body(
    client: Client, hostile_texts: list[bytes], full: bool
) -> None:
    """Raw bytes between two quotes: sometimes JSON, sometimes none."""
    statuses = set()
    for text in hostile_texts[:: 1 if full else 3]:
        body = b'{"signature_name":"tokenize","inputs":["' + text + b'"]}'
        answer = client.request("POST", "/v1/models/tiny:predict", body)
        assert answer.status in (200, 400), (answer.body[:300], text)
        assert strict(answer)
        statuses.add(answer.status)
    assert statuses == {200, 400}


@pytest.mark.parametrize("signature", ["features", "features_with_label_ids"])
def test_hostile_features(client: Client, signature: str, full: bool) -> None:
    """Holes, empty masks, ids at and beyond both ends, columns that differ in length."""
    generator = random.Random(33)
    statuses = set()
    for _ in range(5_000 if full else 100):
        width = generator.choice((1, 2, 5, 32, 64, 65))
        limits = {"input_ids": 124, "input_mask": 2, "segment_ids": 2}
        inputs: dict[str, Any] = {}
        for name, limit in limits.items():
            wrong = generator.random() < 0.1
            low, high = (-2, 2 * limit) if wrong else (0, limit - 1)
            inputs[name] = [[generator.randint(low, high) for _ in range(width)] for _ in range(2)]
        if generator.random() < 0.2:
            inputs[generator.choice(_FEATURES)] = generator.choice(([], [[]], [[0]], 0))
        if signature == "features_with_label_ids":
            inputs["label_ids"] = generator.choice(([0, 1], [-7], []))
        answer = client.predict({"signature_name": signature, "inputs": inputs}, model="tiny")
        assert answer.status in (200, 400), answer.body[:300]
        assert strict(answer)
        statuses.add(answer.status)
    assert statuses == {200, 400}


def test_labels_come_back_whole(client: Client) -> None:
    answer = client.predict({"signature_name": "labels", "instances": ["a film"]}, model="tiny")
    assert set(strict(answer)["predictions"][0]["labels"]) == set(_ODD_LABELS)


@pytest.fixture(scope="module")
def model(tiny_model: TinyModel) -> FineTunedModel:
    return read(tiny_model.prefix, ReadOptions())


def test_a_label_of_bytes_that_are_no_text(
    tiny_model: TinyModel, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """As a shell in another encoding gives it."""
    flag = os.fsdecode(b"--labels=good,bad,na\xefve")
    outcome = run_here(
        capfd, f"--checkpoint={tiny_model.prefix}", f"--export_dir={tmp_path / 'tiny'}", flag
    )
    assert_refused(outcome, "--labels", "UTF-8")
    assert not (tmp_path / "tiny").exists()


def test_a_word_piece_that_is_no_text(model: FineTunedModel) -> None:
    tokens = (*model.vocabulary.tokens[:-1], "\ud800")
    vocabulary = dataclasses.replace(model.vocabulary, tokens=tokens)
    with pytest.raises(UserError, match="word piece"):
        require_valid_json(OpenedCheckpoint(dataclasses.replace(model, vocabulary=vocabulary)))


_VARIABLES = (
    "bert/embeddings/word_embeddings",
    "bert/embeddings/LayerNorm/gamma",
    "bert/encoder/layer_0/attention/self/query/kernel",
    "bert/encoder/layer_1/attention/self/value/bias",
    "bert/encoder/layer_0/attention/output/LayerNorm/beta",
    "bert/encoder/layer_1/intermediate/dense/kernel",
    "bert/encoder/layer_1/output/dense/bias",
    "bert/pooler/dense/kernel",
    "output_weights",
    "output_bias",
)


def enlarged(model: FineTunedModel, name: str, factor: float) -> FineTunedModel:
    value = (model.weights[name] * np.float32(factor)).astype(np.float32)
    assert np.isfinite(value).all()
    return dataclasses.replace(model, weights={**model.weights, name: value})


@pytest.mark.parametrize("name", _VARIABLES)
def test_weights_that_can_overflow(model: FineTunedModel, name: str) -> None:
    """The sentence names the variable, or for a bias the one it is added behind."""
    with pytest.raises(UserError, match=r"variable .*NaN") as error:
        require_valid_json(OpenedCheckpoint(enlarged(model, name, 1e30)))
    scope = name.rsplit("/", 1)[0] if name.endswith(("bias", "beta", "kernel", "gamma")) else name
    assert scope.replace("output_bias", "output_weights") in str(error.value)


def is_admitted(model: FineTunedModel) -> bool:
    try:
        require_valid_json(OpenedCheckpoint(model))
    except UserError:
        return False
    return True


def answers(model: FineTunedModel) -> np.ndarray:
    served = ServedModel(model, EncoderNetwork(model), TEXT_INPUT, FAST_OP)
    return served.answer_text([tf.constant(["the film is good", "bad", ""])]).numpy()


def test_without_the_refusal_an_answer_holds_nan(model: FineTunedModel) -> None:
    name = "bert/encoder/layer_0/attention/self/query/kernel"
    enormous = enlarged(enlarged(model, name, 1e20), name.replace("query", "key"), 1e20)
    assert np.isnan(answers(enormous)).any()


@pytest.mark.parametrize("name", sampled(_VARIABLES, _VARIABLES[2:7:2]))
def test_large_weights_that_cannot_overflow(model: FineTunedModel, name: str) -> None:
    """As large as the bound admits, within a factor of two: every answer is finite."""
    factor = 1e12
    large = enlarged(model, name, factor)
    while not is_admitted(large):
        factor /= 2
        large = enlarged(model, name, factor)
    assert factor > 1e4
    assert np.isfinite(answers(large)).all()


def test_a_checkpoint_that_can_overflow(
    checkpoint_copy: TinyModel, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    weights = {**checkpoint_copy.weights}
    weights["output_weights"] = weights["output_weights"] * np.float32(1e38)
    tensorflow_files.write_variables(checkpoint_copy.prefix, weights)
    outcome = run_here(
        capfd,
        f"--checkpoint={checkpoint_copy.prefix}",
        f"--export_dir={tmp_path / 'tiny'}",
        "--noverify",
    )
    assert_refused(outcome, "output_weights", "give an earlier checkpoint")
    assert not (tmp_path / "tiny").exists()


def test_half_a_surrogate_pair_in_tokenizer_json(
    checkpoint_copy: TinyModel, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = checkpoint_copy.directory / "tokenizer.json"
    library = BertWordPieceTokenizer(str(checkpoint_copy.directory / "vocab.txt"))
    content = json.loads(library.to_str())
    content["model"]["vocab"]["\ud800"] = len(content["model"]["vocab"])
    file.write_text(json.dumps(content))
    outcome = run_here(
        capfd,
        f"--checkpoint={checkpoint_copy.prefix}",
        f"--export_dir={tmp_path / 'tiny'}",
        "--tokenizer=huggingface",
    )
    assert_refused(outcome, str(file), "surrogate")
