"""The whole way on real files: every month published, every count that of an independent reader, nothing lost or doubled."""

from __future__ import annotations

import csv
import functools
import json
import re
import shutil
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import duckdb
import pytest

import kit
import plain_benchmarks
import plain_facts
import plain_flags
from chosen_benchmark import choose
from pipeline.storage import duck
from pipeline.transforms import benchmark_choice

CMS = ("v1.3.1", "v2.2.0")  # their examples have the same names, so each gets its schema's as a prefix
REFERENCES = ("nppes", "medicare", "codes", "geo", "pos")
NEVADA = "NV/sierra_2025-05_truncated.json"
# Why a rate has no Medicare price, by what data-model.md says of benchmarks; anything else is a hole in the joins.
REASONS = re.compile(
    r"""billing\ class\ both | institutional\ inpatient | state\ unknown | arrangement\ (capitation|bundle)
      | negotiated\ type\ (per\ diem|percentage) | modifier\ \S+
      | places\ of\ service\ [\d|]+\ do\ not\ settle\ the\ setting
      | (PFS|OPPS|ASC)\ \d{4}\ not\ loaded:\ see\ docs/data-sources\.md""",
    re.VERBOSE,
)

GENERATED = "TX/generated_2025-09.json"
# One file is generated: no real one prices professional services in a year whose schedule is here. Its provider
# practises in Fort Worth (nppes.json); 76116 is carrier 04412, locality 28 (ZIP5_OCT2025.txt).
PROVIDER, LOCALITY = "1093740896", ("04412", "28")
# (code, modifiers, places, setting) -> in a facility, modifier of the row; or why there is no rate
PROFESSIONAL = {
    ("99213", (), ("11",), "outpatient"): (False, ""),
    ("99213", ("25",), ("11",), "outpatient"): (False, ""),
    ("99213", (), ("21",), "inpatient"): (True, ""),
    ("99213", (), (), "inpatient"): (True, ""),
    ("77080", (), ("11",), "outpatient"): (False, ""),
    ("77080", ("26",), ("11",), "outpatient"): (False, "26"),
    ("77080", ("TC",), ("11",), "outpatient"): (False, "TC"),
    ("74263", ("TC",), ("11",), "outpatient"): (False, "TC"),  # capped by the OPPS amount
    ("45378", ("53",), ("22",), "outpatient"): (True, "53"),
    ("G0101", (), ("11", "22"), "outpatient"): (False, ""),
    ("99213", ("AS",), ("11",), "outpatient"): "modifier AS",
    ("36415", (), ("11",), "outpatient"): "status X: other schedule or excluded",
    ("99381", (), ("11",), "outpatient"): "status N: not covered by Medicare",
    ("00100", (), ("11",), "outpatient"): "status J: anaesthesia, no base units",
}


def professional_file() -> dict:
    """An in-network file of September 2025: 100 dollars for each line of PROFESSIONAL."""
    prices: dict[str, list[dict]] = {}
    for code, modifiers, places, setting in PROFESSIONAL:
        price = {"negotiated_type": "negotiated", "negotiated_rate": 100, "expiration_date": "9999-12-31"}
        price |= {"billing_class": "professional", "setting": setting, "service_code": list(places)}
        prices.setdefault(code, []).append(price | ({"billing_code_modifier": list(modifiers)} if modifiers else {}))
    group = {"npi": [int(PROVIDER)], "tin": {"type": "ein", "value": "12-3456789", "business_name": "Of our own"}}
    return {
        "reporting_entity_name": "Generated Plan",
        "reporting_entity_type": "insurer",
        "last_updated_on": "2025-09-05",
        "version": "2.0.0",
        "provider_references": [{"provider_group_id": 1, "network_name": [], "provider_groups": [group]}],
        "in_network": [
            {"negotiation_arrangement": "ffs", "name": code, "billing_code_type": "HCPCS" if code[0] == "G" else "CPT"}
            | {"billing_code_type_version": "2025", "billing_code": code, "description": code}
            | {"negotiated_rates": [{"provider_references": [1], "negotiated_prices": listed}]}
            for code, listed in prices.items()
        ],
    }


