"""A payer's names as published, and its slug."""

from __future__ import annotations

from dimension_rows import NEW, OLD, made, source


def test_every_name_has_its_slug():
    """Once, in however many files and months it is written; a file that names nobody gives no row."""
    sources = [
        source(NEW, "EVRY HEALTH", version="2.0.0"),
        source(OLD, "Evry Health"),
        source(OLD, "Evry-Health"),
        source("TX/2025-06_c.json", "Evry-Health"),
        source("GA/2025-07.json", "Médica & Familia, 100% S.A."),
        source("GA/2025-08.json", None),
    ]
    for order in (sources, sources[::-1]):
        assert made("dim_payer_bridge", order) == [
            ("EVRY HEALTH", "evry_health"),
            ("Evry Health", "evry_health"),
            ("Evry-Health", "evry_health"),
            ("Médica & Familia, 100% S.A.", "m_dica_familia_100_s_a"),
        ]


def test_no_source_no_row():
    assert made("dim_payer_bridge", []) == []
