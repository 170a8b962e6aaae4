"""Which plans use which in-network file: by headers and by tables of contents."""

from __future__ import annotations

import collections
import json
import random
from pathlib import Path

import pytest

import kit
import reference_tables
import small_sources
from pipeline import errors, naming, tables
from pipeline.readers import toc, toc_rows
from pipeline.readers.reference_files.account import Account
from pipeline.stages import dims, xrefs
from pipeline.storage import duck
from pipeline.transforms import file_plans

PLAN = ("plan_name", "plan_id_type", "plan_id", "plan_market_type", "issuer_name", "plan_sponsor_name")
GOLD = dict(zip(PLAN, ("Gold", "hios", "1", "individual", "Acme", None), strict=True))
SILVER = GOLD | {"plan_name": "Silver", "plan_id": "2"}
NONE = dict.fromkeys(PLAN)


def file(path: str, month: str = "2025-08", plan: dict = NONE) -> dict:
    key = naming.listed_file_key(path.rpartition("/")[2])
    return {"batch_id": naming.md5_of(path), "year_month": month, "file": path, "file_key": key, **plan}


def structure(
    number: int, plans: list[dict], locations: list[str], source: str = "index.json"
) -> dict[str, list[dict]]:
    files = [{"location": url, "file_key": naming.listed_file_key(naming.listed_file(url))} for url in locations]
    of = {"structure": number, "source_file": source}
    return {"staged_toc_plan": [of | plan for plan in plans], "staged_toc_file": [of | one for one in files]}


def made(files: list[dict], *structures: dict[str, list[dict]]):
    """(dim_plan, xref_file_plan, counts) of literal rows."""
    con = reference_tables.connection()
    duck.view(con, "listed_file", dims.listed_files(files))
    for name in ("staged_toc_plan", "staged_toc_file"):
        rows = [row for one in structures for row in one[name]]
        reference_tables.stage(con, name, rows)
    plans = con.sql(f"SELECT * FROM ({file_plans.plans(con)}) ORDER BY ALL").pl().to_dicts()
    uses = con.sql(f"SELECT * FROM ({file_plans.uses(con)}) ORDER BY file, year_month, plan_uid").pl().to_dicts()
    for name, rows in (("dim_plan", plans), ("xref_file_plan", uses)):
        declared = tables.get(name)
        keys = collections.Counter(tuple(row[c] for c in declared.key) for row in rows)
        assert not [key for key, count in keys.items() if count > 1]
        assert all(set(row) == set(declared.columns) for row in rows)
    return plans, uses, file_plans.counts(con)


def short(plans: list[dict], uses: list[dict]) -> list[tuple]:
    names = {row["plan_uid"]: row["plan_name"] for row in plans}
    return sorted((row["file"], row["year_month"], names[row["plan_uid"]], row["source"], row["toc"]) for row in uses)


@pytest.mark.parametrize(
    ("location", "name"),
    [
        ("https://payer.example/2025-08/A%20b.json.gz?sig=1&x=/c.json", "A b.json.gz"),
        ("https://payer.example/a.json#part", "a.json"),
        ("https://payer.example/files/", None),
        (r"\\share\rates\a.zip", "a.zip"),
        ("a.json", "a.json"),
    ],
)
def test_the_file_that_a_location_names(location, name):
    assert naming.listed_file(location) == name


def test_names_are_compared_without_case_ending_and_what_no_system_takes():
    alike = ["a:b.json", "A_b.JSON.gz", "a_b.json.zip", "a_b.zip", "a_b"]
    assert {naming.listed_file_key(name) for name in alike} == {"a_b"}
    assert naming.listed_file_key("a.b.json") == "a.b"
    assert naming.listed_file_key("x.json.json") == "x.json"
    assert (naming.listed_file_key(None), naming.listed_file_key(".json")) == (None, None)