@pytest.fixture(scope="module")
def built(real: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A warehouse of all real files but Nevada's, and the generated one, built by the command; and what it printed."""
    raw = tmp_path_factory.mktemp("real") / "warehouse" / "raw"
    for state in ("TX", "MD"):
        shutil.copytree(real / "mrf" / state, raw / "mrf" / state)
    (raw / "mrf" / "US").mkdir()
    for version in CMS:
        for path in (real / "mrf" / f"cms-{version}").glob("in-network-*.json"):
            shutil.copy(path, raw / "mrf" / "US" / f"{version}-{path.name}")
    (raw / "mrf" / GENERATED).write_text(json.dumps(professional_file()), encoding="utf-8")
    for folder in REFERENCES:
        shutil.copytree(real / folder, raw / folder)
    for path in raw.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)  # the originals may be read-only
    done = kit.ratehouse(raw.parent, "build", "--workers", "2", "--local-scheduler")
    assert done.returncode == 0, done.stdout + done.stderr
    return raw.parent, done.stdout


@pytest.fixture(scope="module")
def root(built) -> Path:
    return built[0]


@pytest.fixture(scope="module")
def texts() -> dict[tuple, Counter]:
    """(code type, code) -> how many rates of a month carry a description and a name; filled as `facts` reads."""
    return {}


@pytest.fixture(scope="module")
def facts(root: Path, texts) -> dict[str, plain_facts.Fact]:
    """The facts of those files by their ids, read the slow way."""

    def rates():
        for columns, who, dollars in plain_facts.read(root / "raw" / "mrf"):
            code = texts.setdefault((columns["code_type"], columns["code"]), Counter())
            if columns["code_desc"] or columns["code_name"]:
                code[columns["year_month"], columns["code_desc"], columns["code_name"]] += 1
            yield columns, who, dollars

    return plain_facts.facts(rates())


@pytest.fixture
def con(root: Path):
    """The catalog. For each test: DuckDB hands a process that has a database open the same one again, though replaced."""
    with duckdb.connect(str(root / "warehouse.duckdb"), read_only=True) as con:
        yield con


def by_id(con, columns: str, table: str) -> dict[str, tuple]:
    """fact_uid -> the other columns; the id is unique."""
    rows = con.sql(f"SELECT fact_uid, {columns} FROM {table}").fetchall()
    found = {uid: values for uid, *values in rows}
    assert len(found) == len(rows)
    return found


def test_sources_agree_with_the_recount(root, real):
    expected = {}
    for line in (real / "expected.jsonl").read_text(encoding="utf-8").splitlines():
        count = json.loads(line)
        folder, name = count.pop("path").removeprefix("mrf/"), count.pop("file")
        version = folder.removeprefix("cms-")
        expected[f"{folder}/{name}" if version == folder else f"US/{version}-{name}"] = count
    got = {one["file"]: one for one in kit.json_lines(kit.ratehouse(root, "sources", "--json").stdout)}
    assert got.keys() == expected.keys() | {GENERATED}
    for name, count in expected.items():
        shared = count.keys() & got[name].keys()
        assert len(shared) == 13
        assert {k: got[name][k] for k in shared} == {k: count[k] for k in shared}, name
        assert got[name]["status"] == "whole"
        assert got[name]["state"] == name.split("/")[0]
        assert got[name]["rates_read"] == got[name]["facts"] + got[name]["duplicates"] + got[name]["rejected"]


def test_facts_are_those_of_the_slow_reader(facts, con):
    """Every id, every column, how many rates each stands for, whichever month."""
    rows = con.sql("SELECT * EXCLUDE (negotiated_dollars) FROM fact_rate").fetchall()
    names = [d[0] for d in con.sql("SELECT * EXCLUDE (negotiated_dollars) FROM fact_rate LIMIT 0").description]
    got = {row[0]: dict(zip(names, row, strict=True)) for row in rows}
    assert len(got) == len(rows) == len(facts) == 201_127 + len(PROFESSIONAL)
    assert got.keys() == facts.keys()
    for uid, fact in facts.items():
        expected = {name: fact.columns[name] for name in names if name not in ("fact_uid", "source_count")}
        assert got[uid] == {"fact_uid": uid, "source_count": fact.source_count, **expected}
    months = Counter(fact.columns["year_month"] for fact in facts.values())
    assert dict(con.sql("SELECT year_month, count(*) FROM fact_rate GROUP BY ALL").fetchall()) == months
    assert months.keys() == {"2020-08", "2023-11", "2024-01", "2025-01", "2025-06", "2025-09"}


