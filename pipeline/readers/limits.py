"""The most that a reader holds of one file at a time, whatever the file holds (docs/limits.md).

What belongs here: these numbers, each with what it was measured by, and how a size is written. What must not come in: the
refusal of what is larger, which names the place (the readers'), how much of a build's memory is for data (`settings`).

Everything else of a file is read as it streams by. Measured on 64-bit CPython 3.11: a value of JSON takes up to 27 times
its text when it is parsed (`[],[],…`), rates and references of regular form take some 20 times theirs while they are read.
"""

from __future__ import annotations

# A value that is parsed whole: a text, what stands around the rates of an item, a record that is not of regular form.
MOST_VALUE = 16 << 20
# A record of regular form: a rate object, the definition of a provider reference.
MOST_RECORD = 24 << 20

# A reference table that is read whole: a text or a workbook, with its lines and its cells (of a workbook those of the
# rectangle around them, empty ones included). Measured: up to 1.1 KB a line and 80 bytes a cell; the largest table that a
# publisher offers and that is read has some 200,000 lines and two million cells.
MOST_TABLE = 64 << 20
MOST_LINES, MOST_CELLS = 500_000, 5_000_000
MOST_COLUMNS = 16_384  # as many as Excel has
# All tables of one zip.
MOST_ZIP = 256 << 20
# Bytes of all texts in the cells of a workbook: one text may stand in a million of them.
MOST_CELL_TEXT = 256 << 20
# A line of the registry, which is read in blocks of as many bytes.
MOST_LINE = 2 << 20
# A file of answers of the registry's API, and values in it: parsed whole, up to some 90 bytes a value.
MOST_ANSWERS, MOST_ANSWER_VALUES = 64 << 20, 4_000_000
# The files and plans that a table of contents lists, as they are held.
MOST_LISTED = 400 << 20
# A file of corrections or declarations, which people write: YAML takes a hundred times its text.
MOST_ENTRIES = 1 << 20


def megabytes(size: int) -> str:
    """A limit as people say it: `16 MB`; one that a test has lowered in bytes."""
    return f"{size >> 20:,} MB" if size >= 1 << 20 else f"{size:,} bytes"
