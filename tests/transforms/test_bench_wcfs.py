"""bench_wcfs: each state's own schedule in force."""

from __future__ import annotations

from bench_tables import connection, run, stage


def row(state, day, code, amount, modifier="", code_type="CPT"):
    return {
        "state": state,
        "effective_from": day,
        "code_type": code_type,
        "code": code,
        "amount": amount,
        "modifier": modifier,
        "release": f"{state} fee schedule",
        "source_file": "wcfs.csv",
    }


def test_each_state_takes_its_own():
    con = connection("2025-02")
    stage(
        con,
        "staged_wcfs",
        [
            row("TX", "2023-01-01", "99213", "120.00"),
            row("TX", "2025-01-01", "99213", "131.44"),
            row("TX", "2025-01-01", "99213", "50", modifier="26"),
            row("CA", "2025-03-01", "99213", "99.5"),
            row("NV", "2023-07-01", "J1100", "0.2", code_type="HCPCS"),
            row("GA", "2026-01-01", "99213", "1"),
        ],
    )
    assert run(con, "bench_wcfs") == [
        ("CA", "2025-02", "CPT", "99213", 99.5, "CA fee schedule effective 2025-03-01 (nearest of its year)"),
        ("NV", "2025-02", "HCPCS", "J1100", 0.2, "NV fee schedule effective 2023-07-01 (in force)"),
        ("TX", "2025-02", "CPT", "99213", 131.44, "TX fee schedule effective 2025-01-01 (in force)"),
    ]


def test_nothing_staged_gives_no_row():
    assert run(connection("2025-02"), "bench_wcfs") == []
