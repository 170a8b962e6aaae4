"""Provider references that an in-network file was read with and that are gone now: the file is not read again.

What belongs here: which they are, and what a build makes of them. What must not come in: finding a reference
(`pipeline.fetching.reference_lookup`), letting go of a source (`letting_go`).

They are sources as the file itself is: one that is gone is no reason to read the file again, for its groups would lose
their members. Nor may the file be read again without them before someone lets go of them.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from pipeline import errors
from pipeline.fetching import reference_lookup as elsewhere
from pipeline.paths import Root
from pipeline.sources import let_go
from pipeline.storage.stamps import Stamp


def label(of: str) -> str:
    """The label under which the references of a source are let go of."""
    return f"references/{of}"


def not_at_hand(root: Root, of: str, stamp: Stamp | None, now: dict[str, str]) -> dict[str, str]:
    """Input -> digest of references that gave groups when the file was read and of which nothing can be read now.

    `of` is the source's label, `now` what is at hand. None that were let go of.
    """
    gone = gone_since(stamp, now)
    return gone if gone and label(of) not in let_go.sources(root) else {}


def gone_since(stamp: Stamp | None, now: dict[str, str]) -> dict[str, str]:
    """The same, those that were let go of included."""
    if stamp is None or not stamp.notes.get("references"):
        return {}
    useless = {f"{elsewhere.PREFIX}{url}" for url in stamp.notes.get("unusable_references", ())}
    return {
        name: digest
        for name, digest in stamp.basis.inputs.items()
        if name.startswith(elsewhere.PREFIX)
        and now.get(name, elsewhere.UNREADABLE) == elsewhere.UNREADABLE
        and digest != elsewhere.UNREADABLE
        and name not in useless
    }


def refuse(shown: str, gone: Iterable[str], urls: Iterable[str]) -> None:
    """SourceError where a file that was read again names references that are not at hand any more."""
    lost = {name.removeprefix(elsewhere.PREFIX) for name in gone} & set(urls)
    if lost:
        count = "1 provider reference" if len(lost) == 1 else f"{len(lost):,} provider references"
        raise errors.UnreadableSource(
            f"names {count} that it was read with before and that cannot be read now, such as {min(lost)}",
            place=shown,
            remedy="put them back, or: ratehouse fetch --references; or remove their groups from the warehouse: ratehouse forget "
            + shlex.quote(name_of(shown)),
        )


def name_of(shown: str) -> str:
    """What a build calls the references of a source, and `forget` takes."""
    return f"{shown}#references"
