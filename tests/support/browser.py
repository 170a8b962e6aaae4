"""A real browser and a real luigid for tests: what a person would see on Luigi's dashboard.

What belongs here: starting and stopping the two, and driving a page (Chrome's DevTools protocol over the web
socket client that Luigi's tornado brings, so that the tests need Chromium and no driver). What must not come in:
what any one page should show.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tornado.websocket import WebSocketClientConnection, websocket_connect

REPOSITORY = Path(__file__).parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
START_SECONDS = 60.0  # a cold Chromium on a busy two-core machine took 12
WAIT_SECONDS = 20.0
FLAGS = (
    "--headless",
    "--no-sandbox",  # CI runs as root, where Chromium's sandbox refuses to start
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1400,1000",
    "--remote-debugging-port=0",
    # Luigi's style sheet asks for a web font: no test waits for, or tells, another machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def executable() -> str:
    """Chromium's path; skips the test without one, or fails it where RATEHOUSE_REQUIRE_BROWSER is set."""
    found = next(filter(None, map(shutil.which, NAMES)), None) or (str(MAC) if MAC.exists() else None)
    if found is None:
        reason = f"no Chromium on this machine (looked for {', '.join(NAMES)})"
        if os.environ.get("RATEHOUSE_REQUIRE_BROWSER"):
            pytest.fail(f"{reason}, and RATEHOUSE_REQUIRE_BROWSER is set")
        pytest.skip(reason)
    return found


class Page:
    """One tab of a headless browser. Every method waits until the browser has answered."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: WebSocketClientConnection):
        self._loop, self._connection, self._calls = loop, connection, 0
        self.call("Page.enable")

    def call(self, method: str, **params) -> dict:
        """Call a DevTools method and return its result; AssertionError with the browser's words when it refuses."""
        return self._loop.run_until_complete(asyncio.wait_for(self._call(method, params), START_SECONDS))

    async def _call(self, method: str, params: dict) -> dict:
        self._calls += 1
        await self._connection.write_message(json.dumps({"id": self._calls, "method": method, "params": params}))
        while True:
            text = await self._connection.read_message()
            assert text is not None, f"{method}: the browser closed the connection"
            answer = json.loads(text)
            if answer.get("id") == self._calls:  # the rest are events, which nobody here listens to
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]

    def evaluate(self, expression: str):
        """The JSON value of a JavaScript expression; AssertionError when it throws."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, f"{expression}: {answer['exceptionDetails']}"
        return answer["result"].get("value")

    def open(self, url: str) -> None:
        """Go to an address and wait until the document is loaded."""
        assert not self.call("Page.navigate", url=url).get("errorText"), url
        self.wait(f"document.readyState == 'complete' && location.href.startsWith({json.dumps(url)})")

    def wait(self, expression: str, seconds: float = WAIT_SECONDS):
        """Wait until an expression is true and return its value; AssertionError with the page's text otherwise."""
        end = time.monotonic() + seconds
        while not (value := self.evaluate(expression)):
            assert time.monotonic() < end, f"not within {seconds:.0f} s: {expression}\n{self.text('body')}"
            time.sleep(0.1)
        return value

    def text(self, selector: str) -> str:
        """What a person reads in the first element that a CSS selector finds; empty when there is none."""
        return self.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def texts(self, selector: str) -> list[str]:
        """What a person reads in every element that a CSS selector finds."""
        return self.evaluate(f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.innerText.trim())")

    def style(self, selector: str, name: str) -> str:
        """A computed style of the first element that a CSS selector finds, as the browser paints it."""
        return self.evaluate(f"getComputedStyle(document.querySelector({json.dumps(selector)}))[{json.dumps(name)}]")

    def click(self, selector: str) -> None:
        """Click, with the mouse, the middle of the first element that a CSS selector finds."""
        box = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'center'}});"
            " const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def screenshot(self, path: Path) -> Path:
        """Write what is visible to a PNG file; returns the path."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))
        return path


@contextlib.contextmanager
def page(profile: Path) -> Iterator[Page]:
    """A tab of a headless Chromium with an empty profile in `profile`; skips the test where there is no Chromium."""
    command = [executable(), *FLAGS, f"--user-data-dir={profile}", "about:blank"]
    profile.mkdir(parents=True)
    with (
        (profile / "browser.log").open("wb") as log,
        _running(subprocess.Popen(command, stdout=log, stderr=log)) as process,
    ):
        announced = profile / "DevToolsActivePort"

        def listening() -> bool:
            return announced.exists() and announced.read_text().count("\n") >= 1

        _until(listening, process, profile / "browser.log")
        port = announced.read_text().split()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=START_SECONDS) as answer:
            target = next(t for t in json.load(answer) if t["type"] == "page")
        with asyncio.Runner() as runner:
            loop = runner.get_loop()

            async def connect() -> WebSocketClientConnection:
                return await websocket_connect(target["webSocketDebuggerUrl"], max_message_size=100_000_000)

            connection = loop.run_until_complete(connect())

            stream = connection.protocol.stream

            async def hang_up() -> None:
                connection.close()
                while await connection.read_message() is not None:  # until the browser has hung up as well
                    pass

            try:
                yield Page(loop, connection)
            finally:
                loop.run_until_complete(asyncio.wait_for(hang_up(), START_SECONDS))
                assert stream.closed()


@contextlib.contextmanager
def scheduler(folder: Path, port: int | None = None) -> Iterator[str]:
    """A real luigid on a port (a free one) of this machine, run as `make scheduler` runs it; gives its address."""
    from pipeline.tasks.scheduler import address_answers

    url = f"http://127.0.0.1:{port or free_port()}/"
    code = "import sys, pathlib; from pipeline.tasks import scheduler; scheduler.start(pathlib.Path(sys.argv[1]), sys.argv[2])"
    folder.mkdir(parents=True, exist_ok=True)
    with (
        (folder / "process.log").open("wb") as log,
        _running(
            subprocess.Popen(
                [sys.executable, "-c", code, str(folder / "state"), url], cwd=REPOSITORY, stdout=log, stderr=log
            )
        ) as process,
    ):
        _until(lambda: address_answers(url), process, folder / "process.log")
        yield url


def free_port() -> int:
    """A port of the loopback address that nobody listened on a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextlib.contextmanager
def _running(process: subprocess.Popen) -> Iterator[subprocess.Popen]:
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until(condition, process: subprocess.Popen, log: Path) -> None:
    """Wait for a process to be ready; AssertionError with its log when it ends or takes too long."""
    end = time.monotonic() + START_SECONDS
    while not condition():
        assert process.poll() is None, f"ended with {process.returncode}: {log.read_text(errors='replace')}"
        assert time.monotonic() < end, f"not ready within {START_SECONDS:.0f} s: {log.read_text(errors='replace')}"
        time.sleep(0.05)
