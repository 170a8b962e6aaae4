"""bench_medicare_prof: the state's mean over its localities, for the release that applies to the month."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench_tables import connection, rows, run, stage
from pipeline import errors
from pipeline.readers.medicare import read as medicare


def gpci(carrier, locality, state, work="1", pe="1", mp="1", year="2025", file="gpci.csv", **more):
    return {
        "carrier": carrier,
        "locality": locality,
        "state": state,
        "work_gpci_floor": work,
        "pe_gpci": pe,
        "mp_gpci": mp,
        "effective_from": f"{year}-01-01",
        "source_file": file,
    } | more


def rvu(code, work, pe, mp="0", day="2025-10-01", modifier="", status="A", factor="10", file="rvu.csv"):
    return {
        "code": code,
        "modifier": modifier,
        "status": status,
        "work_rvu": work,
        "pe_rvu_nonfacility": pe,
        "pe_rvu_facility": "0.5",
        "mp_rvu": mp,
        "conversion_factor": factor,
        "opps_pe_nonfacility": "0",
        "opps_pe_facility": "0",
        "opps_mp": "0",
        "effective_from": day,
        "released": day,
        "release": "RVU25" + "ABCD"[int(day[5:7]) // 3],
        "source_file": file,
    }


def prof(month, gpcis, rvus):
    """The rows of states, without the nation's."""
    return [row for row in everywhere(month, gpcis, rvus) if row[0] != "US"]


def everywhere(month, gpcis, rvus):
    con = connection(month)
    stage(con, "staged_gpci", gpcis)
    stage(con, "staged_pfs_rvu", rvus)
    return run(con, "bench_medicare_prof")


def test_the_nation_has_the_rate_for_indices_of_1():
    places = [gpci("01", "01", "TX", pe="1.1"), gpci("02", "00", "AK", work="1.5")]
    found = everywhere("2025-10", places, [rvu("99213", "1", "2"), rvu("99214", "0", "0", status="C")])
    assert [row[:6] for row in found if row[0] == "US"] == [("US", "2025-10", "CPT", "99213", 30.0, 30.0)]


def test_the_mean_of_rounded_localities_is_not_rounded():
    places = [
        gpci("01", "01", "TX"),
        gpci("01", "02", "TX", pe="1.1"),
        gpci("01", "99", "TX", pe="0.9"),
        gpci("02", "00", "AK", work="1.5"),
    ]
    found = prof(
        "2025-11", places, [rvu("99213", "1", "0.333"), rvu("G0101", "2", "0"), rvu("99213", "9", "9", modifier="26")]
    )
    now = "RVU25D effective 2025-10-01 (in force)"
    # TX: 10 + 3.33 = 13.33, 10 + 3.663 = 13.66, 10 + 2.997 = 13.00; mean 39.99 / 3
    assert found == [
        ("AK", "2025-11", "CPT", "99213", 18.33, 13.33, now),
        ("AK", "2025-11", "HCPCS", "G0101", 30.0, 20.0, now),
        ("TX", "2025-11", "CPT", "99213", 39.99 / 3, 13.33, now),
        ("TX", "2025-11", "HCPCS", "G0101", 20.0, 20.0, now),
    ]


@pytest.mark.parametrize(
    ("month", "expected"),
    [
        ("2025-01", (20.0, "RVU25B effective 2025-04-01 (nearest of its year)")),
        ("2025-05", (20.0, "RVU25B effective 2025-04-01 (in force)")),
        ("2025-12", (30.0, "RVU25D effective 2025-10-01 (in force)")),
        ("2024-12", None),
        ("2026-01", None),
    ],
)
def test_the_month_takes_its_release(month, expected):
    rvus = [rvu("99213", "2", "0", day="2025-04-01", file="b"), rvu("99213", "3", "0", file="d")]
    found = prof(month, [gpci("01", "01", "TX")], rvus)
    assert [(r[4], r[6]) for r in found] == ([expected] if expected else [])


def test_what_has_no_rate_has_no_row():
    rvus = [rvu("99381", "1", "1", status="N"), rvu("15824", "0", "0", status="R"), rvu("00100", "0", "0", status="J")]
    assert prof("2025-11", [gpci("01", "01", "TX")], rvus) == []


