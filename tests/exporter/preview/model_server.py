"""TensorFlow Serving itself, where this machine has it.

The REST tests run against `tensorflow_model_server` too where it is on the PATH or where
BERT_EXPORTER_MODEL_SERVER names its file.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.exporter.preview.client import Client, preview, wait_for

MODEL_SERVER_VARIABLE = "BERT_EXPORTER_MODEL_SERVER"
PREVIEW, MODEL_SERVER = "preview", "tensorflow_model_server"


def find_model_server() -> str | None:
    """The file of the server, or None."""
    return os.environ.get(MODEL_SERVER_VARIABLE) or shutil.which(MODEL_SERVER)


# For fixtures: every server that this machine has.
SERVERS = (PREVIEW, MODEL_SERVER) if find_model_server() else (PREVIEW,)


@contextlib.contextmanager
def serving(
    server: str, model: str, base_path: Path, labels: Mapping[str, int] | None = None
) -> Iterator[Client]:
    """Serves `base_path` by one of SERVERS until the block ends."""
    if server == PREVIEW:
        with preview(model, base_path, labels=labels or {}) as client:
            yield client
        return
    executable = find_model_server()
    assert executable is not None
    with model_server(executable, model, base_path, labels or {}) as client:
        yield client


@contextlib.contextmanager
def model_server(
    executable: str, model: str, base_path: Path, labels: Mapping[str, int]
) -> Iterator[Client]:
    """Serves `base_path` by `tensorflow_model_server` in a process of its own."""
    rest_port, grpc_port = _free_port(), _free_port()
    with tempfile.TemporaryDirectory(prefix="model-server-") as scratch:
        config = Path(scratch, "models.config")
        config.write_text(_config(model, base_path, labels))
        log = Path(scratch, "log.txt")
        command = [executable, f"--rest_api_port={rest_port}", f"--port={grpc_port}"]
        command += [f"--model_config_file={config}"]
        # Else a label of a version that is not there ends the server.
        command += ["--allow_version_labels_for_unavailable_models=true"]
        with (
            log.open("wb") as output,
            subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT) as process,
        ):
            client = Client(rest_port)

            def is_loaded() -> bool:
                assert process.poll() is None, log.read_text(errors="replace")[-2000:]
                with contextlib.suppress(OSError):
                    return client.get(f"/v1/models/{model}/versions/1").status == 200
                return False

            try:
                wait_for(is_loaded, 300)
                yield client
            finally:
                process.terminate()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def _config(model: str, base_path: Path, labels: Mapping[str, int]) -> str:
    """A ModelServerConfig in text format."""
    named = "".join(
        f'    version_labels {{ key: "{label}" value: {version} }}\n'
        for label, version in labels.items()
    )
    return (
        "model_config_list {\n  config {\n"
        f'    name: "{model}"\n    base_path: "{base_path}"\n    model_platform: "tensorflow"\n'
        f"{named}  }}\n}}\n"
    )
