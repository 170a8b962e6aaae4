"""The declarations under raw/declarations: which of them are of which in-network file.

What belongs here: that, and what is wrong with them all together: two that set the same of one file, one that is of no
file. What must not come in: what a declaration may say (`readers.declarations`), reading files by them
(`readers.in_network`).

Names of files are those that are listed or on record, so that a declaration of a file that is not seen is none of nothing.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
from typing import TYPE_CHECKING

from pipeline import errors, naming, session, source_names
from pipeline.sources import listing, presence

if TYPE_CHECKING:
    from pipeline.readers.declarations import Declaration
    from pipeline.storage.stamps import Stamp

PREFIX = "declarations/"  # of inputs: a file's path under raw/


@functools.cache
def every() -> tuple[Declaration, ...]:
    """Every declaration, in the order of their files.

    DeclarationError where one cannot be read, or the folder cannot be listed: it is not known what they say of which file.
    """
    for one in listing.unlistable():
        if one.place and f"{one.place}/".startswith("raw/declarations/"):
            raise errors.DeclarationError(one.fact, place=session.current().path / one.place, remedy=one.remedy)
    names = sorted(map(source_names.as_text, listing.declarations()))
    if not names:
        return ()
    from pipeline.readers import declarations as reader

    folder = session.current().declarations
    return tuple(one for name in names for one in reader.read(folder / source_names.from_text(name), name))


@functools.cache
def of_file(path: str) -> tuple[Declaration, ...]:
    """The declarations of an in-network file, by its path under raw/mrf, in their order."""
    return tuple(one for one in every() if one.matches(path))


def inputs(path: str) -> dict[str, str]:
    """What the declarations say of a file, as inputs of its task: the file that has them -> digest.

    Their reasons and sources are not in it: improving one reads nothing again.
    """
    said: dict[str, list] = {}
    for one in of_file(path):
        said.setdefault(f"{PREFIX}{one.file}", []).append(one.values())
    return {name: naming.md5_of(json.dumps(values, sort_keys=True)) for name, values in said.items()}


def declared_since(path: str, stamp: Stamp | None) -> bool:
    """Whether something else is declared of a file now than when it was read; `stamp` is that of its staged set."""
    then = {n: digest for n, digest in (stamp.basis.inputs if stamp else {}).items() if n.startswith(PREFIX)}
    return stamp is not None and then != inputs(path)


def check() -> None:
    """DeclarationError where one cannot be read, or two set the same of one file: it is not known which of them holds."""
    if not every():
        return
    from pipeline.readers import declarations as reader

    for path in presence.names("mrf"):
        for first, second in itertools.combinations(of_file(path), 2):
            name = reader.contradiction(first, second)
            if name is None:
                continue
            one, other = first.values()[name], second.values()[name]
            narrow = "files or billing_class_where" if name == reader.CLASS else "files"
            raise errors.DeclarationError(
                f"{second.shown} sets {name} of raw/mrf/{path} to {other}, and {first.shown} of raw/declarations/"
                f"{first.file} to {one if one != other else 'the same'}",
                place=session.current().declarations / source_names.from_text(second.file),
                remedy=f"keep one of them, or narrow {narrow}",
            )


def idle() -> list[errors.DeclarationError]:
    """The declarations that are of no file."""
    names = presence.names("mrf") if every() else []
    return [
        errors.DeclarationError(
            f"{one.shown} matches no file under raw/mrf",
            place=session.current().declarations / source_names.from_text(one.file),
            remedy=_nearest(one.files, names),
        )
        for one in every()
        if not any(one.matches(path) for path in names)
    ]


def _nearest(pattern: str, names: list[str]) -> str:
    import difflib

    if os.sep != "/" and os.sep in pattern:
        return "write its folders with /"
    near = difflib.get_close_matches(pattern, names, 1, 0.4)
    there = f"; the nearest is {near[0]}" if near else ""
    return f"mend files: a path under raw/mrf, in which * stands for any characters but /{there}"


def clear_caches() -> None:
    """Look at the folder again."""
    every.cache_clear()
    of_file.cache_clear()
