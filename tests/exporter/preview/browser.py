"""Headless Chromium, driven by its own DevTools protocol: a page, keys, and what is on it."""

import asyncio
import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

# Without a sandbox, since containers of CI run as root; nothing is fetched but the page.
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
    "--window-size=1000,1100",
)
_SECONDS = 120.0
_KEYS = {"Enter": 13, "Tab": 9, "End": 35}


def chromium() -> str:
    """The program; scripts/test installs it."""
    program = os.environ.get("BERT_EXPORTER_CHROMIUM") or shutil.which("chromium")
    assert program is not None, (
        "no chromium on the PATH: apt-get install chromium, as scripts/test does, or name one in "
        "BERT_EXPORTER_CHROMIUM"
    )
    return program


class Tab:
    """A page of the browser. Its errors and those of its console are kept in `faults`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._last_id = 0
        self.faults: list[str] = []
        self.requested: list[str] = []

    async def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A command of the protocol, and its result."""
        self._last_id += 1
        await self._socket.send_json({"id": self._last_id, "method": method, "params": parameters})
        while True:
            message = await self._socket.receive_json(timeout=_SECONDS)
            if message.get("id") == self._last_id:
                assert "error" not in message, message
                return dict(message["result"])
            self._note(message.get("method"), message.get("params", {}))

    def _note(self, event: str | None, parameters: dict[str, Any]) -> None:
        if event == "Runtime.exceptionThrown":
            self.faults.append(json.dumps(parameters["exceptionDetails"]))
        elif event == "Log.entryAdded" and parameters["entry"]["source"] != "network":
            self.faults.append(parameters["entry"]["text"])
        elif event == "Network.requestWillBeSent":
            self.requested.append(parameters["request"]["url"])

    async def value(self, expression: str) -> Any:
        """What a JavaScript expression gives on the page."""
        result = await self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def until(self, expression: str) -> None:
        """Waits until an expression is true, asked again and again."""
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            if await self.value(f"Boolean({expression})"):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"not true in time: {expression}; {await self.text('body')}")

    async def text(self, selector: str) -> str:
        """What a person reads in an element."""
        return str(await self.value(f"document.querySelector({json.dumps(selector)}).innerText"))

    async def texts(self, selector: str) -> list[str]:
        """What a person reads in each of the elements."""
        script = f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.innerText)"
        return list(await self.value(script))

    async def press(self, key: str, *, control: bool = False) -> None:
        """A key, as a keyboard sends it to what has the focus."""
        pressed = {"key": key, "code": key, "windowsVirtualKeyCode": _KEYS[key]}
        pressed["modifiers"] = 2 if control else 0
        await self.send("Input.dispatchKeyEvent", type="rawKeyDown", **pressed)
        if key == "Enter" and not control:
            await self.send("Input.dispatchKeyEvent", type="char", text="\r", **pressed)
        await self.send("Input.dispatchKeyEvent", type="keyUp", **pressed)

    async def type(self, text: str) -> None:
        """A text, into what has the focus, in place of what is marked there."""
        await self.send("Input.insertText", text=text)

    async def appear(self, scheme: str) -> None:
        """Sets what the person prefers: "light" or "dark"."""
        await self.send(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )

    async def screenshot(self, file: Path) -> None:
        """The whole page as a PNG."""
        shot = await self.send("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(shot["data"]))


@contextlib.asynccontextmanager
async def tab(url: str) -> AsyncIterator[Tab]:
    """A page of a fresh browser, which has loaded `url`."""
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [chromium(), *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            port = await _port(Path(profile, "DevToolsActivePort"), process)
            async with aiohttp.ClientSession() as session:
                pages = await (await session.get(f"http://127.0.0.1:{port}/json")).json()
                (page,) = (page for page in pages if page["type"] == "page")
                async with session.ws_connect(
                    page["webSocketDebuggerUrl"], max_msg_size=0
                ) as socket:
                    opened = Tab(socket)
                    for domain in ("Page", "Runtime", "Log", "Network"):
                        await opened.send(f"{domain}.enable")
                    await opened.send("Page.navigate", url=url)
                    await opened.until("document.readyState === 'complete'")
                    yield opened
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


async def _port(file: Path, process: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"chromium ended with {process.returncode}"
        if file.exists() and (lines := file.read_text().split()):
            return int(lines[0])
        await asyncio.sleep(0.05)
    raise AssertionError("chromium did not start in time")
