"""Lines of at most 80 columns: wrapping sentences, shortening names, setting tables.

What belongs here: the shape of what is printed. What must not come in: its words, and what they are about.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence

WIDTH = 80
_LEFT = 12  # columns that text has at least, which is folded where it is longer
_GLUE = "\N{WORD JOINER}"  # stands for a blank at which a line must not break


def wrapped(text: str, indent: str = "", hanging: str = "  ") -> str:
    """Text at most 80 columns wide, its own line breaks kept, further lines of a line `hanging` deeper.

    A word that is longer (a path, a partition) stays whole, so that it can be copied, and does not leave the first
    word of its line alone.
    """
    found = []
    for line in text.splitlines():
        own = line[: len(line) - len(line.lstrip())]
        first, rest = indent + own, indent + own + hanging
        parts = textwrap.wrap(
            line.strip().replace(" ", _GLUE, 1),
            WIDTH,
            initial_indent=first,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        )
        found += [part.replace(_GLUE, " ") for part in parts] or [""]
    return "\n".join(found)


def shortened(text: str, width: int) -> str:
    """Text of at most `width` columns, its middle left out where it is longer: names differ at their ends."""
    if len(text) <= width:
        return text
    head = max(1, (width - 1) * 2 // 5)
    return f"{text[:head]}…{text[len(text) - (width - 1 - head) :]}"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """`1 row`, `2 rows`, `1,990 rows`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def size(count: float) -> str:
    """`812 B`, `15.3 KB`, `2,154 MB`, `15.3 GB`."""
    if count < 1_000:
        return f"{count:.0f} B"
    if count < 1_000_000:
        return f"{count / 1_000:.1f} KB"
    if count < 10_000_000_000:
        return f"{count / 1_000_000:,.1f} MB" if count < 100_000_000 else f"{count / 1_000_000:,.0f} MB"
    return f"{count / 1_000_000_000:,.1f} GB"


def table(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their headings; `columns` are (heading, left or right), the cells are text.

    A figure is never cut: rather the table is wider than its 80 columns, or than the terminal.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading, side in columns:
        made.add_column(heading, justify=side, no_wrap=side == "right", overflow="fold")
    for row in rows:
        made.add_row(*row)
    needed = 0
    for place, (heading, side) in enumerate(columns):
        longest = max(len(line) for cell in (heading, *(row[place] for row in rows)) for line in cell.split("\n"))
        needed += 2 + (longest if side == "right" else min(longest, _LEFT))
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False, markup=False)
    console.width = max(console.width, needed)
    console.print(made)
