"""Provider groups that an in-network file defines elsewhere: v1.x let a reference be a web address alone.

What belongs here: reading a provider-reference file, and the addresses that an in-network file names. What must not
come in: where such files stand (`fetching.reference_lookup`), asking the web for them (`fetching`), what a group says
(`mrf_membership`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import SourceError
from pipeline.readers import mrf_membership
from pipeline.readers.file_kinds import KIND_OF_KEY
from pipeline.readers.json_stream.cursor import JsonText
from pipeline.readers.json_stream.decompression import opened
from pipeline.readers.mrf_fields import Unreadable


def read(path: Path) -> list[dict]:
    """The `provider_groups` of a provider-reference file (`.json`, `.json.gz`, `.zip`), as published.

    The groups are held whole: they are one reference's. Raises SourceError for a file that is broken, of another
    kind, without groups, or of whose groups one cannot be read.
    """
    with opened(path) as blocks:
        text = JsonText(blocks, path)
        _begin(text, path, "a provider-reference file")
        groups = None
        for key in text.keys():  # noqa: SIM118 not a dict: a cursor
            text.doing = key
            if key == "provider_groups":
                if groups is not None:
                    raise _refusal(path, f"has provider_groups twice, again at byte {text.key_offset}", text.key_offset)
                groups = text.value()
            elif key in KIND_OF_KEY:
                raise _refusal(path, f"is {KIND_OF_KEY[key]}, not a provider-reference file", text.key_offset)
            else:
                text.skip()
        text.doing = "what follows the JSON object"
        text.end()
    if type(groups) is dict and groups:
        groups = [groups]
    if type(groups) is not list or not groups:
        raise _refusal(path, "is no provider-reference file: it lists no provider_groups")
    try:
        mrf_membership.membership(groups)
    except Unreadable as e:
        raise _refusal(path, f"cannot be read: {e}") from e
    return groups


def locations(path: Path) -> Iterator[str]:
    """The addresses of an in-network file's references that have no groups in the file, in its order, repeats kept.

    Records that cannot be read are passed over: `in_network.read` puts them on record. Raises SourceError where the file
    breaks off; what stands before has been handed out by then.
    """
    with opened(path) as blocks:
        text = JsonText(blocks, path)
        _begin(text, path, "an in-network file")
        for key in text.keys():  # noqa: SIM118 not a dict: a cursor
            text.doing = key
            if key != "provider_references" or text.peek() != "[":
                text.skip()
                continue
            for record in text.items():
                if type(record) is dict and not record.get("provider_groups"):
                    location = record.get("location")
                    if type(location) is str and location.strip():
                        yield location.strip()


def _begin(text: JsonText, path: Path, kind: str) -> None:
    first = text.peek()
    if first != "{":
        found = f"it begins with {first!r}, not with a JSON object" if first else "it holds nothing but blanks"
        page = "; this looks like a web page" if first == "<" else ""
        raise _refusal(path, f"is not {kind}: {found}{page}", text.offset())


def _refusal(path: Path, fact: str, offset: int | None = None) -> SourceError:
    return SourceError(fact, place=path, remedy="Remove it and fetch it again.", offset=offset)
