import gzip
import json
import shutil
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.exporter.preview.client import Client, preview, wait_for
from tests.exporter.preview.models import LABELS, save_classifier

GREAT = {"instances": ["great"]}


def test_any_content_type(clf: Client) -> None:
    body = json.dumps(GREAT).encode()
    expected = clf.predict(GREAT).json()
    for content_type in ("application/x-www-form-urlencoded", "text/plain; charset=ascii", "x"):
        answer = clf.request("POST", "/v1/models/clf:predict", body, {"Content-Type": content_type})
        assert answer.json() == expected


def test_gzip_body(clf: Client) -> None:
    headers = {"Content-Encoding": "gzip"}
    body = gzip.compress(json.dumps(GREAT).encode())
    assert (
        clf.request("POST", "/v1/models/clf:predict", body, headers).json()
        == clf.predict(GREAT).json()
    )
    for bad in (b"", b"no gzip", body[:-9], body[:12] + b"\xff" * 20):
        answer = clf.request("POST", "/v1/models/clf:predict", bad, headers)
        assert answer.status == 400
        assert list(answer.json()) == ["error"]


def test_half_a_surrogate_pair(clf: Client) -> None:
    for half, status in ((r"\udc80", 200), (r"\ud83d", 400)):
        body = f'{{"instances": ["{half}"]}}'.encode()
        assert clf.request("POST", "/v1/models/clf:predict", body).status == status


def test_a_row_of_a_megabyte(clf: Client) -> None:
    answer = clf.predict({"instances": ["ab " * 400_000]})
    assert answer.status == 200


def test_floats_keep_their_bits(clf: Client) -> None:
    values = [struct.unpack("f", struct.pack("I", bits))[0] for bits in range(1, 2**30, 999_983)]
    answer = clf.predict({"signature_name": "f32", "inputs": values}).json()
    read = [struct.unpack("I", struct.pack("f", value))[0] for value in answer["outputs"]]
    assert read == list(range(1, 2**30, 999_983))


@pytest.mark.parametrize(
    ("signature", "value", "status"),
    [
        ("i32", 2**31 - 1, 200),
        ("i32", 2**31, 400),
        ("i32", 1.0, 400),
        ("i64", -(2**63), 200),
        ("u8", 256, 400),
        ("f64", 0.1, 200),
        ("f32", 1, 200),
        ("f32", "1", 400),
        ("flag", True, 200),
        ("flag", 1, 400),
        ("half", 1.5, 400),
    ],
)
def test_typed_inputs(clf: Client, signature: str, value: object, status: int) -> None:
    answer = clf.predict({"signature_name": signature, "instances": [value]})
    assert answer.status == status
    if status == 200:
        assert answer.json() == {"predictions": [value]}


def test_nan_is_taken_but_never_sent(clf: Client) -> None:
    body = b'{"signature_name": "f32", "instances": [NaN]}'
    answer = clf.request("POST", "/v1/models/clf:predict", body)
    assert answer.status == 500
    assert "NaN" in answer.json()["error"]


def test_an_error_that_quotes_invalid_bytes_is_json(clf: Client) -> None:
    for document in (
        {"signature_name": "classify", "instances": [{"b64": "//4="}]},
        {"signature_name": "classify", "instances": ["\u0000\u00ff"]},
    ):
        answer = clf.predict(document)
        assert answer.status == 400
        assert answer.json()["error"]
    answer = clf.request("POST", "/v1/models/clf:predict", b'{"instances": [{"\xff": "a"}]}')
    assert answer.status == 400
    assert answer.json()["error"]


def test_a_scalar_output_has_no_rows(alias: Client) -> None:
    assert alias.predict({"signature_name": "scalar", "inputs": ["ab"]}, "alias").status == 200
    assert alias.predict({"signature_name": "scalar", "instances": ["ab"]}, "alias").status == 400


