"""bench_medicare_comprehensive: the three schedules one under another."""

from __future__ import annotations

from bench_tables import connection, run, stage

DAY = {"effective_from": "2025-01-01", "source_file": "x", "release": "R"}
TEXT = "R effective 2025-01-01 (in force)"


def test_one_row_per_schedule():
    con = connection("2025-02")
    figures = {"work_rvu": "1.30", "pe_rvu_nonfacility": "1.35", "pe_rvu_facility": "0.57", "mp_rvu": "0.10"}
    none = {"opps_pe_nonfacility": "0", "opps_pe_facility": "0", "opps_mp": "0", "conversion_factor": "32.3465"}
    rvu = {"code": "99213", "modifier": "", "status": "A", "released": "2024-12-23"}
    stage(con, "staged_pfs_rvu", [rvu | figures | none | DAY])
    place = {"carrier": "04412", "locality": "11", "state": "TX", "work_gpci_floor": "1.011", "pe_gpci": "1.007"}
    stage(con, "staged_gpci", [place | {"mp_gpci": "0.877"} | DAY])
    stage(con, "staged_opps", [{"code": "99213", "si": "V", "weight": "1.5", "payment_rate": "100"} | DAY])
    stage(con, "staged_asc", [{"code": "66984", "pi": "A2", "payment_rate": "1000"} | DAY])
    stage(
        con,
        "staged_wage_index",
        [{"schedule": "", "state": "TX", "cbsa": "1", "wage_index": "0.9", "listing": 1} | DAY],
    )
    nothing = (None,) * 5
    assert run(con, "bench_medicare_comprehensive") == [
        ("TX", "2025-02", "CPT", "66984", "ASC", 1000.0, 950.0, *nothing, None, None, "A2", TEXT),
        ("TX", "2025-02", "CPT", "99213", "OPPS", 100.0, 94.0, *nothing, 1.5, "V", None, TEXT),
        ("TX", "2025-02", "CPT", "99213", "PFS", 88.95, 89.32, 1.3, 1.35, 0.1, 2.75, 32.3465, None, None, None, TEXT),
        ("US", "2025-02", "CPT", "66984", "ASC", 1000.0, 1000.0, *nothing, None, None, "A2", TEXT),
        ("US", "2025-02", "CPT", "99213", "OPPS", 100.0, 100.0, *nothing, 1.5, "V", None, TEXT),
        ("US", "2025-02", "CPT", "99213", "PFS", 88.95, 88.95, 1.3, 1.35, 0.1, 2.75, 32.3465, None, None, None, TEXT),
    ]


def test_nothing_staged_gives_no_row():
    assert run(connection("2025-02"), "bench_medicare_comprehensive") == []