def test_dollars_agree_to_the_cent(facts, con):
    sums: Counter = Counter()
    for fact in facts.values():
        sums[fact.columns["year_month"]] += fact.dollars
    read = con.sql(
        "SELECT year_month, sum(CAST(rate_sum AS DECIMAL(38, 8))) FROM dim_source_file GROUP BY ALL"
    ).fetchall()
    kept = con.sql(
        "SELECT year_month, sum(CAST(negotiated_rate AS DECIMAL(28, 8)) * source_count) FROM fact_rate GROUP BY ALL"
    ).fetchall()
    cent = Decimal("0.01")
    for got in (read, kept):
        assert {month: dollars.quantize(cent) for month, dollars in got} == {
            m: s.quantize(cent) for m, s in sums.items()
        }


def test_one_enriched_row_per_fact(facts, con):
    """With what came of it unchanged, and with the description, places and members that its own file gives it."""
    columns = """year_month, payer_slug, billing_class, code_type, code, negotiated_rate, expiration_date,
        reporting_entity_name, pos_set_id, pos_members, pg_uid, pg_members_uid, network_names, group_npi_count, npi, state"""
    got = by_id(con, columns, "fact_rate_enriched")
    assert got.keys() == facts.keys()
    known = {npi for (npi,) in con.sql("SELECT npi FROM dim_npi WHERE status = 'A' AND npi_valid").fetchall()}
    assert known
    names = columns.split(",")
    for uid, fact in facts.items():
        row = dict(zip(map(str.strip, names), got[uid], strict=True))
        same = [n for n in row if n in fact.columns and n != "state"]
        assert {n: row[n] for n in same} == {n: fact.columns[n] for n in same}
        assert tuple(row["pos_members"]) == fact.columns["pos"]
        npis = {npi for _, _, npi in fact.members or ()} - {"0"}
        assert row["group_npi_count"] == (None if fact.members is None else len(npis))
        usable = npis & known
        assert row["npi"] in (usable or npis or {None})
        if not usable:
            assert row["npi"] == min(npis, default=None)
        # The registry here knows none of the examples' providers, so the state of the folder US stays unknown.
        assert row["state"] == (None if fact.columns["state"] == "US" else fact.columns["state"])


def test_variants_tins_and_plain_flags_are_those_of_a_plain_grouping(facts, con):
    """Over every fact of these files, and every file that published it."""
    columns = """rate_variants, rate_variant_min, rate_variant_max, variant_scope, npi, tin_value, tin_type, group_tin_count,
        source_count, rate_flags"""
    got, variants = by_id(con, columns, "fact_rate_enriched"), plain_flags.variants(facts)
    for uid, fact in facts.items():
        *of_variants, npi, tin_value, tin_type, tins, times, flags = got[uid]
        assert tuple(of_variants) == variants[uid]
        assert (tin_value, tin_type, tins) == plain_flags.tin(fact, npi)
        assert times == fact.source_count
        told = flags.split("|") if flags else []
        assert told == sorted(told)
        assert plain_flags.OF_FACT_ALONE & {*told} == plain_flags.flags(fact, variants[uid][0])
    assert sum(found[0] > 1 for found in variants.values()) > 10_000
    listed = con.sql("SELECT fact_uid, batch_id, read_count FROM xref_fact_source").fetchall()
    assert len(listed) == len({one[:2] for one in listed})
    published = {(uid, batch): n for uid, fact in facts.items() for batch, n in Counter(fact.batches).items()}
    assert {(uid, batch): n for uid, batch, n in listed} == published


def test_descriptions_are_the_earliest_month_s(facts, texts, con):
    """Of each code, the text that most rates of its earliest month carry; ties by text."""
    expected = {}
    for code, said in texts.items():
        first = min(month for month, _, _ in said)
        most = max(n for (month, _, _), n in said.items() if month == first)
        expected[code] = min(text for (month, *text), n in said.items() if (month, n) == (first, most))
    got = con.sql("SELECT code_type, code, code_desc, name FROM dim_code").fetchall()
    assert {(kind, code): [desc, name] for kind, code, desc, name in got} == expected


