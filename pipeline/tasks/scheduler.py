"""Luigi's central scheduler: where it is, whether it answers, running it for this machine alone.

What belongs here: its address and its process. What must not come in: tasks, and anything that a build needs
when no scheduler is there.
"""

from __future__ import annotations

import http.client
import ipaddress
import logging
import logging.handlers
import socket
from pathlib import Path
from urllib.parse import urlsplit

from luigi.interface import core

from pipeline import errors, settings

CONNECT_SECONDS = 0.2  # on loopback a listener answers within a millisecond, and a build must not wait for a firewall
ANSWER_SECONDS = 2.0  # luigid has one thread, and handing out one of 50,000 pending tasks takes it 0.4 s
RETRY_SECONDS = 5  # between Luigi's three attempts
LOG_BYTES = 5_000_000


def dashboard_url() -> str:
    """The address of the scheduler that builds look for, from `[core] scheduler_*` of luigi.cfg."""
    configured = core()
    return configured.scheduler_url or f"http://{configured.scheduler_host}:{configured.scheduler_port}/"


def address_answers(url: str) -> bool:
    """Whether a Luigi scheduler answers there; False when nothing does, or something that is no luigid.

    SettingsError when the text is no http address.
    """
    parts = _parts(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=CONNECT_SECONDS)
    try:
        connection.connect()
        connection.sock.settimeout(ANSWER_SECONDS)
        connection.request("HEAD", parts.path or "/")
        answer = connection.getresponse()
        # luigid answers its health check with 204; a web server that happens to stand on the port has a page there
        return answer.status == 204 and answer.headers.get("Server", "").startswith("TornadoServer")
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def expect_restarts() -> None:
    """Ask a scheduler that is gone again soon: one that is started anew answers within seconds, and Luigi waits 30."""
    core.ignore_unconsumed |= {"rpc_retry_wait"}  # Luigi reads it, and knows no parameter of that name
    settings.override("core", "rpc_retry_wait", str(RETRY_SECONDS))


def start(folder: Path, url: str) -> None:
    """Run luigid at `url` until it is stopped (Ctrl-C, SIGTERM), with its state and log in `folder`.

    Raises SettingsError when `url` is not on this machine's loopback, PublishError when the folder cannot be
    written, RatehouseError when the port is taken.
    """
    host, port = _loopback(url)
    if address_answers(url):
        raise errors.RatehouseError("a scheduler is running there already", place=url, remedy="make dashboard")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        log = logging.handlers.RotatingFileHandler(folder / "scheduler.log", maxBytes=LOG_BYTES, backupCount=2)
    except OSError as problem:
        raise errors.PublishError(
            f"cannot be written: {problem.strerror}", place=folder, remedy="give this user the right to write there"
        ) from problem
    # Before luigid sets up its own log, which would grow without end by a line for each request.
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", handlers=[log])
    logging.getLogger("tornado.access").setLevel(logging.WARNING)

    from luigi.cmdline import luigid

    try:
        luigid(["--address", host, "--port", str(port), "--state-path", str(folder / "state.pickle")])
    except OSError as problem:
        raise errors.RatehouseError(
            f"cannot listen there: {problem.strerror}",
            place=url,
            remedy="set another scheduler_port in [core] of luigi.cfg, or stop the program that holds it",
        ) from problem


def _parts(url: str):
    parts = urlsplit(url)
    try:
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # urllib's word for a port that is no number
        usable = False
    if not usable:
        raise errors.SettingsError(
            "is no address of a scheduler", place=url, remedy="write http://127.0.0.1:8082/ or the like in luigi.cfg"
        )
    return parts


def _loopback(url: str) -> tuple[str, int]:
    """The numeric address and port to listen on; SettingsError when anyone else could reach it."""
    parts = _parts(url)
    try:
        found = [info[4][0] for info in socket.getaddrinfo(parts.hostname, None, type=socket.SOCK_STREAM)]
    except OSError:
        found = []
    if parts.scheme != "http" or not found or not all(ipaddress.ip_address(a).is_loopback for a in found):
        raise errors.SettingsError(
            "is not an address of this machine alone, and luigid has no login, so it is not started there",
            place=url,
            remedy="set scheduler_host = 127.0.0.1 in [core] of luigi.cfg, or start that scheduler where it is",
        )
    return found[0], parts.port or 80
