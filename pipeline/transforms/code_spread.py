"""Between which amounts a code's rates lie: the bounds outside of which a rate is an outlier.

What belongs here: the rule, cell by cell. What must not come in: which rates are alike enough to be one cell
(`rate_parts`, `sql/fact_rate_enriched_spread.sql`), the flag (`sql/fact_rate_enriched.sql`).

Of the logarithms of a cell's amounts m is the median and s = 1.4826 times the median of their distances from m, which of
normal values is the standard deviation (Rousseeuw and Croux, Alternatives to the median absolute deviation, JASA 88,
1993). What lies outside of exp(m - d) to exp(m + d), d = max(5 s, ln 5), is an outlier. A cell of fewer than 20 amounts, or
of fewer than 5 groups, has no bounds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import pairwise

import duckdb
import numpy as np
import pyarrow as pa

from pipeline.storage import duck

LEAST_AMOUNTS, LEAST_GROUPS = 20, 5
_OF_NORMAL = 1.4826
_WIDTHS, _LEAST_TIMES = 5, 5
# Digits of an amount that its logarithm keeps, whatever its last bits; and the logarithm beyond which a double has no amount.
_EXACT, _FARTHEST = 12, 700.0
_ROWS = 122_880


def build(con: duckdb.DuckDBPyConnection) -> None:
    """Leave the cells of the month on the connection, and their bounds; reads enriched_numbered.

    enriched_cell    join_ix, line_ix, n, groups, spread_ix, low and high (dollars; null where it is too small)
    enriched_spread  spread_ix, from 1, low and high, of those that have bounds
    """
    con.execute(duck.sql("fact_rate_enriched_spread.sql"))
    cells, low, high = [], [], []
    for cell, observed in _cells(con):
        least, most = bounds(observed)
        cells.append(cell)
        low.append(least)
        high.append(most)
    numbers = {"cell_ix": pa.array(cells, pa.int32()), "spread_ix": pa.array(range(1, len(cells) + 1), pa.int32())}
    amounts = {"low": pa.array(low, pa.float64()), "high": pa.array(high, pa.float64())}
    con.register("bounds_found", pa.table(numbers | amounts))
    con.execute("CREATE OR REPLACE TEMP TABLE enriched_spread AS SELECT spread_ix, low, high FROM bounds_found")
    con.execute("""
        CREATE OR REPLACE TEMP TABLE enriched_cell AS
        SELECT c.* EXCLUDE (cell_ix), b.spread_ix, b.low, b.high
        FROM enriched_cell c LEFT JOIN bounds_found b ON b.cell_ix = c.cell_ix""")
    con.unregister("bounds_found")
    con.execute("DROP TABLE enriched_observation")


def select() -> str:
    """The SELECT of code_spread, of what `build` left."""
    return """
        SELECT getvariable('year_month') AS year_month, j.joined_type AS join_code_type, j.joined_code AS join_code,
          l.part, l.place, l.unit, s.n, s.groups, s.low, s.high
        FROM enriched_cell s
        JOIN enriched_join j ON j.join_ix = s.join_ix
        JOIN (SELECT DISTINCT line_ix, part, place, unit FROM enriched_line) l ON l.line_ix = s.line_ix"""


def bounds(amounts: np.ndarray) -> tuple[float, float]:
    """The least and the most that is no outlier among these amounts, all above 0, rounded outward to two digits."""
    logarithms = np.log(amounts)
    middle = float(np.median(logarithms))
    deviation = _OF_NORMAL * float(np.median(np.abs(logarithms - middle)))
    width = max(_WIDTHS * deviation, math.log(_LEAST_TIMES))
    return _rounded(middle - width, ROUND_FLOOR), _rounded(middle + width, ROUND_CEILING)


def _rounded(logarithm: float, way: str) -> float:
    """The amount of a logarithm to two digits, down or up; text makes the double that a person would write.

    A logarithm is not exact: what is a whole step but for its noise is taken for that step.
    """
    amount = Decimal(f"{math.exp(max(-_FARTHEST, min(_FARTHEST, logarithm))):.{_EXACT - 1}e}")
    return float(amount.quantize(Decimal(1).scaleb(amount.adjusted() - 1), rounding=way))


def _cells(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[int, np.ndarray]]:
    """The cells that are large enough, each with its amounts: one cell is held, not all."""
    rows = con.sql(f"""
        SELECT c.cell_ix, o.amount
        FROM enriched_observation o JOIN enriched_cell c ON c.join_ix = o.join_ix AND c.line_ix = o.line_ix
        WHERE c.n >= {LEAST_AMOUNTS} AND c.groups >= {LEAST_GROUPS}
        ORDER BY c.cell_ix, o.amount""")
    held_cell, held = -1, [np.empty(0)]
    for batch in rows.to_arrow_reader(_ROWS):
        cell, amount = (column.to_numpy() for column in batch.columns)
        starts = [0, *(np.flatnonzero(np.diff(cell)) + 1).tolist(), len(cell)]
        for first, behind in pairwise(starts):
            if first == behind:
                continue
            if int(cell[first]) != held_cell:
                if held_cell >= 0:
                    yield held_cell, np.concatenate(held)
                held_cell, held = int(cell[first]), []
            held.append(amount[first:behind])
    if held_cell >= 0:
        yield held_cell, np.concatenate(held)
