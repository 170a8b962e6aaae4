"""A reference file that is refused holds up its own benchmark, and nothing else; what was published of that stays.

One small warehouse, built four times: with a broken physician schedule from the start, mended, broken again while the
hospital schedule changes, and with a broken wage index of the other schedule.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

import kit
from medicare_files import GPCI, OFFICE, OUTPATIENT, POS, WAGES, addendum_b, in_network, put, rvu
from pipeline import session
from pipeline.operations import build as building
from pipeline.operations import status

pytestmark = pytest.mark.slow

MONTH = "2025-10"
BROKEN_RVU = rvu().replace("GLOB", "GLUB")
# A file of no known kind, and one of ZIPs, of which no benchmark is made: broken from first to last.
ALWAYS = {
    "medicare/download (3).xlsx": b"PK\x03\x04 and then nothing",
    "medicare/ZIP5_OCT2025.txt": "GA303031021201 Z9   0 A".ljust(75) + "20254\nGA3030\n",
}


def opps(rate: str) -> str:
    return addendum_b(f"G0463,J2,5012,1.4879,${rate}", year="2025")


@dataclass
class Seen:
    """What a build left: its outcome, the state of every table, rows of the enriched table, files by hash."""

    outcome: building.Outcome
    states: dict[str, str] = field(default_factory=dict)
    rows: dict[str, tuple] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> set[str]:
        return {event["label"] for event in self.outcome.failures}


def seen(root: Path) -> Seen:
    found = Seen(kit.build(root))
    session.use(root)
    status.begin()
    found.states = {row["table"]: row["state"] for row in status.status()}
    found.files = kit.contents(root)
    with duckdb.connect(root / "warehouse.duckdb", read_only=True) as con:
        for code, *rest in con.sql(
            "SELECT code, medicare_state_rate, benchmark_reason FROM fact_rate_enriched ORDER BY code"
        ).fetchall():
            found.rows[code] = tuple(rest)
        found.rows["comprehensive"] = con.sql(
            "SELECT benchmark_type, count(*) FROM bench_medicare_comprehensive GROUP BY 1 ORDER BY 1"
        ).fetchall()
    return found


@pytest.fixture(scope="module")
def builds(tmp_path_factory) -> dict[str, Seen]:
    root = tmp_path_factory.mktemp("holds") / "warehouse"
    good = {
        "mrf/GA/a.json": in_network(MONTH, OFFICE, OUTPATIENT),
        "medicare/GPCI2025.csv": GPCI,
        "medicare/wage index OPPS 2025.csv": WAGES,
        "medicare/October 2025 Addendum B.csv": opps("136.02"),
        "pos/pos_codes.csv": POS,
    }
    put(root, good | ALWAYS | {"medicare/PPRRVU2025_Oct.csv": BROKEN_RVU})
    found = {"from the start": seen(root)}
    put(root, {"medicare/PPRRVU2025_Oct.csv": rvu()})
    found["mended"] = seen(root)
    put(root, {"medicare/PPRRVU2025_Oct.csv": BROKEN_RVU, "medicare/October 2025 Addendum B.csv": opps("150.00")})
    found["again"] = seen(root)
    found["unchanged"] = seen(root)
    files = {
        "medicare/PPRRVU2025_Oct.csv": rvu(),
        "medicare/October 2025 Addendum B.csv": opps("160.00"),
        "medicare/ASC wage index 2025.csv": WAGES.replace("12060", "Atlanta"),
    }
    put(root, files)
    found["wages"] = seen(root)
    return found


RVU = "raw/medicare/PPRRVU2025_Oct.csv"
BROKEN = {f"raw/{name}" for name in ALWAYS}


def test_a_broken_schedule_from_the_start_holds_up_its_own_benchmark_alone(builds):
    build = builds["from the start"]
    assert not build.outcome.ok
    assert build.failed == {RVU, *BROKEN}
    (error,) = [e["error"] for e in build.outcome.failures if e["label"] == RVU]
    assert "has no column GLOB DAYS" in error
    assert "columns found:" in error
    assert "the rates of the physician fee schedule (PFS) stay as they were published; all else is built" in error
    states = build.states
    assert (states["bench_medicare_prof"], states["bench_medicare_prof_detail"]) == ("missing", "missing")
    for table in (
        "fact_rate",
        "dim_npi",
        "bench_opps",
        "bench_asc",
        "bench_medicare_comprehensive",
        "fact_rate_enriched",
    ):
        assert states[table] == "built", table
    assert build.rows["G0463"] == (136.02, None)
    assert build.rows["99213"] == (None, "PFS 2025 not loaded: see docs/data-sources.md")
    assert build.rows["comprehensive"] == [("OPPS", 1)]


def test_a_broken_file_of_no_benchmark_or_no_known_kind_is_named_and_holds_up_nothing(builds):
    build = builds["mended"]
    assert build.failed == BROKEN
    assert {s for t, s in build.states.items() if t not in BROKEN} == {"built"}
    assert not build.outcome.incomplete or {label for label, _ in build.outcome.incomplete} <= BROKEN
    assert build.rows["99213"] == (86.745, None)
    assert build.rows["comprehensive"] == [("OPPS", 1), ("PFS", 1)]


@pytest.mark.parametrize("name", ["again", "unchanged"])
def test_what_was_published_of_a_held_up_benchmark_stays_and_the_others_go_on(builds, name):
    before, build = builds["mended"], builds[name]
    assert not build.outcome.ok
    assert build.failed == {RVU, *BROKEN}
    assert (build.states["bench_medicare_prof"], build.states["bench_medicare_prof_detail"]) == ("stale", "stale")
    kept = {n: h for n, h in before.files.items() if "bench_medicare_prof" in n}
    assert len(kept) == 2
    assert {n: h for n, h in build.files.items() if n in kept} == kept
    assert build.states["bench_opps"] == build.states["fact_rate_enriched"] == "built"
    assert build.rows["G0463"] == (150.0, None)
    assert build.rows["99213"] == (86.745, None)
    assert build.rows["comprehensive"] == [("OPPS", 1), ("PFS", 1)]


def test_a_broken_wage_index_of_asc_does_not_hold_up_opps(builds):
    build = builds["wages"]
    assert build.failed == {*BROKEN, "raw/medicare/ASC wage index 2025.csv"}
    assert build.rows["G0463"] == (160.0, None)
    assert build.rows["99213"] == (86.745, None)
    assert (build.states["bench_opps"], build.states["bench_medicare_prof"]) == ("built", "built")
    assert build.states["bench_asc"] == "stale"
