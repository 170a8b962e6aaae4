"""What Great Expectations said of the same rows before: it takes half of a small build, and hundreds are much alike.

What belongs here: knowing a verdict again by everything that it rests on: the suite, the variables and the bytes of
every file that its views read. What must not come in: a verdict that GX did not give. Only builds that the tests fork
(`forked`) use it; the drafts, results and stamps around a gate are written as ever.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import pickle
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from pipeline.gates import suites

FILE = re.compile(r"'((?:[^']|'')*\.parquet)'")


def keep(folder: Path) -> None:
    """From here on, in this process and those forked from it, ask GX once for each verdict and keep it in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    ask = suites.check

    @functools.wraps(ask)
    def check(suite_path: Path, con, *, views: Mapping[str, str], variables: Mapping, label: str | None = None):
        kept = folder / f"{_basis(suite_path, views, variables, label)}.pickle"
        if kept.exists():
            verdict = pickle.loads(kept.read_bytes())
            verdict.result["meta"]["run_id"]["run_time"] = datetime.now(UTC).isoformat()
            return verdict
        verdict = ask(suite_path, con, views=views, variables=variables, label=label)
        draft = kept.with_suffix(f".{os.getpid()}")
        draft.write_bytes(pickle.dumps(verdict))
        os.replace(draft, kept)
        return verdict

    suites.check = check


def _basis(suite_path: Path, views: Mapping[str, str], variables: Mapping, label: str | None) -> str:
    """The hash of all that a verdict rests on; a file's name is no part of it, its bytes are."""
    named = {name: FILE.sub(lambda found: _content(found[1]), select) for name, select in sorted(views.items())}
    parts = [suites.suite_hash(suite_path), named, {k: str(v) for k, v in sorted(variables.items())}, label]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _content(path: str) -> str:
    literal = re.sub(r"\[([\[*?])\]", r"\1", path.replace("''", "'"))
    return hashlib.sha256(Path(literal).read_bytes()).hexdigest()
