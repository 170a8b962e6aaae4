"""One address to one whole file on disk: asked again, gone on with, checked.

What belongs here: HTTP (by requests and urllib3), patience with servers, what was downloaded in part. What must not
come in: which addresses (`batch`), where a whole file goes (`batch`), what is in it beyond being whole JSON.
"""

from __future__ import annotations

import hashlib
import json
import threading
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests
import urllib3

from pipeline import __version__
from pipeline.errors import FetchError, SourceError
from pipeline.fetching import addresses
from pipeline.paths import Root, make_folder
from pipeline.readers.json_stream.decompression import opened
from pipeline.storage import archives, targets

BLOCK = 1 << 18
HOSTS = 1000  # whose connections are counted at the same time; beyond, a limit for each host would be forgotten
# What servers answer when they may do better later (RFC 9110 15.6, RFC 6585 4).
LATER = frozenset({408, 429, 500, 502, 503, 504})
_MAGIC = ((b"\x1f\x8b", ".json.gz"), (b"PK\x03\x04", ".zip"), (b"", ".json"))
_KINDS = tuple(ending for _, ending in _MAGIC)

OnBytes = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Limits:
    """How patient a client is; see [fetch] in `settings`."""

    per_host: int
    tries: int
    backoff_seconds: float
    longest_wait_seconds: float
    timeout_seconds: float


@dataclass(frozen=True)
class Whole:
    """A file that came whole: where it waits to be taken, its kind (`.json.gz`), and what the server said of it."""

    path: Path
    ending: str
    sha256: str
    bytes: int
    etag: str | None
    last_modified: str | None


class Client:
    """Gets files, from several threads too. No cookies are kept; proxies are those of the environment."""

    def __init__(self, root: Root, limits: Limits):
        self._root, self._limits = root, limits
        self._patience = urllib3.Retry(
            total=limits.tries - 1,
            backoff_factor=limits.backoff_seconds,
            backoff_max=limits.longest_wait_seconds,
            retry_after_max=limits.longest_wait_seconds,
            status_forcelist=LATER,
            allowed_methods={"GET", "HEAD"},
            raise_on_status=False,
        )
        self._adapter = self._connections(self._patience)
        self._impatient = self._connections(self._patience.new(total=1))
        self._stopped = threading.Event()

    def _connections(self, patience: urllib3.Retry) -> requests.adapters.HTTPAdapter:
        wide = self._limits.per_host
        return requests.adapters.HTTPAdapter(
            pool_connections=HOSTS, pool_maxsize=wide, pool_block=True, max_retries=patience
        )

    def stop(self) -> None:
        """Have downloads end soon, by FetchError; what they have so far is kept."""
        self._stopped.set()

    def close(self) -> None:
        """Close every connection."""
        self._adapter.close()
        self._impatient.close()

    def size(self, url: str) -> int | None:
        """The size that the server tells of a file, None where it tells none, refuses to, or is not well."""
        try:
            with self._ask("HEAD", url, {}, self._impatient) as answer:
                stated = answer.headers.get("Content-Length", "") if answer.status_code == 200 else ""
        except FetchError:
            return None
        return int(stated) if stated.isdecimal() else None

    def download(self, url: str, former: dict | None, on_bytes: OnBytes) -> Whole | None:
        """Get a file whole; None when the server says that `former`, its line in the ledger, is still what it has.

        What an earlier attempt left is gone on with, if the server confirms that the file is the same. FetchError
        says why there is no file; what came of it is kept for the next attempt, unless it is damaged.
        """
        if not addresses.is_address(url):
            raise FetchError("is no address on the web", place=url)
        part = _Part(self._root, url)
        patience, most = self._patience, part.size
        while True:
            try:
                same = self._attempt(url, part, former, on_bytes)
                return None if same else part.whole(url)
            except urllib3.exceptions.HTTPError as problem:  # in the middle of the body
                if part.size > most:  # each attempt that brings more earns further ones
                    patience, most = self._patience, part.size
                try:
                    patience = patience.increment("GET", url, error=problem)
                except urllib3.exceptions.HTTPError:  # MaxRetryError, or the problem itself
                    raise FetchError(f"broke off after {part.size:,} bytes: {_words(problem)}", place=url) from problem
                self._stopped.wait(patience.get_backoff_time())

    def _ask(self, method: str, url: str, headers: dict, adapter: requests.adapters.HTTPAdapter) -> requests.Response:
        session = requests.Session()
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        # Bytes are stored as they come: a server must not pack them for the way.
        headers = {"User-Agent": f"ratehouse/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity", **headers}
        wait = self._limits.timeout_seconds
        try:
            return session.request(
                method, url, headers=headers, stream=True, timeout=(wait, wait), allow_redirects=True
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, UnicodeError) as problem:
            raise FetchError(_words(problem), place=url) from problem

    def _attempt(self, url: str, part: _Part, former: dict | None, on_bytes: OnBytes) -> bool:
        """Ask once for what is missing of a file; True when the server has nothing newer than `former`."""
        headers = part.conditions() or _unless_same(former)
        with self._ask("GET", url, headers, self._adapter) as answer:
            if answer.status_code == 304 and former and "Range" not in headers:
                return True
            if answer.status_code == 416 and part.is_all(answer.headers):
                return False
            if answer.status_code == 416 or (answer.status_code == 206 and not part.continues(answer.headers)):
                part.discard()
                raise urllib3.exceptions.ProtocolError("the server has another file than the one that broke off")
            if answer.status_code not in (200, 206):
                raise _refused(url, answer)
            if answer.status_code == 200:
                if _is_same(former, answer.headers):
                    return True
                part.begin(url, answer.headers)
            total = part.total(answer)
            with part.open() as file:
                for block in answer.raw.stream(BLOCK, decode_content=False):
                    with targets.translate_os_errors(part.path):
                        file.write(block)
                    on_bytes(url, file.tell(), total)
                    if self._stopped.is_set():
                        raise FetchError("was stopped", place=url)
        return False


