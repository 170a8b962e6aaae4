"""docs/medicare.md: its tables are what the rules give, its sums are right."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

import kit
from pipeline.readers import pos
from pipeline.storage import duck
from pipeline.transforms import bench_release, benchmark_choice
from reference_tables import connection, stage

PAGE = (kit.REPOSITORY / "docs" / "medicare.md").read_text(encoding="utf-8")


def table(heading: str) -> list[dict[str, str]]:
    """The rows of the table whose first column is so headed."""
    lines = PAGE[PAGE.index(f"\n| {heading} |") + 1 :].split("\n\n")[0].splitlines()
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(head, row, strict=True)) for row in rows]


@pytest.fixture(scope="module")
def con(real: Path):
    """A connection with the macros, and the kinds of CMS's list of places."""
    con = connection()
    bench_release.load(con)
    benchmark_choice.load(con)
    stage(con, "staged_pos_code", pos.read(real / "pos" / "pos_codes.csv")["staged_pos_code"])
    con.execute(f"CREATE TEMP TABLE dim_pos AS {duck.sql('dim_pos.sql')}")
    return con


def setting(con, codes: list[str], month: str) -> str:
    kinds = []
    for code in codes:
        found = con.execute(
            "SELECT kind FROM dim_pos WHERE pos = ? AND effective_from <= ? ORDER BY effective_from DESC", [code, month]
        ).fetchall()
        kinds.append(found[0][0] if found else None)
    asked = "SELECT benchmark_setting(NULL, CAST(? AS VARCHAR[]), CAST(? AS VARCHAR[]))"
    return con.execute(asked, [codes, kinds]).fetchall()[0][0] or "null"


def test_places_of_service(con):
    rows = table("places of service")
    assert len(rows) > 20
    for row in rows:
        codes = row.pop("places of service").replace("(none)", "").split()
        assert row == {month: setting(con, codes, month) for month in row}, codes


def test_every_variant_of_the_long_set(con):
    """Without any one of its codes, or with a neutral or unassigned one more, it stays one of facilities."""
    longest = table("places of service")[0]["places of service"].split()
    assert len(longest) == 20
    unassigned = [code for (code,) in con.sql("SELECT pos FROM dim_pos WHERE kind = 'unassigned'").fetchall()]
    outside = [code for (code,) in con.sql("SELECT DISTINCT pos FROM dim_pos WHERE kind = 'nonfacility'").fetchall()]
    assert len(unassigned) == 47
    assert len(outside) == 32
    variants = [[c for c in longest if c != gone] for gone in longest] + [sorted([*longest, c]) for c in unassigned]
    assert {setting(con, codes, "2025-06") for codes in variants} == {"facility"}
    assert {setting(con, sorted([*longest, code]), "2025-06") for code in outside} == {"mixed"}


def test_modifiers(con):
    for row in table("class"):
        modifiers = "|".join(sorted(row["modifiers"].replace("(none)", "").split())) or None
        chosen = con.execute(
            "SELECT unnest(benchmark_choice('ffs', 'negotiated', ?, 'outpatient', ?, [], NULL, NULL))",
            [row["class"], modifiers],
        ).fetchall()[0]
        schedule, _, modifier, reason = chosen
        assert row["outcome"] == (reason or schedule + (f" with {modifier}" if modifier else "")), row


def test_dollars(con):
    for row in table("negotiated_rate"):
        got = con.execute(
            f"SELECT {benchmark_choice.NEGOTIATED_DOLLARS} FROM (SELECT CAST(? AS DOUBLE) AS negotiated_rate, "
            "? AS negotiated_type, ? AS negotiation_arrangement)",
            [row["negotiated_rate"], row["negotiated_type"], row["arrangement"]],
        ).fetchall()[0][0]
        assert got == (float(row["negotiated_dollars"]) if row["negotiated_dollars"] else None), row


def test_the_worked_rates_are_the_formula_over_cms_s_figures(real):
    """Each figure stands in CMS's files, and the sum is theirs."""
    values = (real / "medicare" / "PPRRVU2025_Oct.csv").read_text(encoding="latin-1")
    indices = (real / "medicare" / "GPCI2025.csv").read_text(encoding="latin-1")
    (line,) = re.findall(r"^99213,,.*$", values, re.MULTILINE)
    cells = line.split(",")
    (place,) = [row.split(",") for row in indices.splitlines() if row.startswith("04412,TX,28,")]
    for row in table("setting"):
        work, pe, mp, factor, rate = (
            row[name] for name in ("work", "practice expense", "malpractice", "factor", "rate")
        )
        assert (work, pe, mp, factor) == (
            cells[5],
            cells[8 if row["setting"] == "facility" else 6],
            cells[10],
            cells[24],
        )
        text = re.search(rf"\| {row['setting']} (.*)", PAGE).group(1)
        gpcis = [text.split("|")[n].strip() for n in (2, 4, 6)]
        assert gpcis == place[4:7]
        parts = [Decimal(value) * Decimal(index) for value, index in zip((work, pe, mp), gpcis, strict=True)]
        assert Decimal(rate) == (sum(parts) * Decimal(factor)).quantize(Decimal("0.01"), ROUND_HALF_UP)
