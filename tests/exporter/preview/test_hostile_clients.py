"""Clients that keep the preview busy, never finish, or send what is no request."""

import contextlib
import gzip
import json
import logging
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import tensorflow as tf

from exporter.preview import server
from tests.exporter.preview.client import Client, preview
from tests.exporter.preview.models import text_record, write_warmup

# Stated in the README: 15 s after the first signal; the rest is for a busy machine.
_END_SECONDS = 15 + 15


# The model counts to ten to the power of the number of characters.
_ENDLESS = "x" * 9
_SHORT = "x" * 5


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose answer to a text of nine characters takes nearly for ever."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def count(text: tf.Tensor) -> dict[str, tf.Tensor]:
        turns = tf.pow(10, tf.reduce_max(tf.strings.length(text)))
        (turn,) = tf.while_loop(
            lambda turn: turn < turns, lambda turn: (turn + 1,), [tf.constant(0)]
        )
        return {"turns": tf.fill(tf.shape(text), turn)}

    version = tmp_path_factory.mktemp("counter") / "1"
    tf.saved_model.save(tf.Module(), str(version), signatures={"serving_default": count})
    return version


def start(base_path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "exporter.preview", "--model_name=m", "--rest_api_port=0"),
            f"--model_base_path={base_path}",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def require_end(process: subprocess.Popen[str], seconds: float = _END_SECONDS) -> None:
    try:
        assert process.wait(seconds) == 0
    finally:
        process.kill()


def port_of(process: subprocess.Popen[str]) -> int:
    """Waits until it is ready."""
    assert process.stdout is not None
    ready = ""
    while "is ready" not in ready:
        ready = process.stdout.readline()
    found = re.search(r":(\d+)/v1", ready)
    assert found
    return int(found[1])


@contextlib.contextmanager
def asked(port: int, text: str) -> Iterator[socket.socket]:
    """A connection on which a request waits for its answer."""
    body = json.dumps({"instances": [text]})
    head = f"POST /v1/models/m:predict HTTP/1.1\r\nHost: m\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(f"{head}Connection: close\r\n\r\n{body}".encode())
        time.sleep(1)
        yield connection


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_while_a_request_computes(number: signal.Signals, counter: Path) -> None:
    with start(counter.parent) as process, asked(port_of(process), _ENDLESS):
        process.send_signal(number)
        require_end(process)


def test_a_request_in_flight_is_answered_before_the_end(counter: Path) -> None:
    with start(counter.parent) as process, asked(port_of(process), _SHORT) as connection:
        process.send_signal(signal.SIGTERM)
        assert b'"predictions": [100000]' in _all_of(connection)
        require_end(process)


def test_a_second_signal_ends_it_at_once(counter: Path) -> None:
    with start(counter.parent) as process, asked(port_of(process), _ENDLESS):
        for _ in range(2):
            process.send_signal(signal.SIGINT)
            time.sleep(0.5)
        require_end(process, 5)


def test_a_signal_ends_it_while_a_warmup_request_computes(counter: Path, tmp_path: Path) -> None:
    version = tmp_path / "base" / "1"
    version.parent.mkdir()
    for file in ("saved_model.pb", "variables"):
        (version / file).parent.mkdir(exist_ok=True)
        (version / file).symlink_to(counter / file)
    write_warmup(version, [text_record(_ENDLESS.encode())])
    with start(version.parent) as process:
        assert process.stderr is not None
        line = ""
        while "warm-up request 1 of 1" not in line:
            line = process.stderr.readline()
            assert line
        process.send_signal(signal.SIGTERM)
        require_end(process)


@pytest.mark.parametrize("size", [16 * 1024 * 1024 + 1, 20 * 1024 * 1024])
def test_a_body_that_is_too_large(size: int, clf: Client) -> None:
    unpacked = bytes(size)
    answer = clf.request("POST", "/v1/models/clf:predict", unpacked)
    assert answer.status == 413 and list(answer.json()) == ["error"]
    packed = gzip.compress(unpacked)
    answer = clf.request("POST", "/v1/models/clf:predict", packed, {"Content-Encoding": "gzip"})
    assert answer.status == 400 and "unpacks to more than" in answer.json()["error"]


def test_twenty_million_empty_texts_in_sixty_kilobytes(clf: Client) -> None:
    body = gzip.compress(b'{"instances":[' + b'"",' * (20 * 1024 * 1024) + b'""]}')
    start = time.monotonic()
    answer = clf.request("POST", "/v1/models/clf:predict", body, {"Content-Encoding": "gzip"})
    assert answer.status == 400
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        (b"", b""),
        (b"POST /v1/models/clf:predict HTTP/1.1\r\nHost: a\r\n", b""),
        (
            b"POST /v1/models/clf:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{",
            b"HTTP/1.1 408 ",
        ),
    ],
)
def test_a_connection_that_sends_too_little_is_closed(
    sent: bytes, answered: bytes, classifier: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_RECEIVE_SECONDS", 1.0)
    with (
        preview("clf", classifier.parent) as client,
        socket.create_connection(("127.0.0.1", client.port), timeout=60) as connection,
    ):
        connection.sendall(sent)
        received = _all_of(connection)
        assert received.startswith(answered) and bool(received) == bool(answered)
        # One that did send a request is kept, and others are served.
        assert client.predict({"instances": ["great"]}).status == 200


def _all_of(connection: socket.socket) -> bytes:
    received = b""
    while True:
        try:
            part = connection.recv(4096)
        except ConnectionResetError:
            part = b""
        if not part or b"in time" in received:
            return received
        received += part


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\x1b[2J HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: " + b"b" * 10_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_request_is_one_line_of_the_log(
    sent: bytes, clf: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_connection(("127.0.0.1", clf.port), timeout=60) as connection:
        connection.sendall(sent)
        answer = connection.recv(4096)
    assert answer.startswith((b"HTTP/1.0 4", b"HTTP/1.1 4"))
    for record in caplog.records:
        told = logging.Formatter().format(record)
        assert "\n" not in told and "\x1b" not in told and len(told) < 500
    assert len(caplog.records) <= 1
    assert clf.predict({"instances": ["great"]}).status == 200


@pytest.mark.parametrize("label_ids", [0, [0], [[0, 1]]])
@pytest.mark.parametrize("rows", [1, 2])
def test_label_ids_of_any_shape(label_ids: object, rows: int, tiny_export: Path) -> None:
    with preview("tiny", tiny_export.parent) as client:
        instance = {
            "input_ids": [2, 5, 3],
            "input_mask": [1, 1, 1],
            "segment_ids": [0, 0, 0],
            "label_ids": label_ids,
        }
        document = {"signature_name": "features_with_label_ids", "instances": [instance] * rows}
        answer = client.predict(document, "tiny")
        assert answer.status == 200, answer.body
        assert len(answer.json()["predictions"]) == rows
        # The other inputs have their rank.
        document["instances"] = [{**instance, "input_ids": 2}] * rows
        assert client.predict(document, "tiny").status == 400
