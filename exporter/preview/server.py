"""HTTP in front of the REST API, and the watch over new versions."""

import asyncio
import contextlib
import dataclasses
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import Any

from aiohttp import web

from bert.errors import UserError
from exporter.preview.page import PAGE_HEADERS, Page
from exporter.preview.rest_api import MAX_BODY_BYTES, Answer, RestApi, error_answer
from exporter.preview.versions import VersionManager, VersionStatus
from exporter.progress import Stage, silent

# How long a shutdown waits for requests in flight.
_SHUTDOWN_SECONDS = 10.0
# How long a connection may take to send its first request, and a request to send its body.
_RECEIVE_SECONDS = 30.0
_KEEP_ALIVE_SECONDS = 75.0


@dataclasses.dataclass(frozen=True)
class Settings:
    """A model, and how its versions are found and reached."""

    model_name: str
    base_path: Path
    """the directory that holds the versions"""

    url: str
    """the address at which clients reach the server"""

    poll_seconds: float = 1.0
    """seconds between two looks for new versions"""

    labels: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """label -> version number"""

    stage: Stage = silent
    """shows the progress of a load"""


class _OneLine(logging.Filter):
    """A malformed request is one line of the log, without a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Shortens the record."""
        if record.exc_info and record.exc_info[1] is not None:
            cause = " ".join(str(record.exc_info[1]).split())
            record.msg = f"{record.getMessage()}: {cause[:200]!r}"
            record.args, record.exc_info = (), None
        return True


_LOGGER = logging.getLogger(__name__)
_LOGGER.addFilter(_OneLine())
# Connections without a request so far.
_SILENT_ONES: web.AppKey[set[asyncio.BaseProtocol]] = web.AppKey("silent ones", set)


async def serve(settings: Settings, listener: socket.socket, stop: asyncio.Event) -> None:
    """Loads the model, then answers on `listener`, a bound socket, until `stop` is set.

    A version that becomes available is reported in a line on standard output, a broken one in a
    line on standard error. Without any version the server waits for one.

    Raises:
      UserError: the version found at the start is broken; TF Serving would exit too.
    """
    versions = VersionManager(
        settings.model_name, settings.base_path, settings.labels, settings.stage
    )
    watcher = ThreadPoolExecutor(1, "versions")
    # The default of TF Serving's --rest_api_num_threads.
    workers = ThreadPoolExecutor(4 * (os.cpu_count() or 1), "requests")
    loop = asyncio.get_running_loop()
    try:
        first = loop.run_in_executor(watcher, versions.refresh)
        if not await _ends_first(first, stop):
            return
        loads = first.result()
        for load in loads:
            if load.error is not None:
                raise UserError(_failure(settings, load))
        async with _listening(_application(RestApi(versions), Page(versions), workers), listener):
            if not loads:
                print(
                    f"no version of {settings.model_name} in {settings.base_path} yet: "
                    "waiting for a child directory that is named with a number",
                    file=sys.stderr,
                    flush=True,
                )
            _report(settings, loads)
            await _ends_first(asyncio.ensure_future(_watch(settings, versions, watcher)), stop)
    finally:
        # No thread of TensorFlow's can be ended: what still runs is left behind.
        watcher.shutdown(wait=False, cancel_futures=True)
        workers.shutdown(wait=False, cancel_futures=True)
        versions.close()


@contextlib.asynccontextmanager
async def _listening(application: web.Application, listener: socket.socket) -> AsyncIterator[None]:
    runner = web.AppRunner(
        application,
        access_log=None,
        logger=_LOGGER,
        keepalive_timeout=_KEEP_ALIVE_SECONDS,
        # The REST API unpacks bodies itself, to answer a damaged one as the server does.
        auto_decompress=False,
        shutdown_timeout=_SHUTDOWN_SECONDS,
    )
    await runner.setup()
    loop = asyncio.get_running_loop()
    # A connection is closed that has sent no request; aiohttp would wait for ever.
    silent_ones = application[_SILENT_ONES]

    def protocol() -> asyncio.BaseProtocol:
        assert runner.server is not None
        made = runner.server()
        silent_ones.add(made)
        loop.call_later(_RECEIVE_SECONDS, close_if_silent, made)
        return made

    def close_if_silent(made: web.RequestHandler) -> None:
        if made in silent_ones:
            silent_ones.remove(made)
            if made.transport is not None:
                made.transport.abort()

    server = await loop.create_server(protocol, sock=listener)
    try:
        yield
    finally:
        server.close()
        await runner.cleanup()


def _application(api: RestApi, page: Page, workers: Executor) -> web.Application:
    async def handle(request: web.Request) -> web.Response:
        application[_SILENT_ONES].discard(request.protocol)
        if request.method in ("GET", "HEAD"):
            shown = page.answer(request.path)
            if shown is not None:
                return _response(shown, PAGE_HEADERS)
        try:
            body = await asyncio.wait_for(request.read(), _RECEIVE_SECONDS)
        except asyncio.TimeoutError:
            return _response(error_answer(408, "the request's body did not come in time"))
        except web.HTTPRequestEntityTooLarge as error:
            return _response(error_answer(413, str(error.text)))
        answer = await asyncio.get_running_loop().run_in_executor(
            workers,
            api.answer,
            request.method,
            request.raw_path,
            body,
            request.headers.get("Content-Encoding", ""),
        )
        return _response(answer)

    application = web.Application(client_max_size=MAX_BODY_BYTES)
    application[_SILENT_ONES] = set()
    application.router.add_route("*", "/{path:.*}", handle)
    return application


def _response(answer: Answer, headers: Mapping[str, str] = MappingProxyType({})) -> web.Response:
    return web.Response(
        status=answer.status,
        body=answer.body,
        headers={"Content-Type": answer.content_type, **headers},
    )


async def _ends_first(work: asyncio.Future[Any], stop: asyncio.Event) -> bool:
    """Whether `work` ends before `stop` is set; passes on its errors, and cancels it if not."""
    told = asyncio.create_task(stop.wait())
    done, pending = await asyncio.wait([work, told], return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    if work not in done:
        return False
    work.result()
    return True


async def _watch(settings: Settings, versions: VersionManager, watcher: Executor) -> None:
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(settings.poll_seconds)
        _report(settings, await loop.run_in_executor(watcher, versions.refresh))


def _report(settings: Settings, loads: list[VersionStatus]) -> None:
    for load in loads:
        if load.error is not None:
            print(_failure(settings, load), file=sys.stderr, flush=True)
        else:
            url = f"{settings.url}/v1/models/{settings.model_name}:predict"
            print(
                f"{settings.model_name} version {load.version} is ready: {url}\n"
                f"A page to try it: {settings.url}/",
                flush=True,
            )


def _failure(settings: Settings, load: VersionStatus) -> str:
    assert load.error is not None
    return (
        f"version {load.version} of {settings.model_name} in {settings.base_path} cannot be "
        f"served: {load.error.code.name}: {load.error.message}"
    )
