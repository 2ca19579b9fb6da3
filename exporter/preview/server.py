"""HTTP in front of the REST API, and the watch over new versions."""

import asyncio
import dataclasses
import os
import socket
import sys
from collections.abc import Coroutine, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from aiohttp import web

from bert.errors import UserError
from exporter.preview.rest_api import Answer, RestApi, error_answer
from exporter.preview.versions import VersionManager, VersionStatus
from exporter.progress import waiting

_MAX_BODY_BYTES = 1024**3
# How long a shutdown waits for requests in flight.
_SHUTDOWN_SECONDS = 30.0


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


async def serve(settings: Settings, listener: socket.socket, stop: asyncio.Event) -> None:
    """Loads the model, then answers on `listener`, a bound socket, until `stop` is set.

    A version that becomes available is reported in a line on standard output, a broken one in a
    line on standard error. Without any version the server waits for one.

    Raises:
      UserError: the version found at the start is broken; TF Serving would exit too.
    """
    versions = VersionManager(settings.model_name, settings.base_path, settings.labels, waiting)
    loop = asyncio.get_running_loop()
    with (
        ThreadPoolExecutor(1, "versions") as watcher,
        ThreadPoolExecutor(
            # The default of TF Serving's --rest_api_num_threads.
            4 * (os.cpu_count() or 1),
            "requests",
        ) as workers,
    ):
        try:
            loads = await loop.run_in_executor(watcher, versions.refresh)
            for load in loads:
                if load.error is not None:
                    raise UserError(_failure(settings, load))
            runner = web.AppRunner(
                _application(RestApi(versions), workers),
                access_log=None,
                # The REST API unpacks bodies itself, to answer a damaged one as the server does.
                auto_decompress=False,
                shutdown_timeout=_SHUTDOWN_SECONDS,
            )
            await runner.setup()
            try:
                await web.SockSite(runner, listener).start()
                if not loads:
                    print(
                        f"no version of {settings.model_name} in {settings.base_path} yet: "
                        "waiting for a child directory that is named with a number",
                        file=sys.stderr,
                        flush=True,
                    )
                _report(settings, loads)
                await _until(stop, _watch(settings, versions, watcher))
            finally:
                await runner.cleanup()
        finally:
            versions.close()


def _application(api: RestApi, workers: Executor) -> web.Application:
    async def handle(request: web.Request) -> web.Response:
        try:
            body = await request.read()
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

    application = web.Application(client_max_size=_MAX_BODY_BYTES)
    application.router.add_route("*", "/{path:.*}", handle)
    return application


def _response(answer: Answer) -> web.Response:
    return web.Response(
        status=answer.status, body=answer.body, headers={"Content-Type": answer.content_type}
    )


async def _until(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Runs `work`, which does not end by itself, until `stop` is set; passes on its errors."""
    tasks = [asyncio.create_task(work), asyncio.create_task(stop.wait())]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    for task in done:
        task.result()


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
            print(f"{settings.model_name} version {load.version} is ready: {url}", flush=True)


def _failure(settings: Settings, load: VersionStatus) -> str:
    assert load.error is not None
    return (
        f"version {load.version} of {settings.model_name} in {settings.base_path} cannot be "
        f"served: {load.error.code.name}: {load.error.message}"
    )
