"""Ratehouse: payers' published rates and public reference data, made into a Parquet warehouse.

The package is laid out by what a newcomer looks for: `readers` turn a publisher's bytes into frames,
`transforms` turn frames into frames, `stages` are the Luigi tasks (one a table), `tables` says what each
table's columns are. Everything else is the machinery of "built, gated, published, up to date".

What belongs here: the version. What must not come in: anything that runs when the package is imported.
"""

import os

__version__ = "0.1.0"

# Before pyarrow is imported: its own allocator asks for huge pages, and each short-lived worker spends most of a second on
# clearing them (a group of leaves took 1.6 s, with the system's allocator 0.6 s).
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
