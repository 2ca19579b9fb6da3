"""The command `python -m exporter.preview`: flags, then the server until it is stopped."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from absl import app, flags

from bert.errors import UserError
from bert.tensorflow_import import import_tensorflow_quietly
from exporter.contract import GRAPH_FILES

if TYPE_CHECKING:
    from exporter.preview.server import Settings


def define_flags() -> None:
    """Defines the command's flags, named as TF Serving names them where it has them."""
    flags.DEFINE_string("model_name", None, "Name of the model, as the URLs name it.")
    flags.DEFINE_string(
        "model_base_path", None, "Directory that holds the model's version directories."
    )
    flags.DEFINE_integer("rest_api_port", 8501, "Port to listen on; 0 takes a free one.", 0, 65535)
    flags.DEFINE_string("rest_api_host", "127.0.0.1", "Address to listen on.")
    flags.DEFINE_float(
        "file_system_poll_wait_seconds", 1.0, "Seconds between two looks for new versions.", 0.01
    )
    flags.DEFINE_list(
        "version_labels",
        [],
        "Labels of versions, as in stable:1,canary:2. A labelled version is served beside "
        "the newest one.",
    )
    flags.mark_flags_as_required(["model_name", "model_base_path"])


def main(arguments: list[str]) -> int:
    """Serves until SIGINT or SIGTERM; returns the exit status, 0 or 1."""
    print(
        "Preview server for a first try on this machine; in production, TensorFlow Serving "
        "serves the same model at the same URLs.",
        flush=True,
    )
    # Until the server has handlers of its own there is nothing to end in good order, and an
    # exception raised from a handler may get lost in an import.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    try:
        _run(arguments)
    except UserError as error:
        print(f"exporter.preview: {error}", file=sys.stderr)
        return 1
    return 0


def _run(arguments: list[str]) -> None:
    values = flags.FLAGS
    if len(arguments) > 1:
        raise UserError(f"unexpected argument {arguments[1]}: this command has flags only")
    if not values.model_name or set(values.model_name) & set("/:"):
        raise UserError(
            f"--model_name={values.model_name} cannot stand in a URL: it must not be empty and "
            "not hold / or :"
        )
    labels = _labels(values.version_labels)
    base_path = _base_path(values.model_base_path)
    # The quick mistakes are told before TensorFlow is imported, which takes seconds.
    with _listener(values.rest_api_host, values.rest_api_port) as listener:
        import_tensorflow_quietly()
        try:
            from exporter.preview.server import Settings
        except ModuleNotFoundError as error:
            if error.name != "aiohttp":
                raise
            raise UserError(
                "the preview server needs aiohttp; install this package with its extra "
                "'preview': pip install '.[preview]'"
            ) from None
        host, port = listener.getsockname()[:2]
        settings = Settings(
            model_name=values.model_name,
            base_path=base_path,
            url=f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}",
            poll_seconds=values.file_system_poll_wait_seconds,
            labels=labels,
        )
        asyncio.run(_serve_until_signal(settings, listener))


async def _serve_until_signal(settings: "Settings", listener: socket.socket) -> None:
    from exporter.preview.server import serve

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(settings, listener, stop)


def _labels(values: list[str]) -> dict[str, int]:
    labels = {}
    for value in values:
        label, _, version = value.partition(":")
        if not label or not version.isdecimal():
            raise UserError(
                f"--version_labels={value} is not LABEL:VERSION, as in stable:1,canary:2"
            )
        labels[label] = int(version)
    return labels


def _base_path(value: str) -> Path:
    path = Path(value).absolute()
    if any((path / name).exists() for name in GRAPH_FILES):
        raise UserError(
            f"--model_base_path={value} is itself a SavedModel; give the directory above it, "
            f"{path.parent}, whose children are versions"
        )
    if not path.is_dir():
        if path.exists():
            raise UserError(f"--model_base_path={value} is not a directory")
        if not path.parent.is_dir():
            raise UserError(
                f"--model_base_path={value} does not exist, nor does {path.parent}; give the "
                "directory that the model was exported to"
            )
    return path


def _listener(host: str, port: int) -> socket.socket:
    """Returns a bound socket; nobody can connect to it before the model is loaded."""
    listener = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        if listener is not None:
            listener.close()
        raise UserError(
            f"cannot listen on --rest_api_host={host} --rest_api_port={port}: {error.strerror}; "
            "give another port, or 0 for a free one"
        ) from None
    return listener


if __name__ == "__main__":
    define_flags()
    app.run(main)
