"""Sources of a small warehouse in states that a script puts them into."""

from __future__ import annotations

import re
from pathlib import Path

import kit

TEXT = (kit.SAMPLE / "mrf" / kit.SMALL).read_text(encoding="utf-8")

RATE = re.search(r'"negotiated_rate": ?([\d.]+)', TEXT)[0]

# A source file and what it may hold; None: it is not there. The first stands when a script begins.
CONTENTS: dict[str, list[str | None]] = {
    kit.SMALL: [TEXT, TEXT.replace(RATE, '"negotiated_rate":77.07', 1), TEXT + "\n"],
    "GA/second.json": [None, TEXT.replace("Tupelo & Vine Mutual", "Second Payer")],
    "TX/september.json": [None, TEXT.replace("2025-08-05", "2025-09-05")],
}

Sources = tuple[int, ...]

BEGIN: Sources = (0,) * len(CONTENTS)


def put(root: Path, sources: Sources) -> None:
    """Have the root hold these sources; a file that holds its content already is left alone. Joined rows are in pieces."""
    (root / "raw").mkdir(parents=True, exist_ok=True)
    (root / "luigi.cfg").write_text("[partitioning]\npiece_rows = 2\n", encoding="utf-8")
    for (name, contents), which in zip(CONTENTS.items(), sources, strict=True):
        path, content = root / "raw" / "mrf" / name, contents[which]
        if content is None:
            path.unlink(missing_ok=True)
        elif not path.exists() or path.read_text(encoding="utf-8") != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")


def contents(root: Path) -> dict[str, str]:
    return {name: seen.sha256 for name, seen in files(root).items()}


def files(root: Path) -> dict[str, kit.Seen]:
    return {name: seen for name, seen in kit.parquet_files(root).items() if not name.startswith(".state/")}