def test_both_plans_of_a_file_that_is_listed_twice_use_it():
    here = [
        file("GA/rates.json.gz"),
        file("GA/rates.json.gz", "2025-07"),
        file("TX/rates.json"),
        file("GA/own.json", plan=GOLD),
    ]
    plans, uses, counts = made(
        here,
        structure(0, [GOLD, GOLD], ["https://p.example/rates.json", "https://p.example/gone.json"]),
        structure(
            1, [SILVER], ["https://p.example/RATES.json?sig=2", "https://p.example/own.json", "https://p.example/"]
        ),
        structure(0, [SILVER], ["https://other.example/own.json"], "later.json"),
    )
    rates = [("GA/rates.json.gz", "2025-07"), ("GA/rates.json.gz", "2025-08"), ("TX/rates.json", "2025-08")]
    assert short(plans, uses) == [
        ("GA/own.json", "2025-08", "Gold", "header", None),
        ("GA/own.json", "2025-08", "Silver", "toc", "index.json"),
        *((*one, name, "toc", "index.json") for one in rates for name in ("Gold", "Silver")),
    ]
    assert [row["plan_name"] for row in plans] in (["Gold", "Silver"], ["Silver", "Gold"])
    assert counts == {"listed": 6, "absent": 2, "files": 3, "unlisted": 0}


def test_a_header_and_a_table_of_contents_that_say_the_same_are_one_row():
    header = GOLD | {"plan_id_type": "HIOS"}
    plans, uses, counts = made([file("GA/a.json", plan=header)], structure(0, [GOLD], ["https://p.example/a.json"]))
    assert short(plans, uses) == [("GA/a.json", "2025-08", "Gold", "header|toc", "index.json")]
    assert counts["unlisted"] == 0


def test_nothing_is_lost_without_plans_files_or_tables_of_contents():
    assert made([]) == ([], [], {"listed": 0, "absent": 0, "files": 0, "unlisted": 0})
    assert made([file("GA/a.json")])[2] == {"listed": 0, "absent": 0, "files": 1, "unlisted": 1}
    without_plans = structure(0, [], ["https://p.example/a.json"])
    plans, uses, counts = made([file("GA/a.json")], without_plans)
    assert (plans, uses, counts["unlisted"]) == ([], [], 0)


def plainly(files: list[dict], structures: list[dict]) -> set[tuple]:
    """(file, month, plan) by loops over everything."""
    found = {(f["file"], f["year_month"], *(f[c] for c in PLAN)) for f in files if f["plan_name"] or f["plan_id"]}
    for one in structures:
        for listed in one["staged_toc_file"]:
            for f in files:
                if listed["file_key"] is not None and f["file_key"] == listed["file_key"]:
                    found |= {(f["file"], f["year_month"], *(p[c] for c in PLAN)) for p in one["staged_toc_plan"]}
    return found


@pytest.mark.parametrize("seed", range(12))
def test_no_fan_out_whatever_is_listed(seed):
    """Duplicate, overlapping and missing rows: one row for each file, month and plan, and as many facts as before in a join.

    `made` holds the keys.
    """
    chance = random.Random(seed)
    names = ["a.json", "A.json.gz", "b.json", "c.zip", "sub/b.json"]
    files = {
        (f["file"], f["year_month"]): f
        for f in (
            file(f"{chance.choice(['GA', 'TX'])}/{chance.choice(names)}", chance.choice(["2025-07", "2025-08"]), chance.choice([NONE, GOLD, SILVER]))
            for _ in range(chance.randrange(8))
        )
    }.values()  # fmt: skip
    locations = [
        "https://p/a.json",
        "https://p/b.json?x",
        "https://q/B.json",
        "https://p/c.json",
        "https://p/none.json",
        "https://p/",
    ]
    structures = [
        structure(number, chance.choices([GOLD, SILVER, GOLD | {"issuer_name": None}], k=chance.randrange(4)),
                  chance.choices(locations, k=chance.randrange(5)), chance.choice(["one.json", "two.json"]))
        for number in range(chance.randrange(5))
    ]  # fmt: skip
    plans, uses, _ = made(list(files), *structures)
    by_uid = {row["plan_uid"]: tuple(row[c] for c in PLAN) for row in plans}
    assert {(row["file"], row["year_month"], *by_uid[row["plan_uid"]]) for row in uses} == plainly(
        list(files), structures
    )
    assert set(by_uid) == {row["plan_uid"] for row in uses}


# ---- tables of contents as payers write them ------------------------------------------------------------------------


def staged(path: Path) -> tuple[list[dict], list[dict], list]:
    account = Account()
    parts = list(toc_rows.read(path, account))
    return *(
        [row for part in parts for row in part[name].to_dicts()] for name in ("staged_toc_plan", "staged_toc_file")
    ), account.warnings


