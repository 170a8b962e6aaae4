"""Every query of the guide's sections 3, 4 and 8 on the sample, and its answer recomputed from the raw files in plain Python.

The queries stand here as the guide has them (a test says so where it is present). Changed are the paths, and the slug:
the guide's SQL replaces the first blank of a payer's name only and leaves a `_` at the ends. Its Polars has to say what
`slugify` returns: Polars asks the function itself, with an empty text, is answered None, and makes every slug null.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter
from pathlib import Path

import duckdb
import polars as pl
import pytest

import plain_facts
from guide_queries import SQL, placed


@pytest.fixture(scope="module")
def root(built_sample: Path) -> Path:
    """The built sample; nothing here changes it."""
    return built_sample


POLARS = r"""
import polars as pl, re

# Helper slugify for joins to xref tables (only when needed)
def slugify(s: str) -> str:
    return re.sub(r'[^a-z0-9]+','_', s.lower()).strip('_') if s else None

fact = pl.read_parquet("core/data/gold/fact_rate.parquet")

# Filter scope
fact = fact.filter(
    (pl.col("state")=="GA") & (pl.col("year_month")=="2025-08")
)

# 4.1 Join code text
dim_code = pl.read_parquet("core/data/silver/dim_code/dim_code.parquet")
fact_with_text = fact.join(dim_code, on=["code_type","code"], how="left")

# 4.2 Filter by one POS (11 = office)
xref_pos = pl.read_parquet("core/data/silver/xref_pos/xref_pos.parquet")
pos11 = xref_pos.filter(pl.col("pos")=="11")
fact_pos11 = fact.join(pos11, on="pos_set_id", how="inner")

# 4.3 Resolve NPIs for a row (compute slug on the fly for join)
xref_npi = pl.read_parquet("core/data/silver/xref_group_npi/xref_group_npi.parquet")
fact_npi = (
    fact.with_columns(
        pl.col("reporting_entity_name").map_elements(slugify).alias("payer_slug")
    )
    .join(xref_npi, on=["year_month","payer_slug","pg_uid"], how="inner")
)

# 4.4 Resolve TINs and aggregate by org
xref_tin = pl.read_parquet("core/data/silver/xref_group_tin/xref_group_tin.parquet")
agg_by_tin = (
    fact.with_columns(pl.col("reporting_entity_name").map_elements(slugify).alias("payer_slug"))
        .join(xref_tin, on=["year_month","payer_slug","pg_uid"], how="inner")
        .group_by(["code_type","code","tin_value"])
        .agg([
            pl.len().alias("n"),
            pl.col("negotiated_rate").mean().alias("mean_rate"),
            pl.col("negotiated_rate").quantile(0.5, "nearest").alias("p50"),
        ])
        .sort(["code_type","code","tin_value"])
)

# 4.5 Benchmark compare (Medicare prof)
bench = pl.read_parquet("core/data/silver/bench_medicare_prof.parquet")
fact_bench = (
    fact.join(bench, on=["state","year_month","code_type","code"], how="left")
        .with_columns(
            (pl.col("negotiated_rate") / pl.col("medicare_prof_rate")).alias("pct_of_medicare")
        )
)
"""


def ask(query: str, root: Path, **elsewhere: Path) -> list[tuple]:
    return duckdb.connect().sql(placed(query, root, **elsewhere)).fetchall()


@pytest.fixture(scope="module")
def known(root: Path) -> list[plain_facts.Fact]:
    """Its facts, from the raw files."""
    return list(plain_facts.facts(plain_facts.read(root / "raw" / "mrf")).values())


@pytest.fixture(scope="module")
def asked(known) -> list[plain_facts.Fact]:
    """Those of Georgia in August 2025, which the guide's queries ask for."""
    found = [f for f in known if (f.columns["state"], f.columns["year_month"]) == ("GA", "2025-08")]
    assert len(found) > 100
    assert len({f.columns["payer_slug"] for f in found}) == 2
    return found


@pytest.fixture(scope="module")
def texts(root: Path) -> dict[tuple, tuple]:
    """(code type, code) -> (description, name): of the earliest month, in it what most rates carry, ties by text."""
    said: dict[tuple, Counter] = {}
    for rate, _, _ in plain_facts.read(root / "raw" / "mrf"):
        code = said.setdefault((rate["code_type"], rate["code"]), Counter())
        code[rate["year_month"], rate["code_desc"], rate["code_name"]] += 1
    found = {}
    for code, counts in said.items():
        spoken = {k: n for k, n in counts.items() if k[1:] != (None, None)} or counts
        first = min(month for month, *_ in spoken)
        best = min(
            (-n, desc or "\U0010ffff", name or "\U0010ffff", desc, name)
            for (m, desc, name), n in spoken.items()
            if m == first
        )
        found[code] = best[3:]
    return found


