"""The choice of a Medicare price, as DuckDB makes it for given cases."""

from __future__ import annotations

import polars as pl

ARGUMENTS = "arrangement negotiated_type billing_class setting modifiers pos kinds taxonomy".split()


def choose(con, cases: list[tuple]) -> list[tuple]:
    """(schedule, facility, modifier, reason) of each case: the arguments in their order."""
    kinds = [pl.Int64, *[pl.String] * 5, pl.List(pl.String), pl.List(pl.String), pl.String]
    schema = dict(zip(["n", *ARGUMENTS], kinds, strict=True))
    con.register("cases", pl.DataFrame([(n, *case) for n, case in enumerate(cases)], schema, orient="row").to_arrow())
    select = f"SELECT unnest(benchmark_choice({', '.join(ARGUMENTS)})) FROM cases ORDER BY n"
    return con.execute(select).fetchall()