def test_nearly_every_code_of_evry_s_has_a_category(con, record_property):
    """99 of 100 at least, RBCS being the default; 3,470 of 3,483 in June 2025."""
    codes, known = con.sql("""
        SELECT count(DISTINCT code), count(DISTINCT code) FILTER (procedure_set IS NOT NULL) FROM fact_rate_enriched
        WHERE year_month = '2025-06' AND reporting_entity_name ILIKE 'evry%' AND code_type IN ('CPT', 'HCPCS')
        """).fetchall()[0]
    record_property("share of codes with a category", known / codes)
    assert codes > 3_000
    assert known >= 0.99 * codes


def test_summary_adds_up(built, facts):
    _, printed = built
    months: dict[str, Counter] = {}
    for fact in facts.values():
        count = months.setdefault(fact.columns["year_month"], Counter())
        count.update(read=fact.source_count, facts=1)
    table = {}
    for line in printed.splitlines():
        month, *numbers = line.split() or [""]
        if re.fullmatch(r"\d{4}-\d{2}|all", month) and len(numbers) == 7:
            table[month] = [int(n.replace(",", "")) for n in numbers]
    for month, (read, kept, duplicates, rejected, corrected, _leaves, withheld) in table.items():
        assert read == kept + duplicates + rejected + corrected
        assert (rejected, corrected, withheld) == (0, 0, 0)
        if month != "all":
            assert (read, kept) == (months[month]["read"], months[month]["facts"])
    assert table.keys() == months.keys() | {"all"}
    assert table["all"][:2] == [201_942 + len(PROFESSIONAL), 201_127 + len(PROFESSIONAL)]


def test_medicare_benchmarks_or_why_not(con, record_property):
    """No real row is without a benchmark for no reason; none has one, for their schedules are not among these files."""
    rows = con.sql("""
        SELECT billing_class, benchmark_reason, count(*), count(medicare_state_rate), count(rate_to_medicare_ratio)
        FROM fact_rate_enriched WHERE year_month <> '2025-09' GROUP BY ALL ORDER BY ALL""").fetchall()
    record_property("medicare", [f"{kind}: {why}: {found} of {n}" for kind, why, n, found, _ in rows])
    for kind, why, n, found, ratios in rows:
        print(f"{kind}: {found} of {n} facts have a Medicare price; {why}")
        assert (found, ratios) == (0, 0)
        assert REASONS.fullmatch(why), why


def test_every_combination_of_terms_chooses_as_a_second_reading_does(root):
    """Of the real rates none has a price: the reasons are held against it, and the choice that stands behind each."""
    chosen = plain_benchmarks.check(root)
    with duck.connect() as con:
        benchmark_choice.load(con)
        assert choose(con, list(chosen)) == list(chosen.values())
    assert len(chosen) > 20
    assert {c[0] for c in chosen.values()} == {"PFS", "OPPS", None}
    assert {case[4] for case in chosen} == {None, "AS", "25", "26", "TC", "53"}


def test_the_build_prints_what_share_has_a_medicare_rate_and_why_not(built, con):
    _, printed = built
    plain = [" ".join(line.split()) for line in printed.splitlines()]
    for kind, code_type, n, found in con.sql("""
        SELECT billing_class, code_type, count(*), count(*) FILTER (medicare_state_rate > 0)
        FROM fact_rate_enriched GROUP BY ALL""").fetchall():
        assert f"{kind} {code_type} {n:,} {found:,} {100 * found / n:.1f} %" in plain


@functools.cache
def table(path: Path) -> list[list[str]]:
    with path.open(encoding="latin-1", newline="") as file:
        return list(csv.reader(file))


def texan_rates(real: Path, code: str, modifier: str, facility: bool) -> dict[tuple[str, str], Decimal]:
    """(carrier, locality) -> the payment in each locality of Texas, calculated from the two CSV files by hand."""
    (row,) = [r for r in table(real / "medicare" / "PPRRVU2025_Oct.csv") if r[:2] == [code, modifier]]
    work, pe, mp, factor = (Decimal(row[n]) for n in (5, 8 if facility else 6, 10, 24))
    caps = [Decimal(row[n]) for n in (29 if facility else 28, 30)]
    rates = {}
    for r in table(real / "medicare" / "GPCI2025.csv"):
        if len(r) == 7 and r[1] == "TX":
            w, p, m = map(Decimal, r[4:7])
            amount = (work * w + pe * p + mp * m) * factor
            if any(caps):
                amount = min(amount, (work * w + caps[0] * p + caps[1] * m) * factor)
            rates[r[0], r[2]] = amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert len(rates) == 8
    return rates


