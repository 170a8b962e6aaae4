"""What a person should know of each in-network file; that builds find it is in tests/test_accounts.py."""

from __future__ import annotations

import staged_rates
from dimension_rows import NEW, OLD
from pipeline.readers.mrf_issues import BY_KIND
from pipeline.stages.from_rates import warning_rows
from pipeline.storage import duck


def warning(file: str, kind: str, count: int, example: str | None = None) -> dict:
    own = {"batch_id": staged_rates.batch(file), "file": file, "year_month": file.split("/")[1][:7], "kind": kind}
    return own | {"count": count, "example": example, "meaning": BY_KIND[kind].meaning}


def made(rows: list[dict]) -> list[dict]:
    con = staged_rates.connection()
    duck.view(con, "listed_warning", warning_rows(rows))
    return staged_rates.answer(con, "source_warning")


def test_one_row_a_file_and_kind_in_the_order_of_files():
    """Texts are kept as they are, those with quotes and braces too; a count without an example is one."""
    first, second, *_ = sorted(BY_KIND)
    rows = [
        warning(OLD, first, 3, 'in_network[0].name: it\'s "{}"'),
        warning(OLD, second, 1),
        warning(NEW, first, 2**40, "in_network[7]"),
    ]
    for order in (rows, rows[::-1]):
        assert made(order) == rows


def test_no_warning_no_row():
    assert made([]) == []
