"""Models by their name on the Hugging Face Hub, from a server here that answers as it does."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.bert.checkpoints.huggingface.test_distilbert import write
from tests.exporter.command import assert_refused, run

_NAME, _REVISION = "someone/tiny", "0123456789abcdef0123456789abcdef01234567"


class _Hub(http.server.BaseHTTPRequestHandler):
    """The three requests of `snapshot_download`: revision, tree, files."""

    directory: Path
    asked: set[str]

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on standard error."""

    def _answer(self) -> None:
        path = urlsplit(self.path).path
        files = {file.name: file.read_bytes() for file in self.directory.iterdir()}
        api, content = f"/api/models/{_NAME}", f"/{_NAME}/resolve/{_REVISION}/"
        name = path.removeprefix(content)
        if path == f"{api}/revision/main":
            siblings = [{"rfilename": name} for name in files]
            self._send({"id": _NAME, "sha": _REVISION, "siblings": siblings})
        elif path == f"{api}/tree/{_REVISION}":
            self._send(
                [
                    {"type": "file", "path": name, "size": len(data), "oid": name}
                    for name, data in files.items()
                ]
            )
        elif path.startswith(content) and name in files:
            self.asked.add(name)
            self._send(files[name], ETag=f'"{name}"')
        else:
            self._send({"error": "Repository not found"}, status=404)

    def _send(self, body: object, status: int = 200, **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"X-Repo-Commit": _REVISION, **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[str]:
    """The address of a Hub that has one model, whose pickles nobody should fetch."""
    _Hub.directory, _Hub.asked = write(tmp_path / "hub"), set()
    (_Hub.directory / "pytorch_model.bin").write_bytes(b"")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_name(hub: str, tmp_path: Path) -> None:
    environment = {"HF_ENDPOINT": hub, "HF_HOME": str(tmp_path / "cache")}
    flags = ("--nowarmup", "--noverify", f"--export_dir={tmp_path / 'models'}")
    outcome = run(f"--checkpoint={_NAME}", "--version=1", *flags, environment=environment)
    assert outcome.code == 0, outcome.errors
    assert (tmp_path / "models" / "1" / "saved_model.pb").is_file()
    assert {"config.json", "model.safetensors", "vocab.txt"} <= _Hub.asked
    assert "pytorch_model.bin" not in _Hub.asked
    unknown = run("--checkpoint=someone/else", *flags, environment=environment)
    assert_refused(unknown, "someone/else does not exist", "Hugging Face Hub", "404")


def test_a_path_is_no_name(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    outcome = run("--checkpoint=out/model", f"--export_dir={tmp_path}", working_directory=tmp_path)
    assert_refused(outcome, "--checkpoint out/model does not exist", "a checkpoint's prefix")
