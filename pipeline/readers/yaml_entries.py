"""The entries of a file that a person writes in YAML: a list of mappings, each checked by whoever reads it.

What belongs here: reading such a file, and what is wrong with it as YAML; a name that was meant. What must not come in:
what an entry may say (`corrections`, `declarations`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

from pipeline import errors
from pipeline.readers import limits


def read(path: Path, noun: str, first: str, error: type[errors.RatehouseError]) -> list:
    """The entries of a file, as YAML has them; none of a file that is empty.

    `noun` is what they are (`correction`), `first` how one begins. Raises `error` for a file that cannot be read, is no
    YAML or no list, or has a key twice in one mapping, with the line where there is one.
    """
    import yaml

    try:
        raw = yaml.load(_text(path, noun, error), Loader=_loader())
    except (OSError, ValueError, yaml.YAMLError) as problem:  # UnicodeDecodeError and 2025-13-01 are ValueErrors
        mark = getattr(problem, "problem_mark", None)
        raise error(
            f"cannot be read: {_words(problem)}",
            place=f"{path}:{mark.line + 1}" if mark else path,
            remedy=f"mend it; the note that `ratehouse init` puts into raw/{noun}s shows one",
        ) from problem
    if raw is None:
        return []
    if not isinstance(raw, list):
        raise error(f"is no list of {noun}s", place=path, remedy=f"begin each {noun} with '{first}'")
    return raw


def _text(path: Path, noun: str, error: type[errors.RatehouseError]) -> str:
    with path.open("rb") as file:
        data = file.read(limits.MOST_ENTRIES + 1)
    if len(data) > limits.MOST_ENTRIES:
        raise error(
            f"holds more than {limits.megabytes(limits.MOST_ENTRIES)}, the most that is read of {noun}s",
            place=path,
            remedy="split it into several files",
        )
    return data.decode("utf-8")


def meant(name: str, known: Iterable[str]) -> str:
    """What to write in place of a name that is none: the nearest, or all of them."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, 1)
    return f"do you mean {near[0]}?" if near else f"use one of: {', '.join(known)}"


def _words(problem: Exception) -> str:
    if isinstance(problem, OSError):
        return problem.strerror or str(problem)
    if isinstance(problem, UnicodeDecodeError):
        return "is not UTF-8"
    return getattr(problem, "problem", None) or str(problem)


def _loader():
    """YAML's safe loader, but for what it passes over: of a key that stands twice it takes the last. A text that looks like
    a date and is none is refused with its line."""
    import yaml

    class Loader(yaml.SafeLoader):
        """A safe loader of mappings whose keys stand once."""

    def mapping(loader, node):
        seen = set()
        for key, _ in node.value:
            name = loader.construct_object(key, deep=True)
            if isinstance(name, (str, int, float, bool)) and name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {name} stands twice", key.start_mark)
            seen.add(name if isinstance(name, (str, int, float, bool)) else None)
        return yaml.SafeLoader.construct_yaml_map(loader, node)

    def timestamp(loader, node):
        try:
            return yaml.SafeLoader.construct_yaml_timestamp(loader, node)
        except ValueError as problem:
            fact = f"{node.value} is no date ({problem})"
            raise yaml.constructor.ConstructorError(None, None, fact, node.start_mark) from problem

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    Loader.add_constructor("tag:yaml.org,2002:timestamp", timestamp)
    return Loader
