"""A web address as file names that every system takes.

What belongs here: the parts of an address, decoded and made safe; telling a signed address from another. What must
not come in: which folder they go into (`paths`), asking anybody for anything.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

LONGEST = 150  # characters of a name that stays whole
MOST_BYTES = 236  # the same in bytes, of 255 that file systems take: `-` and eight digits may follow, and an ending
# Windows takes none of these in a name, none of the names below whatever follows their dot, and no dot or blank last.
_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE | re.ASCII)

# Query fields that sign an address for a while: CloudFront, S3 (version 2), Google, Akamai; S3 (version 4) and Google by
# how they begin; and Azure's, which are too short to mean that without its `sig`.
_SIGNED = {"policy", "signature", "key-pair-id", "expires", "hash-algorithm", "awsaccesskeyid", "googleaccessid"}
_SIGNED |= {"hdnts", "hdnea", "__token__"}
_SIGNED_BEGINS = ("x-amz-", "x-goog-")
_AZURE = set("sv ss srt sr st se spr sp sip sig skoid sktid skt ske sks skv rscd rsct".split())


def safe(name: str) -> str:
    """A file name that every system takes and that no listing hides, the end kept where it is too long; `_` if empty."""
    name = _UNSAFE.sub("_", name).rstrip(". ").lstrip(". ") or "_"
    if _RESERVED.fullmatch(name):
        name = f"_{name}"
    if len(name) <= LONGEST and len(name.encode()) <= MOST_BYTES:
        return name
    begin, end = name[: LONGEST // 2].encode()[: MOST_BYTES // 2], name[-LONGEST // 2 :].encode()[-MOST_BYTES // 2 :]
    return begin.decode(errors="ignore") + end.decode(errors="ignore")


def parts(url: str) -> tuple[str, ...]:
    """Host and path of an address as safe names: what `wget -x` makes folders and a file of. The query is no part."""
    split = urlsplit(url)
    steps = [unquote(step) for step in split.path.split("/") if step]
    return tuple(safe(step) for step in (split.netloc.rpartition("@")[2], *steps))


def file_name(url: str) -> str:
    """The safe name of the file that an address names: its last step, decoded."""
    return parts(url)[-1]


def identity(url: str) -> str:
    """The address without what a publisher signs it with: it stays the same when the next list signs it anew."""
    bare, _, query = url.partition("#")[0].partition("?")
    fields = [(field, field.partition("=")[0].lower()) for field in query.split("&") if field]
    signed = _SIGNED | (_AZURE if any(name == "sig" for _, name in fields) else set())
    kept = [field for field, name in fields if name not in signed and not name.startswith(_SIGNED_BEGINS)]
    return f"{bare}?{'&'.join(kept)}" if kept else bare


def is_address(text: str) -> bool:
    """Whether a text is an address on the web, http or https."""
    try:
        split = urlsplit(text)
    except ValueError:  # such as a bracket that is not closed
        return False
    return split.scheme.lower() in ("http", "https") and bool(split.netloc)
