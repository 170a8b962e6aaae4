"""Who publishes."""

from __future__ import annotations

from dimension_rows import NEW, OLD, made, source

# One slug under four names and an accented one; the last file names nobody.
SOURCES = [
    source(NEW, "EVRY HEALTH", rates_read=9_000, version="2.0.0"),
    source(OLD, "Evry Health", rates_read=3),
    source("TX/2025-06_b.json", "Evry-Health", rates_read=4, version="1.3.1"),
    source("TX/2025-06_c.json", "Evry-Health", rates_read=1, version="1.3.1"),
    source("GA/2025-07.json", "Médica & Familia, 100% S.A."),
    source("GA/2025-08.json", None),
]


def test_one_row_a_slug():
    """What the earliest month says, in it what most rates are under."""
    for order in (SOURCES, SOURCES[::-1]):
        assert made("dim_payer", order) == [
            ("evry_health", "Evry-Health", "issuer", "1.3.1"),
            ("m_dica_familia_100_s_a", "Médica & Familia, 100% S.A.", "issuer", "1.0.0"),
        ]


def test_of_a_star_schema_fills_gaps_only():
    brought = {"reporting_entity_type": "insurer", "version": "0.9", "batch_id": "s", "first_month": "2020-01"}
    stars = [
        brought | {"payer_slug": "evry_health", "reporting_entity_name": "Evry of old"},
        brought | {"payer_slug": "acme", "reporting_entity_name": "Acme"},
    ]
    assert made("dim_payer", SOURCES[:1], star_payer=stars) == [
        ("acme", "Acme", "insurer", "0.9"),
        ("evry_health", "EVRY HEALTH", "issuer", "2.0.0"),
    ]


def test_no_source_no_row():
    assert made("dim_payer", []) == []