def test_a_month_of_2025_takes_the_nearest_release_of_its_year(real, con):
    """The real relative values of 2025 are of October, and the generated file of September."""
    rows = con.sql("""
        SELECT code, billing_code_modifiers, pos_members, setting, benchmark_type, benchmark_facility,
          medicare_state_rate, medicare_locality_rate, rate_to_medicare_ratio, benchmark_source, benchmark_reason, npi
        FROM fact_rate_enriched WHERE year_month = '2025-09'""").fetchall()
    assert len(rows) == len(PROFESSIONAL)
    for code, modifiers, places, setting, kind, at, state_rate, locality_rate, ratio, source, reason, npi in rows:
        case = (code, tuple(modifiers.split("|")) if modifiers else (), tuple(places), setting)
        expected = PROFESSIONAL[case]
        assert npi == PROVIDER
        if isinstance(expected, str):
            assert (reason, state_rate, ratio) == (expected, None, None), case
            continue
        facility, modifier = expected
        rates = texan_rates(real, code, modifier, facility)
        mean = float(sum(rates.values())) / 8
        assert (kind, at, reason, locality_rate) == ("PFS", facility, None, float(rates[LOCALITY])), case
        assert state_rate == pytest.approx(mean, rel=1e-12)
        assert ratio == pytest.approx(100 / mean, rel=1e-12)
        assert source == "PFS RVU25D effective 2025-10-01 (nearest of its year)"


def test_the_build_says_which_release_a_rate_is_from_and_which_years_have_none(built, facts):
    _, printed = built
    plain = [" ".join(line.split()) for line in printed.splitlines()]
    total = len(facts)
    priced = sum(not isinstance(e, str) for e in PROFESSIONAL.values())
    assert f"all {total:,} {priced:,} 0.0 %" in plain
    assert "professional HCPCS 1 1 100.0 %" in plain
    assert f"rate PFS RVU25D effective 2025-10-01 (nearest of its year) {priced} 0.0 %" in plain
    counts = Counter()
    for fact in facts.values():
        counts[fact.columns["billing_class"], fact.columns["year_month"][:4], fact.columns["state"]] += 1
    texas = {year: counts["institutional", year, "TX"] for year in ("2023", "2025")}
    assert texas["2025"] > 50_000
    for year, n in texas.items():  # neither Addendum B nor another year's file stands in for it
        assert f"none OPPS {year} not loaded: see docs/data-sources.md {n:,} {100 * n / total:.1f} %" in plain
    # One of Maryland is a per diem; of CMS's examples, in the folder US, four are for nothing but the schedule.
    without = counts["professional", "2020", "MD"] - 1 + 4
    assert f"none PFS 2020 not loaded: see docs/data-sources.md {without:,} {100 * without / total:.1f} %" in plain


def test_a_broken_file_blocks_its_month_alone(built, real, facts):
    """Last in the file: it changes the warehouse of the others, as little as can be."""
    root, _ = built
    before = kit.parquet_files(root)
    size = (real / "mrf" / NEVADA).stat().st_size
    (root / "raw" / "mrf" / "NV").mkdir()
    shutil.copy(real / "mrf" / NEVADA, root / "raw" / "mrf" / "NV")
    done = kit.ratehouse(root, "build", "--local-scheduler")
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert f"mrf/{NEVADA}" in said
    assert "2025-05" in said
    assert f"ends after {size:,} bytes, inside in_network[0]" in " ".join(said.split())
    changed = kit.rewritten(before, kit.parquet_files(root))
    assert changed == {"dims/dim_source_file.parquet"}, "its verdict is on record, and nothing else is touched"
    with duckdb.connect(str(root / "warehouse.duckdb"), read_only=True) as con:
        assert con.sql("SELECT count(*) FROM fact_rate_enriched").fetchall() == [(len(facts),)]
        assert con.sql("SELECT file FROM dim_source_file WHERE status = 'broken'").fetchall() == [(NEVADA,)]
    status = kit.json_lines(kit.ratehouse(root, "status", "--json").stdout)
    states = {(one["table"], one["month"]): one["state"] for one in status}
    assert states["fact_rate", "2025-05"] == "blocked"
    other = {name: state for (name, month), state in states.items() if month not in ("2025-05", None)}
    assert set(other.values()) == {"built"}
