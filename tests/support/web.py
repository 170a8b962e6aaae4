"""A web server on this machine's loopback address that fails as servers do, for tests of fetching.

What belongs here: answering by a script for each path, and remembering what was asked. What must not come in: any
address but 127.0.0.1.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """One answer: a status without a file, or a file of which only `cut` bytes are sent before the line drops."""

    status: int = 200
    cut: int | None = None
    retry_after: str | None = None
    drop: bool = False  # close without an answer
    chunked: bool = False  # tell no length


OK = Answer()


class Web:
    """What the server has and how it answers. `files` path -> bytes; `script` path -> its next answers, then OK."""

    def __init__(self, address: str):
        self.address = address
        self.files: dict[str, bytes] = {}
        self.script: dict[str, list[Answer]] = defaultdict(list)
        self.asked: list[tuple[str, str, dict]] = []  # method, path with its query, headers
        self.ranges = True  # whether it knows Range
        self.validators = True  # whether it sends ETags
        self.busy: dict[str, int] = defaultdict(int)
        self.most_busy = 0
        self.pause = 0.0  # seconds that each answer takes, so that answers asked for together are seen together
        self.lock = threading.Lock()

    def put(self, path: str, data: bytes) -> str:
        """Have a file; returns its address."""
        self.files[path] = data
        return self.address + path

    def of(self, path: str, method: str = "GET") -> list[dict]:
        """The headers of every request for a path, with any query."""
        return [headers for how, where, headers in self.asked if how == method and urlsplit(where).path == path]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    wbufsize = 1 << 20  # nothing of an answer leaves before it is counted as given: a client may ask again at its end

    def log_message(self, *_) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        web: Web = self.server.web
        path = urlsplit(self.path).path
        with web.lock:
            web.asked.append((self.command, self.path, dict(self.headers)))
            answer = web.script[path].pop(0) if web.script[path] else OK
            web.busy[path] += 1
            web.most_busy = max(web.most_busy, sum(web.busy.values()))
        try:
            time.sleep(web.pause)
            self._send(web, path, answer, body)
        finally:
            with web.lock:
                web.busy[path] -= 1

    def _send(self, web: Web, path: str, answer: Answer, body: bool) -> None:
        if answer.drop:
            self.close_connection = True
            return
        data = web.files.get(path)
        status = answer.status if data is not None or answer.status != 200 else 404
        if status != 200:
            self.send_response(status)
            if answer.retry_after:
                self.send_header("Retry-After", answer.retry_after)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        etag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
        if web.validators and self.headers.get("If-None-Match") == etag:
            self.send_response(304)
            self.send_header("ETag", etag)
            self.end_headers()
            return
        start = 0
        wanted = self.headers.get("Range")
        if web.ranges and wanted and self.headers.get("If-Range") == etag:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(data):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(data)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        if web.validators:
            self.send_header("ETag", etag)
        if answer.chunked:
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if body:
            rest = data[start:] if answer.cut is None else data[start : start + answer.cut]
            self.wfile.write(rest)
            self.close_connection |= answer.cut is not None


@contextlib.contextmanager
def serving() -> Iterator[Web]:
    """A server on a free port of 127.0.0.1, gone afterwards."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        server.web = Web(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server.web
        finally:
            server.shutdown()
            thread.join(10)