@pytest.mark.parametrize("path", ["/v1/models/clf/metadata", "/v1/models/clf/labels/live/metadata"])
def test_metadata(clf: Client, path: str) -> None:
    metadata = clf.get(path).json()
    assert metadata["model_spec"] == {"name": "clf", "signature_name": "", "version": "1"}
    signature = metadata["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["method_name"] == "tensorflow/serving/predict"
    assert signature["inputs"]["text"] == {
        "dtype": "DT_STRING",
        "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
        "name": signature["inputs"]["text"]["name"],
    }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/models", 400),
        ("GET", "/v1/", 400),
        ("GET", "/v1", 404),
        ("GET", "/V1/Models/clf", 200),
        ("GET", "/v1/models/CLF", 404),
        ("GET", "/v1/models/%63lf", 200),
        ("GET", "/v1/models/clf/labels/nope", 200),
        ("GET", "/v1/models/clf/labels/nope/metadata", 400),
        ("GET", "/v1/models/nope/metadata", 404),
        ("GET", "/v1/models/clf/versions/9/metadata", 404),
        ("GET", "/v1/models/clf/versions/x", 400),
        ("GET", "/v1/models/clf/versions/99999999999999999999", 400),
        # A query is part of the name, as the server reads it.
        ("GET", "/v1/models/clf?a=b", 404),
        ("GET", "/v1/models/%zz", 400),
        ("GET", "/v1/models/clf%", 400),
        ("POST", "/v1/models/clf/labels/%z1:predict", 400),
        ("GET", "/v1/nothing", 400),
        ("DELETE", "/v1/models/clf", 400),
        ("OPTIONS", "/v1/models/clf:predict", 400),
        ("POST", "/v1/models/clf", 400),
        ("POST", "/v1/models/clf:predict/", 400),
        ("POST", "/v1/models/clf:PREDICT", 400),
        ("POST", "/v1/models/clf:explain", 400),
        ("POST", "/v1/models/clf/labels/live:predict", 200),
        ("POST", "/v1/models/clf/labels/gone:predict", 404),
        ("POST", "/v1/models/clf/labels/nope:predict", 400),
        ("POST", "/v1/models/nope:predict", 404),
        ("POST", "/v1/models/nope:classify", 400),
        ("POST", "/other", 404),
    ],
)
def test_paths(clf: Client, method: str, path: str, status: int) -> None:
    body = json.dumps(GREAT).encode() if method == "POST" else b""
    answer = clf.request(method, path, body)
    assert answer.status == status, answer.body
    if status == 400:
        assert list(answer.json()) == ["error"]


def test_eight_clients_at_once(clf: Client) -> None:
    documents = [{"instances": ["a" * length] * (1 + length % 3)} for length in range(8)]
    expected = [clf.predict(document).body for document in documents]

    def ask(index: int) -> list[bytes]:
        return [clf.predict(documents[index]).body for _ in range(20)]

    with ThreadPoolExecutor(8) as clients:
        for index, bodies in enumerate(clients.map(ask, range(8))):
            assert set(bodies) == {expected[index]}


def test_new_versions_under_load(
    classifier: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    base_path = tmp_path / "models"
    with preview("clf", base_path, poll_seconds=0.05) as client:
        # The base path may come later than the server.
        wait_for(lambda: _listens(client))
        assert client.get("/v1/models/clf").status == 404
        assert client.predict(GREAT).status == 404
        base_path.mkdir()
        shutil.copytree(classifier, tmp_path / "new").rename(base_path / "1")
        wait_for(lambda: client.get("/v1/models/clf").status == 200)
        wait_for(lambda: client.predict(GREAT).status == 200)
        first = client.predict(GREAT).json()
        answers: list[tuple[int, str]] = []
        done = threading.Event()

        def ask() -> None:
            while not done.is_set():
                answer = client.predict(GREAT)
                answers.append((answer.status, answer.body.decode()))

        clients = [threading.Thread(target=ask) for _ in range(4)]
        for thread in clients:
            thread.start()
        try:
            save_classifier(tmp_path / "other", bias=1.0).rename(base_path / "2")
            second = wait_for(lambda: _other_answer(client, first))
            (base_path / "3").mkdir()
            wait_for(lambda: client.get("/v1/models/clf/versions/3").status == 200)
            broken = wait_for(lambda: _ended(client, 3))
        finally:
            done.set()
            for thread in clients:
                thread.join()
        assert {status for status, _ in answers} == {200}
        assert {json.dumps(json.loads(body)) for _, body in answers} == {
            json.dumps(first),
            json.dumps(second),
        }
        assert broken["status"]["error_code"] != "OK"
        assert broken["status"]["error_message"]
        assert client.predict(GREAT).json() == second
    output = capfd.readouterr()
    assert "clf version 1 is ready" in output.out
    assert "clf version 2 is ready" in output.out
    assert "waiting" in output.err
    assert "version 3 of clf" in output.err


def _listens(client: Client) -> bool:
    try:
        return bool(client.get("/v1/models/clf").status)
    except OSError:
        return False


def _other_answer(client: Client, first: object) -> Any:
    answer = client.predict(GREAT).json()
    return answer if answer != first else None


def _ended(client: Client, version: int) -> Any:
    (status,) = client.get(f"/v1/models/clf/versions/{version}").json()["model_version_status"]
    return status if status["state"] == "END" else None


def test_labels_and_scores_belong_together(clf: Client) -> None:
    answer = clf.post(
        "/v1/models/clf:classify",
        {"signature_name": "classify", "examples": [{"text": "great"}, {"text": "a"}]},
    ).json()
    probabilities = clf.predict({"instances": ["great", "a"]}).json()["predictions"]
    assert answer["results"] == [
        [[label, score] for label, score in zip(LABELS, row, strict=True)] for row in probabilities
    ]
