"""The command `python -m exporter.preview`: flags, then the server until it is stopped."""

import asyncio
import dataclasses
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from bert.command import flags as command_flags
from bert.command.options import StrPath, declared, option, require_valid
from bert.command.running import Command
from bert.errors import UserError
from bert.tensorflow_import import import_tensorflow_quietly
from exporter.contract import GRAPH_FILES
from exporter.progress import waiting

if TYPE_CHECKING:
    from exporter.preview.server import Settings


# After the first SIGINT or SIGTERM; a second one ends the server at once.
_LONGEST_END_SECONDS = 15.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class PreviewOptions:
    """The flags of the command, named as TF Serving names them where it has them."""

    model_name: str = dataclasses.field(metadata=declared("name of the model, as in its URLs"))
    model_base_path: StrPath = dataclasses.field(
        metadata=declared("directory that holds the model's version directories")
    )
    rest_api_port: int = option(8501, "port to listen on; 0 takes a free one", least=0, most=65535)
    rest_api_host: str = option("127.0.0.1", "address to listen on")
    file_system_poll_wait_seconds: float = option(
        1.0, "seconds between two looks for new versions", least=0.01
    )
    version_labels: Sequence[str] = option(
        (),
        "labels of versions, as in stable:1,canary:2; a labelled version is served besides the "
        "newest one",
        unset="none",
    )


def define_flags(values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    command_flags.define_flags(PreviewOptions, values)


def main(arguments: Sequence[str], values: flags.FlagValues) -> int:
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
        if len(arguments) > 1:
            raise UserError(f"unexpected argument {arguments[1]}: this command has flags only")
        options = PreviewOptions(**command_flags.given_options(PreviewOptions, values))
        require_valid(options)
        _run(options)
    except UserError as error:
        print(f"exporter.preview: {error}", file=sys.stderr)
        return 1
    return 0


def _run(options: PreviewOptions) -> None:
    if not options.model_name or set(options.model_name) & set("/:"):
        raise UserError(
            f"--model_name={options.model_name} cannot stand in a URL: it must not be empty and "
            "not hold / or :"
        )
    labels = _labels(options.version_labels)
    base_path = _base_path(options.model_base_path)
    # The quick mistakes are told before TensorFlow is imported, which takes seconds.
    with _listener(options.rest_api_host, options.rest_api_port) as listener:
        try:
            with waiting("loading TensorFlow"):
                import_tensorflow_quietly()
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
            model_name=options.model_name,
            base_path=base_path,
            url=f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}",
            poll_seconds=options.file_system_poll_wait_seconds,
            labels=labels,
            stage=waiting,
        )
        asyncio.run(_serve_until_signal(settings, listener))
        # Threads of TensorFlow that still compute would hold the process up.
        sys.stdout.flush()
        os._exit(0)


async def _serve_until_signal(settings: "Settings", listener: socket.socket) -> None:
    from exporter.preview.server import serve

    stop = asyncio.Event()

    def end() -> None:
        if stop.is_set():
            os._exit(0)
        stop.set()
        last = threading.Timer(_LONGEST_END_SECONDS, os._exit, [0])
        last.daemon = True
        last.start()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end)
    await serve(settings, listener, stop)


def _labels(values: Sequence[str]) -> dict[str, int]:
    labels = {}
    for value in values:
        label, _, version = value.partition(":")
        if not label or not version.isdecimal():
            raise UserError(
                f"--version_labels={value} is not LABEL:VERSION, as in stable:1,canary:2"
            )
        labels[label] = int(version)
    return labels


def _base_path(value: StrPath) -> Path:
    path = Path(value).absolute()
    if any((path / name).exists() for name in GRAPH_FILES):
        raise UserError(
            f"--model_base_path={value} is itself a SavedModel; give the directory above it, "
            f"{path.parent}, whose children are versions"
        )
    if not path.is_dir():
        what = "is not a directory" if path.exists() else "does not exist"
        raise UserError(
            f"--model_base_path={value} {what}; give the directory that the model was exported to"
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


def run() -> int:
    """The command; the exit code."""
    command = Command(
        name="exporter.preview: ",
        summary="Serves a model on this machine with the URLs and answers of TensorFlow Serving, "
        "for a first try.",
        usage="python -m exporter.preview --model_name NAME --model_base_path PATH [flags]",
        options=PreviewOptions,
        define_flags=define_flags,
        main=main,
        examples=(
            "python -m exporter.preview --model_name sentiment \\",
            '    --model_base_path "$PWD/models/sentiment"',
        ),
    )
    return command.run()


if __name__ == "__main__":
    sys.exit(run())