class _Part:
    """What was downloaded of an address: the bytes, and beside them what the server said of the file.

    They stand where no build looks, under a name that follows from the address, so that the next attempt, of this
    process or another, finds them.
    """

    def __init__(self, root: Root, url: str):
        name = hashlib.sha256(addresses.identity(url).encode()).hexdigest()[:32]
        self.path = root.partial / f"{name}.part"
        self._about = root.partial / f"{name}.about.json"
        try:
            self.about = json.loads(self._about.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self.about = {}
        for left in filter(Path.exists, map(self.path.with_suffix, _KINDS)):  # by a kill while it was checked
            targets.replace(left, self.path)

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def _validator(self) -> str | None:
        """What tells the file from a later one in If-Range: a strong ETag, else the time of its last change (RFC 9110 13.1.5)."""
        etag = self.about.get("etag")
        return etag if etag and not etag.startswith("W/") else self.about.get("last_modified")

    def conditions(self) -> dict:
        """Headers that ask for the rest of the same file, or for the whole of another; empty where nothing is there."""
        if not self.size or not self._validator:
            return {}
        return {"Range": f"bytes={self.size}-", "If-Range": self._validator}

    def continues(self, headers) -> bool:
        """Whether a partial answer is the rest of this very file."""
        return headers.get("Content-Range", "").startswith(f"bytes {self.size}-") and self._is_named(headers)

    def is_all(self, headers) -> bool:
        """Whether a server that has no more of this very file told its size (RFC 9110 15.5.17), and it is ours."""
        return headers.get("Content-Range") == f"bytes */{self.size}" and self._is_named(headers)

    def _is_named(self, headers) -> bool:
        """Whether nothing that a server says of its file differs from what was said of ours."""
        return headers.get("ETag") is None or self.about.get("etag") in (None, headers["ETag"])

    def begin(self, url: str, headers) -> None:
        """Start over: what was there was of another file, or cannot be gone on with."""
        with targets.translate_os_errors(self.path):
            make_folder(self.path.parent)
            self.path.write_bytes(b"")
            self.about = {"url": url, "etag": headers.get("ETag"), "last_modified": headers.get("Last-Modified")}
            self._about.write_text(json.dumps(self.about), encoding="utf-8")

    def open(self):
        """The bytes, to add to; unbuffered, so that what came is there when the process is killed."""
        return open(self.path, "ab", buffering=0)

    def total(self, answer) -> int | None:
        """The size of the whole file, where the server tells."""
        stated = answer.headers.get("Content-Length", "")
        if answer.status_code == 206:
            stated = answer.headers["Content-Range"].rpartition("/")[2]
        return int(stated) if stated.isdecimal() else None

    def discard(self) -> None:
        """Forget what is there."""
        self.path.unlink(missing_ok=True)
        self._about.unlink(missing_ok=True)

    def whole(self, url: str) -> Whole:
        """Check that all that came is one whole JSON file, packed or not; FetchError, and nothing is kept, when it is not."""
        with open(self.path, "rb") as file:
            magic = file.read(4)
        ending = next(name for begins, name in _MAGIC if magic.startswith(begins))
        place = self.path.with_suffix(ending)
        targets.replace(self.path, place)
        problem = _damage(place)
        self._about.unlink(missing_ok=True)
        if problem:
            place.unlink()
            raise FetchError(f"what came {problem}", place=url)
        with targets.translate_os_errors(place):
            targets.fsync(place)
        about = self.about
        return Whole(
            place, ending, targets.file_hash(place), place.stat().st_size, about.get("etag"), about.get("last_modified")
        )


def _damage(path: Path) -> str | None:
    """Why a file is no whole JSON text by its packing, its first character and its last; None when it is."""
    if path.suffix == ".zip":
        return _zip_damage(path)
    first = last = b""
    try:
        with opened(path) as blocks:
            for block in blocks:
                first = first or block.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
                last = block.rstrip()[-1:] or last
    except SourceError as problem:
        return problem.fact
    if first != b"{":
        page = ", as a web page does" if first == b"<" else ""
        return f"is no JSON object: it begins with {first.decode(errors='replace')!r}{page}"
    return None if last == b"}" else "is cut off: its JSON does not end"


def _zip_damage(path: Path) -> str | None:
    """Why a zip archive is not whole; what is in one, and how many files, is for its reader to say."""
    try:
        with archives.opened(path) as archive:
            bad = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as problem:  # the last: encrypted, unknown method
        return f"is no whole zip archive ({problem})"
    except SourceError as problem:  # its list of files is too large
        return problem.fact
    return f"is damaged in {bad}" if bad else None


def _unless_same(former: dict | None) -> dict:
    """Headers that ask for a file only if it is another than the one that was fetched."""
    if former and former.get("etag"):
        return {"If-None-Match": former["etag"]}
    if former and former.get("last_modified"):
        return {"If-Modified-Since": former["last_modified"]}
    return {}


def _is_same(former: dict | None, headers) -> bool:
    """Whether a server that knows no conditions answers with the file that was fetched."""
    return bool(former and former.get("etag") and former["etag"] == headers.get("ETag"))


def _refused(url: str, answer: requests.Response) -> FetchError:
    signed = addresses.identity(url) != url.partition("#")[0]
    expired = "; its signature may have expired: get the table of contents anew" if signed else ""
    error = FetchError(
        f"the server answered {answer.status_code} {answer.reason or ''}".rstrip()
        + (expired if answer.status_code in (400, 401, 403) else ""),
        place=url,
    )
    error.status = answer.status_code
    return error


def _words(problem: BaseException) -> str:
    """The innermost reason of a network error, in one line."""
    while inner := getattr(problem, "reason", None) or next(
        (a for a in problem.args if isinstance(a, Exception)), None
    ):
        if not isinstance(inner, BaseException):
            break
        problem = inner
    stated = " ".join(str(problem).split()).partition(" (Caused by")[0]
    stated = stated.rpartition(">: ")[2] if ">: " in stated else stated
    return f"{stated or type(problem).__name__}"