@pytest.fixture(scope="module")
def medicare(root: Path) -> dict[tuple, float]:
    """(state, month, code type, code) -> Medicare's rate, as published: what it should be is the business of its own tests."""
    frame = pl.read_parquet(root / "bench" / "bench_medicare_prof_????-??.parquet")
    key = ["state", "year_month", "code_type", "code"]
    found = {tuple(row[:4]): row[4] for row in frame.select(*key, "medicare_prof_rate").rows()}
    assert len(found) == frame.height
    return found


def npis(fact: plain_facts.Fact) -> set[str]:
    return {npi for _, _, npi in fact.members or ()} - {"0"}


def tins(fact: plain_facts.Fact) -> set[tuple[str, str]]:
    return {(kind, value) for kind, value, _ in fact.members or ()}


def values(fact: plain_facts.Fact, *names: str) -> tuple:
    return tuple(fact.columns[name] for name in names)


def medicare_of(fact: plain_facts.Fact, medicare: dict) -> float | None:
    return medicare.get(values(fact, "state", "year_month", "code_type", "code"))


def test_the_queries_are_the_guide_s(shared):
    guide = (shared / "spec" / "rate-data-model-guide.md").read_text(encoding="utf-8")
    sections = {part.split(")")[0]: part for part in re.split(r"^## ", guide, flags=re.MULTILINE)}
    block = re.compile(r"^### (\d\.\d) .*?^```sql$(.*?)^```", re.MULTILINE | re.DOTALL)
    assert {name: text for n in "38" for name, text in block.findall(sections[n])} == SQL
    assert [f"\n{code}" for code in re.findall(r"^```python\n(.*?)^```", sections["4"], re.MULTILINE | re.DOTALL)] == [
        POLARS
    ]


def test_3_1_descriptions(root, asked, texts):
    found = ask(SQL["3.1"], root)
    expected = Counter()
    for fact in asked:
        desc, name = texts[values(fact, "code_type", "code")]
        expected[
            *values(fact, "year_month", "reporting_entity_name", "code_type", "code"),
            desc,
            name,
            fact.columns["negotiated_rate"],
        ] += 1
    assert len(found) == 25
    assert not Counter(found) - expected
    everything = ask(SQL["3.1"].replace("LIMIT 25", ""), root)
    assert Counter(everything) == expected
    assert any(desc for *_, desc, _, _ in everything)


def test_3_2_places_of_service(root, asked):
    """CSTM-00 is every place, the office too."""
    found = ask(SQL["3.2"], root)
    at_office = [f for f in asked if {"11", "CSTM-00"} & set(f.columns["pos"])]
    names = ("reporting_entity_name", "code_type", "code", "negotiated_rate")
    assert Counter(found) == Counter(values(f, *names) for f in at_office)
    assert 0 < len(found) < len(asked)
    assert [row[0] for row in found] == sorted(row[0] for row in found)


def test_3_3_providers(root, asked):
    expected = Counter()
    for fact in asked:
        name, code, rate = values(fact, "reporting_entity_name", "code", "negotiated_rate")
        expected.update((name, code, npi, rate) for npi in npis(fact))
    found = ask(SQL["3.3"], root)
    assert len(found) == 50
    assert not Counter(found) - expected
    everything = ask(SQL["3.3"].replace("LIMIT 50", ""), root)
    assert Counter(everything) == expected
    assert len({name for name, *_ in everything}) == 2, "both payers have their providers"


def by_tin(asked: list[plain_facts.Fact]) -> dict[tuple, list[float]]:
    found: dict[tuple, list[float]] = {}
    for fact in asked:
        for _, tin in tins(fact):
            found.setdefault((*values(fact, "code_type", "code"), tin), []).append(fact.columns["negotiated_rate"])
    return found


def test_3_4_organizations(root, asked):
    found = ask(SQL["3.4"], root)
    expected = by_tin(asked)
    assert [row[:3] for row in found] == sorted(expected)
    for *key, n, mean, median in found:
        rates = expected[tuple(key)]
        assert n == len(rates)
        assert mean == pytest.approx(statistics.fmean(rates))
        assert median == pytest.approx(statistics.median(rates))
    assert max(row[3] for row in found) > 1


