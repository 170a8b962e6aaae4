"""The version of a piece of code: a hash of what it says, not of how it is laid out.

What belongs here: which `pipeline` modules and SQL files a module reaches, and the hash of each. Read from files,
never imported. Comments, docstrings, white space, quotes and line breaks do not count, and the hash is equal on
every supported Python. What must not come in: what the version is used for (`stamps`).
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
from pathlib import Path

PACKAGE = Path(__file__).parent.parent
# Stated in the hash so that a change of this module's own rules is a change of every version.
RULES = "1"
# Not counted: what an error says shapes no byte, and table declarations count one by one, in the stamp.
NOT_COUNTED = ("pipeline.errors", "pipeline.tables")
_SQL_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/|('(?:[^']|'')*')", re.S)
_cache: dict[str, list] = {}
# One answer for as long as a process runs: it runs the code that it started with.
_seen: dict[str, tuple[str, list[str]]] = {}
_cache_file: Path | None = None
_dirty = False


def versions(*modules: str) -> dict[str, str]:
    """Hash by name of the modules given (`pipeline.transforms.x`, or `x.sql`) and of all that they reach.

    Modules of this package only: what a library does is pinned by the lock file.
    """
    found: dict[str, str] = {}
    todo = list(modules)
    while todo:
        name = todo.pop()
        if name in found or name.startswith(NOT_COUNTED):
            continue
        if name not in _seen:
            _seen[name] = _read(name)
        version, reached = _seen[name]
        found[name] = version
        todo.extend(reached)
    return dict(sorted(found.items()))


def know_all() -> None:
    """Look at every reader and transform, and what they reach: before workers are forked, each of which would else do it."""
    modules = (path for room in ("readers", "transforms") for path in sorted((PACKAGE / room).rglob("*.py")))
    versions(*(_name_of(path) for path in modules if path.stem != "__init__"))
    versions(*(path.name for path in sorted((PACKAGE / "transforms" / "sql").glob("*.sql"))))


def use_cache(path: Path) -> None:
    """Keep hashes in a file by (path, size, mtime), so that an unchanged tree is not parsed again."""
    global _cache_file, _cache
    _cache_file = path
    try:
        _cache = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        _cache = {}


def save_cache() -> None:
    """Write the cache if anything was parsed."""
    global _dirty
    if _cache_file is not None and _dirty:
        draft = _cache_file.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text(json.dumps(_cache), encoding="utf-8")
        os.replace(draft, _cache_file)
        _dirty = False


def _name_of(path: Path) -> str:
    return ".".join(("pipeline", *path.relative_to(PACKAGE).with_suffix("").parts))


def _file_of(name: str) -> Path:
    if name.endswith(".sql"):
        return PACKAGE / "transforms" / "sql" / name
    parts = name.split(".")[1:]
    module = PACKAGE.joinpath(*parts)
    return module.with_suffix(".py") if parts and module.with_suffix(".py").is_file() else module / "__init__.py"


def _read(name: str) -> tuple[str, list[str]]:
    global _dirty
    path = _file_of(name)
    info = path.stat()
    known = _cache.get(str(path))
    if known and known[:3] == [info.st_size, info.st_mtime_ns, RULES]:
        return known[3], known[4]
    text = path.read_text(encoding="utf-8")
    version, reached = sql_version(text) if name.endswith(".sql") else module_version(text, name)
    _cache[str(path)] = [info.st_size, info.st_mtime_ns, RULES, version, reached]
    _dirty = True
    return version, reached


def sql_version(text: str) -> tuple[str, list[str]]:
    """Hash of a SQL text without comments, and with each run of white space outside of literals as one blank."""
    words: list[str] = []
    last = 0
    for hit in _SQL_COMMENT.finditer(text):
        words += text[last : hit.start()].split()
        words += [hit.group(1)] if hit.group(1) else []
        last = hit.end()
    return _hash("\0".join(words + text[last:].split())), []


def module_version(text: str, name: str = "pipeline") -> tuple[str, list[str]]:
    """Hash of a module's syntax tree without docstrings and places, and the names of what it reaches."""
    tree = ast.parse(text)
    reached: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            reached.update(a.name for a in node.names if a.name.split(".")[0] == "pipeline")
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                head = (
                    name.split(".")[: -node.level]
                    if not _is_package(name)
                    else name.split(".")[: 1 - node.level or None]
                )
                base = ".".join([*head, base] if base else head)
            if base.split(".")[0] == "pipeline":
                reached.update(_resolve(base, alias.name) for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"\w+\.sql", node.value):
            if _file_of(node.value).is_file():
                reached.add(node.value)
    reached.discard(name)
    return _hash(_text_of(tree)), sorted(reached)


def _is_package(name: str) -> bool:
    return _file_of(name).name == "__init__.py"


def _resolve(base: str, attribute: str) -> str:
    """`from pipeline import duck` reaches pipeline.storage.duck; `from pipeline.tables import get` reaches pipeline.tables."""
    inner = f"{base}.{attribute}"
    path = PACKAGE.joinpath(*inner.split(".")[1:])
    return inner if path.with_suffix(".py").is_file() or (path / "__init__.py").is_file() else base


def _text_of(node: object) -> str:
    """A syntax tree as text: node names and set fields only, so that fields a newer Python adds empty do not show."""
    if isinstance(node, ast.JoinedStr):
        return f"JoinedStr({','.join(_pieces(node.values))})"
    if isinstance(node, ast.AST):
        fields = []
        for field, value in ast.iter_fields(node):
            if field in ("kind", "type_comment", "type_ignores") or value is None or value == []:
                continue
            if field == "body" and isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                value = value[1:] if ast.get_docstring(node, clean=False) is not None else value
            fields.append(f"{field}={_text_of(value)}")
        return f"{type(node).__name__}({','.join(fields)})"
    if isinstance(node, list):
        return f"[{','.join(map(_text_of, node))}]"
    return f"{type(node).__name__}:{node!r}"


def _pieces(values: list[ast.expr]) -> list[str]:
    """The parts of an f-string; Pythons differ in how they cut its literal text, so neighbours are joined."""
    pieces: list[str] = []
    literal = ""
    for value in values:
        if isinstance(value, ast.Constant):
            literal += value.value
            continue
        pieces += [repr(literal)] * bool(literal) + [_text_of(value)]
        literal = ""
    return pieces + [repr(literal)] * bool(literal)


def _hash(text: str) -> str:
    return hashlib.sha256(f"{RULES}\n{text}".encode()).hexdigest()[:16]
