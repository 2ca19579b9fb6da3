"""A preview server in a thread, and an HTTP client that keeps what the server sent."""

import asyncio
import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from exporter.preview.server import Settings, serve

_Value = TypeVar("_Value")


class Answer(NamedTuple):
    """Status, body and content type of an HTTP answer."""

    status: int
    body: bytes
    content_type: str

    def json(self) -> Any:
        """Returns the body as strict JSON: NaN and Infinity are errors."""

        def refuse(constant: str) -> None:
            raise ValueError(f"{constant} is not JSON")

        return json.loads(self.body.decode("utf-8"), parse_constant=refuse)


class Client:
    """Sends requests to a preview server on this machine."""

    def __init__(self, port: int) -> None:
        self.port = port

    def request(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        with contextlib.closing(connection):
            connection.request(method, path, body or None, headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.read(), response.getheader("Content-Type", ""))

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def post(self, path: str, document: object) -> Answer:
        return self.request("POST", path, json.dumps(document).encode())

    def predict(self, document: object, model: str = "clf") -> Answer:
        return self.post(f"/v1/models/{model}:predict", document)


@contextlib.contextmanager
def preview(model: str, base_path: Path, **settings: Any) -> Iterator[Client]:
    """Serves `base_path` from a thread until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    chosen = Settings(model, base_path, f"http://127.0.0.1:{port}", **settings)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            loop.run_until_complete(serve(chosen, listener, stop))
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield Client(port)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(300)
        listener.close()
        loop.close()
    assert not thread.is_alive()
    assert not failures, failures


def wait_for(condition: Callable[[], _Value], seconds: float = 120.0) -> _Value:
    """Returns the first true value of `condition()`, asked again and again."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("the condition did not come true in time")