def test_3_5_medicare(root, asked, texts, medicare):
    expected = Counter()
    for fact in (f for f in asked if f.columns["code_type"] == "CPT"):
        rate, price = fact.columns["negotiated_rate"], medicare_of(fact, medicare)
        desc, _ = texts[values(fact, "code_type", "code")]
        expected[
            *values(fact, "reporting_entity_name", "code"), desc, rate, price, rate / price if price else None
        ] += 1
    found = ask(SQL["3.5"], root)
    assert len(found) == 100
    assert not Counter(found) - expected
    assert [row[:2] for row in found] == sorted(row[:2] for row in expected.elements())[:100]
    everything = ask(SQL["3.5"].replace("LIMIT 100", ""), root)
    assert Counter(everything) == expected
    assert sum(row[4] is not None for row in everything) > len(everything) / 2


def test_3_5_medicare_for_the_whole_country(root):
    """Rows of the folder US have the national rate beside them."""
    query = SQL["3.5"].replace("state = 'GA'", "state = 'US'").replace("LIMIT 100", "")
    found = ask(query, root)
    assert len(found) > 300
    assert sum(row[4] is not None for row in found) > 0.9 * len(found)


def test_4_polars(root, asked, texts, medicare):
    """The section is one program; its frames hold what the SQL answers."""
    names: dict = {}
    exec(placed(POLARS, root), names)
    rate = ("reporting_entity_name", "code_type", "code", "negotiated_rate")
    assert Counter(names["fact"].select(rate).rows()) == Counter(values(f, *rate) for f in asked)

    expected = Counter((*values(f, *rate), *texts[values(f, "code_type", "code")]) for f in asked)
    assert Counter(names["fact_with_text"].select(*rate, "code_desc", "name").rows()) == expected

    expected = Counter(values(f, *rate) for f in asked if {"11", "CSTM-00"} & set(f.columns["pos"]))
    assert Counter(names["fact_pos11"].select(rate).rows()) == expected

    expected = Counter((*values(f, *rate), npi) for f in asked for npi in npis(f))
    assert Counter(names["fact_npi"].select(*rate, "npi").rows()) == expected

    expected = by_tin(asked)
    found = names["agg_by_tin"].rows()
    assert [row[:3] for row in found] == sorted(expected)
    for *key, n, mean, median in found:
        rates = sorted(expected[tuple(key)])
        assert n == len(rates)
        assert mean == pytest.approx(statistics.fmean(rates))
        assert median in (statistics.median_low(rates), statistics.median_high(rates))  # "nearest" takes one of them

    prices = [(f, medicare_of(f, medicare)) for f in asked]
    expected = Counter((*values(f, *rate), p, f.columns["negotiated_rate"] / p if p else None) for f, p in prices)
    assert Counter(names["fact_bench"].select(*rate, "medicare_prof_rate", "pct_of_medicare").rows()) == expected


def without(root: Path, table: str, where: str, to: Path) -> Path:
    """A copy of a dimension without some rows."""
    path = to / f"{table}.parquet"
    duckdb.sql(f"COPY (FROM '{root}/dims/{table}.parquet' WHERE NOT ({where})) TO '{path}' (FORMAT parquet)")
    return path


def test_8_1_codes(root, known, tmp_path):
    """No code is missing; one that is taken out is found."""
    assert ask(SQL["8.1"], root) == []
    cut = without(root, "dim_code", "code IN ('99213', '99214')", tmp_path)
    counts = Counter(values(f, "code_type", "code") for f in known if f.columns["code"] in ("99213", "99214"))
    assert len(counts) == 2
    found = ask(SQL["8.1"], root, dim_code=cut)
    assert {row[:2]: row[2] for row in found} == counts
    assert [n for *_, n in found] == sorted(counts.values(), reverse=True)


def test_8_2_places_of_service(root, known, tmp_path):
    assert ask(SQL["8.2"], root) == []
    office = plain_facts.md5("11")
    cut = without(root, "dim_pos_set", f"pos_set_id = '{office}'", tmp_path)
    n = sum(f.columns["pos_set_id"] == office for f in known)
    assert n > 0
    assert ask(SQL["8.2"], root, dim_pos_set=cut) == [(office, n)]


def test_8_3_share_with_a_provider(root, known):
    """A fact counts once for each of its NPIs, as the guide's join has it, and once where it has none."""
    with_npi, rows = Counter(), Counter()
    for fact in known:
        month, n = fact.columns["year_month"], len(npis(fact))
        with_npi[month] += n
        rows[month] += n or 1
    found = ask(SQL["8.3"], root)
    assert [month for month, _ in found] == sorted(rows) == ["2025-07", "2025-08"]
    for month, share in found:
        assert share == pytest.approx(100 * with_npi[month] / rows[month])
    assert 90 < min(share for _, share in found) < 100