def test_nothing_staged_gives_no_row():
    assert prof("2025-11", [], []) == []
    assert prof("2025-11", [], [rvu("99213", "1", "1")]) == []
    assert prof("2025-11", [gpci("01", "01", "TX")], []) == []


def test_two_work_columns_need_a_choice():
    both = gpci("01", "01", "AL", work="1.0", work_gpci_no_floor="0.983")
    with pytest.raises(errors.SourceError, match=r"two columns of work GPCIs.*\n?.*\[medicare\] work_gpci"):
        prof("2025-11", [both], [rvu("99213", "1", "0")])
    for choice, rate in (("with_floor", 10.0), ("without_floor", 9.83)):
        con = connection("2025-11")
        con.execute(f"SET VARIABLE work_gpci = '{choice}'")
        stage(con, "staged_gpci", [both])
        stage(con, "staged_pfs_rvu", [rvu("99213", "1", "0")])
        assert run(con, "bench_medicare_prof")[0][4] == rate


def test_gpci_files_of_one_year_that_differ_are_refused():
    with pytest.raises(errors.SourceError, match=r"gpci\.csv and old\.csv both hold from 2025-01-01"):
        prof(
            "2025-11",
            [gpci("01", "01", "TX"), gpci("01", "01", "TX", pe="0.9", file="old.csv")],
            [rvu("99213", "1", "1")],
        )


figure = st.decimals("0", "50", places=2).map(str)
index = st.decimals("0.3", "2.6", places=3).map(str)


@settings(max_examples=40, deadline=None)
@given(
    places=st.lists(st.tuples(st.sampled_from(["01", "02", "99"]), st.sampled_from(["TX", "AK"]), index), max_size=5),
    codes=st.lists(
        st.tuples(
            st.sampled_from(["99213", "G0101", "11042"]), st.sampled_from(["", "26"]), figure, st.sampled_from("ARTNX")
        ),
        max_size=8,
    ),
    files=st.lists(st.sampled_from([("2025-04-01", "b"), ("2025-10-01", "d"), ("2025-10-01", "e")]), unique=True),
)
def test_no_key_stands_twice_whatever_is_staged(places, codes, files):
    """Duplicate, overlapping and missing rows; `run` itself checks the key."""
    gpcis = {(locality, state): gpci("01", locality + state, state, work=w) for locality, state, w in places}
    rvus = {(c, m): (w, s) for c, m, w, s in codes}
    con = connection("2025-11")
    stage(con, "staged_gpci", [g | {"source_file": f} for g in gpcis.values() for f in ("one", "copy")])
    stage(
        con,
        "staged_pfs_rvu",
        [rvu(c, w, "1", day=day, modifier=m, status=s, file=f) for (c, m), (w, s) in rvus.items() for day, f in files],
    )
    states = {state for _, state in gpcis}
    paid = {c for (c, m), (_, s) in rvus.items() if m == "" and s in "ART"} if files else set()
    assert len(run(con, "bench_medicare_prof")) == (len(states) + 1) * len(paid)  # with the nation
    released = len({day for day, _ in files})
    run(con, "bench_medicare_prof_detail", into="detail")
    assert rows(con, "SELECT count(*) FROM detail") == [(len(gpcis) * len(rvus) * released,)]


def test_real_files_give_each_state_its_mean(real):
    con = connection("2025-06")
    for name in ("PPRRVU2025_Oct.csv", "GPCI2025.csv"):
        for table, frame in medicare.read(real / "medicare" / name).items():
            stage(con, table, frame)
    run(con, "bench_medicare_prof", into="prof")
    assert rows(con, "SELECT count(DISTINCT state), count(DISTINCT release) FROM prof") == [(54, 1)]  # with the nation
    text = "RVU25D effective 2025-10-01 (nearest of its year)"
    # Maryland's localities are 12302 01 and 99; 12202 01 (DC and its suburbs) counts for DC alone
    # 99213: (1.30 x 1.020 + 1.35 x 1.078 + 0.10 x 1.309) x 32.3465 = 94.20…, (1.3156 + 1.3716 + 0.0973) x 32.3465 = 90.07
    assert rows(
        con,
        "SELECT state, medicare_prof_rate, release FROM prof WHERE code = '99213' AND state IN ('DC', 'MD') ORDER BY 1",
    ) == [
        ("DC", 100.28, text),
        ("MD", 92.135, text),
    ]
