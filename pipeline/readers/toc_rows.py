"""A table of contents under raw/toc -> staged_toc_plan and staged_toc_file.

What belongs here: its structures as rows, some at a time. What must not come in: reading its JSON (`toc`), which of the
files are here (`transforms.file_plans`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import naming, tables
from pipeline.readers import toc
from pipeline.readers.reference_files import account as reference_account
from pipeline.readers.reference_files.account import Account

if TYPE_CHECKING:
    import polars as pl

_ROWS = 100_000  # of a part, about
_LOWER = ("plan_id_type", "plan_market_type")


def read(path: Path, account: Account | None = None) -> Iterator[dict[str, pl.DataFrame]]:
    """The rows of one file, many at a time: plans and files of each structure, numbered from 0.

    Raises SourceError for a file that is broken or is no table of contents.
    """
    account, oddities = account or Account(), []
    plans: list[tuple] = []
    files: list[tuple] = []
    for number, (record, place, _) in enumerate(toc.structures(path, oddities)):
        of, listed = toc.entries(record, place, oddities)
        plans += [(number, *_lowered(plan), path.name) for plan in dict.fromkeys(of) if any(plan)]
        urls = dict.fromkeys(file.url for file in listed)
        files += [(number, url, naming.listed_file_key(naming.listed_file(url)), path.name) for url in urls]
        if len(plans) + len(files) >= _ROWS:
            yield _frames(plans, files)
            plans, files = [], []
    yield _frames(plans, files)
    if oddities:
        account.warn(reference_account.TOC_ENTRY, oddities[0], len(oddities))


def _lowered(plan: toc.Plan) -> toc.Plan:
    found = {name: value.lower() for name in _LOWER if (value := getattr(plan, name))}
    return plan._replace(**found)


def _frames(plans: list[tuple], files: list[tuple]) -> dict[str, pl.DataFrame]:
    import polars as pl

    return {
        name: pl.DataFrame(rows, schema=tables.get(name).polars_schema(), orient="row")
        for name, rows in (("staged_toc_plan", plans), ("staged_toc_file", files))
    }
