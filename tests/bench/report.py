"""The figures of a benchmark as a Markdown table: what was measured, beside what, with which limit, and whether it holds.

What belongs here: figures, verdicts in words, the machine and its versions. What must not come in: measuring.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import re
from dataclasses import asdict, dataclass
from pathlib import Path

PACKAGES = ("polars", "duckdb", "pyarrow", "luigi", "great-expectations")
_LIMITS = """The limits were set for 3,000,000 facts in 138,000 leaves on 2 cores of a machine that does nothing else (raw to
published: for 13,400,000 rates); a smaller warehouse has relatively larger fixed costs."""
_HEAD = f"""# Measured

Written by `make bench`, a section for each size.

{_LIMITS}

Each command ran as a process of its own. Memory is the sum of PSS over all of a command's processes, sampled five times a
second. Where the machine did other work meanwhile, the seconds of processor time (user + system) tell.
"""


@dataclass(frozen=True)
class Figure:
    """One line of the table. `verdict` is PASS, `over …` or empty for what has no limit."""

    part: str
    what: str
    measured: str
    beside: str = ""
    limit: str = ""
    verdict: str = ""

    def to_dict(self) -> dict:
        """As JSON."""
        return asdict(self)


def judged(value: float | None, limit: float, *, shown: str = "{:.2f}") -> str:
    """PASS, or by how much a value is over its limit, in words; a value that is None was not measured."""
    if value is None:
        return "not measured here"
    if value <= limit:
        return "PASS"
    return f"over its limit: {shown.format(value)}, not {shown.format(limit)}"


def seconds(value: float) -> str:
    """`2.31 s`, `74 s`, `12 min 30 s`."""
    if value < 10:
        return f"{value:.2f} s"
    if value < 120:
        return f"{value:.0f} s"
    return f"{value // 60:.0f} min {value % 60:.0f} s"


def megabytes(size: float | None) -> str:
    """`1,234 MB`."""
    return "not measured here" if size is None else f"{size / 1e6:,.0f} MB"


def machine() -> str:
    """Cores, memory, processor, system and versions, in two lines."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory, name = "memory unknown", platform.processor() or platform.machine()
    if Path("/proc/meminfo").exists():
        kilobytes = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())[1])
        memory = f"{kilobytes * 1024 / 2**30:.0f} GiB"
        found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
        name = found[1] if found else name
    versions = ", ".join(f"{one} {importlib.metadata.version(one)}" for one in PACKAGES)
    system = f"{platform.system()} {platform.release().partition('-')[0]}"
    return f"{cores} cores, {memory}, {name}, {system}\nPython {platform.python_version()}, {versions}"


def load() -> str:
    """What else the machine does: more than its cores, and the seconds of wall clock are not the pipeline's alone."""
    if not hasattr(os, "getloadavg"):
        return "load of the machine unknown"
    return f"load average of the machine at the end, over 15 minutes: {os.getloadavg()[2]:.1f}"


def section(title: str, figures: list[Figure], told: list[str]) -> str:
    """A size's section: its title, date, machine, what else is to be told, and the table."""
    lines = [f"## {title}", "", f"{datetime.date.today().isoformat()}, {machine()}", ""]
    lines += [f"- {one}" for one in told] + [""] * bool(told)
    lines += ["| figure | measured | beside | limit | |", "|---|---|---|---|---|"]
    for one in figures:
        cells = (one.what, one.measured, one.beside, one.limit, one.verdict)
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def write(path: Path, title: str, text: str) -> None:
    """Put a size's section into the file in the place of its former one, other sizes as they are."""
    former = path.read_text(encoding="utf-8") if path.exists() else ""
    kept = [piece for piece in re.split(r"^(?=## )", former, flags=re.MULTILINE)[1:] if piece]
    sections = {piece.partition("\n")[0]: piece.rstrip("\n") + "\n" for piece in kept}
    sections[f"## {title}"] = text
    path.write_text("\n".join([_HEAD, *sections.values()]), encoding="utf-8")


MARKS = ("<!-- measured by make bench -->", "<!-- end of what make bench measured -->")


def quote(path: Path, title: str, figures: list[Figure]) -> None:
    """Put the figures between the marks of a Markdown file, limit and verdict in one column; ValueError without marks."""
    text = path.read_text(encoding="utf-8")
    before, begin, rest = text.partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not (begin and end):
        raise ValueError(f"{path} has no {MARKS[0]} … {MARKS[1]}")
    versions = machine().replace("\n", "; ")
    lines = [begin, f"{title}; {datetime.date.today().isoformat()}; {versions}; {load()}.", "", _LIMITS, ""]
    lines += ["| figure | measured | beside | limit |", "|---|---|---|---|"]
    for one in figures:
        limit = " ".join(filter(None, (one.limit, f"({one.verdict})" if one.verdict else "")))
        cells = (one.what, one.measured, one.beside, limit)
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    path.write_text(before + "\n".join([*lines, end]) + after, encoding="utf-8")