def test_real_tables_of_contents(real):
    plans, files, warnings = staged(real / "toc" / "table-of-contents-sample.json")
    assert [(p["structure"], p["plan_name"], p["issuer_name"]) for p in plans] == [
        (0, "medicaid", "CMS"),
        (0, "medicare", "CMS"),
        (1, "chip", "CMS"),
    ]
    assert [(f["structure"], f["file_key"]) for f in files] == [
        (0, "in-network-file-123456"), (0, "behavioral-health-0000"), (1, "chip-in-network-file"),
    ]  # fmt: skip
    assert warnings == []
    plans, files, _ = staged(real / "toc" / "toc_fidelis_sample.json")
    whole = json.loads((real / "toc" / "toc_fidelis_sample.json").read_text())["reporting_structure"]
    assert len({p["plan_id"] for p in plans}) == len({p["plan_id"] for s in whole for p in s["reporting_plans"]})
    assert {p["plan_id_type"] for p in plans} == {"hios"}
    assert len(files) == sum(len({f["location"] for f in s.get("in_network_files", [])}) for s in whole)


def test_plans_at_the_top_with_their_files_inside(real):
    """Each plan has its own files, and `ratehouse toc` reads such a file too."""
    path = real / "toc_more" / "veritas_2025-12-27_index.json"
    plans, files, _ = staged(path)
    assert [(p["structure"], p["plan_id"], p["plan_name"]) for p in plans] == [
        (0, "MHH0972", "Veritas Collaborative NC - Durham"), (1, "044-0204", "Veritas Collaborative GA"),
    ]  # fmt: skip
    assert [(f["structure"], f["file_key"]) for f in files] == [
        (0, "2025-12-27_veritas-collaborative_nc-durham_in-network-rates"), (1, "2025-12-27_veritas-collaborative_ga_in-network-rates"),
    ]  # fmt: skip
    contents = toc.read(path)
    assert [[plan.plan_id for plan in contents.plans(one)] for one in contents.files] == [["MHH0972"], ["044-0204"]]


def test_what_of_a_table_of_contents_cannot_be_read_is_counted(tmp_path):
    path = tmp_path / "index.json"
    odd = {
        "reporting_structure": [
            7,
            {"reporting_plans": [{"plan_name": ["x"]}], "in_network_files": [{"location": ""}, {"location": "a.json"}]},
        ]
    }
    path.write_text(json.dumps(odd))
    plans, files, warnings = staged(path)
    assert (plans, [f["location"] for f in files]) == ([], ["a.json"])
    assert warnings == [["toc_entry", 3, "reporting_structure[0] is a text or number, where an object belongs"]]
    path.write_text(json.dumps({"in_network": []}))
    with pytest.raises(errors.SourceError, match="is an in-network file, not a table of contents"):
        staged(path)


# ---- in a warehouse -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_build_with_a_table_of_contents(tmp_path):
    """It builds dim_plan and xref_file_plan again, and nothing of the rates."""
    root = small_sources.two_months(tmp_path)
    assert kit.build(root).ok
    before = small_sources.tables(root)
    assert small_sources.rows(root, "SELECT count(*) FROM dim_plan") == [(0,)]
    (root / "raw" / "toc").mkdir()
    listed = {
        "reporting_plans": [GOLD, SILVER],
        "in_network_files": [{"location": f"https://p.example/{n}.json"} for n in ("acme_08", "x")],
    }
    (root / "raw" / "toc" / "2025-08_index.json").write_text(json.dumps({"reporting_structure": [listed]}))
    outcome = kit.build(root)
    assert outcome.ok, outcome.failures
    changed = {n for n in kit.rewritten(before, small_sources.tables(root)) if not n.startswith("staged/")}
    assert changed == {"dims/dim_plan.parquet", "xrefs/xref_file_plan.parquet"}
    query = "SELECT file, year_month, plan_name, source, toc FROM xref_file_plan JOIN dim_plan USING (plan_uid) ORDER BY ALL"
    assert small_sources.rows(root, query) == [
        ("GA/acme_08.json", "2025-08", name, "toc", "2025-08_index.json") for name in ("Gold", "Silver")
    ]
    assert xrefs.XrefFilePlan().stamp().notes["counts"] == {"listed": 2, "absent": 1, "files": 2, "unlisted": 1}
    (root / "raw" / "toc" / "2025-08_index.json").write_text('{"reporting_structure": [')
    outcome = kit.build(root)
    assert not outcome.ok
    assert small_sources.rows(root, "SELECT count(*) FROM xref_file_plan") == [(2,)]
