"""Which suite checks a table, and a failed check in words.

What belongs here: that. What must not come in: checking (`gates`), what follows from a failure (`base`).
"""

from __future__ import annotations

import json
from pathlib import Path

from pipeline import settings
from pipeline.storage import stamps
from pipeline.storage.stamps import Stamp

EXAMPLES = 5  # of failing values or keys in a message; the Data Docs have more


def suite_path(table: str) -> Path:
    """The suite of a table."""
    return settings.home() / "expectations" / f"{table}.json"


def by_table(files: dict[str, Path]) -> dict[str, list[Path]]:
    """Part name -> file, as table name -> its files in their order."""
    found: dict[str, list[Path]] = {}
    for name, path in files.items():
        found.setdefault(stamps.table_of(name), []).append(path)
    return found


def failures_in_words(verdict) -> str:
    from pipeline.gates import suites

    words = []
    for failure in (f for f in verdict.failures if f["severity"] == suites.CRITICAL):
        examples = ", ".join(json.dumps(d, ensure_ascii=False) for d in (failure["detail"] or [])[:EXAMPLES])
        words.append(f"{suites.reason(failure)} {failure['unexpected_count'] or ''} {examples}".strip())
    return f"expectations/{verdict.suite}.json: " + "; ".join(words)


def first_failure(stamp: Stamp) -> str:
    from pipeline.gates import suites

    found = [f for g in stamp.gates.values() for f in g["failures"] if f["severity"] == suites.CRITICAL]
    return suites.reason(found[0]) if found else "it did when it was last checked"
