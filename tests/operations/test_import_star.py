"""Star schemas: both documents' layouts taken in, refusals by name, ids kept, nothing overridden, nothing added twice."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest

import kit
import reference_tables
from pipeline import errors, session, settings, tables
from pipeline.operations import import_star
from pipeline.readers.star import layout as star_layout
from pipeline.readers.star import rows as star_rows
from pipeline.sources import listing
from pipeline.stages import facts, ingest, star
from pipeline.storage import duck
from star_schemas import ANA, ANYWHERE, BOB, COMMON, EVA, OFFICE, guidelines, write


def guide() -> dict[str, pl.DataFrame]:
    """A star schema as the data-model guide lays it out: u3 again, and a fact of its own."""
    rows = [
        {"fact_uid": "u3", "year_month": "2025-09", "code": "99213", "pg_uid": "g2", "negotiated_rate": 99.0,
         "provider_group_id_raw": 7, "pos_set_id": ANYWHERE, "expiration_date": None},
        {"fact_uid": "u4", "year_month": "2025-09", "code": "10121", "pg_uid": "g3", "negotiated_rate": 250.25,
         "provider_group_id_raw": 8},
    ]  # fmt: skip
    months, payers, groups = ["2025-09"] * 2, ["peach_health_inc"] * 2, ["g2", "g3"]
    return {
        "gold/fact_rate": pl.DataFrame([COMMON | row for row in rows]),
        "silver/dim_code/dim_code": pl.DataFrame(
            {"code_type": ["CPT", "CPT"], "code": ["10121", "99213"], "code_desc": ["Removal", "ANOTHER TEXT"], "name": ["REMOVAL", "X"]}),
        "silver/dim_pos_set/dim_pos_set": pl.DataFrame(
            {"pos_set_id": [OFFICE, ANYWHERE], "service_codes": [["11", "n", "u", "l"], ["n", "u", "l"]]}),
        "silver/xref_pos/xref_pos": pl.DataFrame({"pos_set_id": [OFFICE], "pos": ["11"]}),
        "silver/dim_reporting_entity/dim_reporting_entity": pl.DataFrame(
            {"payer_slug": ["peach_health_inc"], "reporting_entity_name": ["Peach Health, Inc."],
             "reporting_entity_type": ["other"], "version": ["2.0.0"]}),
        "silver/dim_npi/dim_npi": pl.DataFrame({"npi": [BOB, EVA]}),
        "silver/dim_tin/dim_tin": pl.DataFrame({"tin_type": ["ein"], "tin_value": ["580000001"]}),
        "silver/xref_group_npi/xref_group_npi": pl.DataFrame(
            {"year_month": months, "payer_slug": payers, "pg_uid": groups, "npi": [BOB, EVA]}),
        "silver/xref_group_tin/xref_group_tin": pl.DataFrame(
            {"year_month": months, "payer_slug": payers, "pg_uid": groups, "tin_type": ["ein"] * 2, "tin_value": ["580000001"] * 2}),
    }  # fmt: skip


def every_file(root: Path) -> dict[Path, tuple]:
    """Inode and time of all that is published, staged or brought."""
    folders = ("raw", "staged", "dims", "xrefs", "bench", "gold", ".objects", "quarantine", "warehouse.duckdb")
    found = [p for name in folders for p in [root / name, *(root / name).rglob("*")] if p.is_file()]
    return {p: (p.stat().st_ino, p.stat().st_mtime_ns) for p in found}


def enriched(root: Path) -> list[dict]:
    with duckdb.connect(root / "warehouse.duckdb", read_only=True) as con:
        return con.sql("SELECT * FROM fact_rate_enriched ORDER BY fact_uid").pl().to_dicts()


def answers(root: Path, query: str) -> list[tuple]:
    with duckdb.connect(root / "warehouse.duckdb", read_only=True) as con:
        return con.sql(query).fetchall()


def use(root: Path) -> None:
    """Make a folder this process's warehouse, looked at anew."""
    (root / "raw").mkdir(parents=True, exist_ok=True)
    session.use(root)
    settings.load(root)
    ingest.clear_caches()


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """An empty warehouse, this process's own."""
    use(tmp_path / "warehouse")
    return tmp_path / "warehouse"


@pytest.mark.slow
def test_facts_without_a_class_get_the_one_that_was_told(root, tmp_path):
    """The guide's fact has no billing class: none is compared with Medicare before, and each that the schedule prices after.

    The class is remembered: the same files again, and a build, keep it. Another one takes its place.
    """
    shutil.copytree(kit.SAMPLE / "medicare", root / "raw" / "medicare")
    shutil.copytree(kit.SAMPLE / "pos", root / "raw" / "pos")
    given = guide()
    given["gold/fact_rate"] = given["gold/fact_rate"].with_columns(code=pl.lit("99213"))
    folder = write(tmp_path / "guide", given)
    imported = import_star.import_star(folder)
    assert (imported.without_class, imported.billing_class) == (2, None)
    assert kit.build(root).ok
    shares = "SELECT billing_class, benchmark_reason, count(*), count(medicare_state_rate) FROM fact_rate_enriched GROUP BY ALL"
    assert answers(root, shares) == [(None, "billing class unknown", 2, 0)]
    uids = [row["fact_uid"] for row in enriched(root)]

    again = import_star.import_star(folder, "professional")
    assert (again.new, again.billing_class) == (False, "professional")
    session.use(root)
    assert "--billing-class of import-star" in str(star.of_month("2025-09")[0].own_staleness())
    assert kit.build(root).ok
    assert answers(root, shares) == [("professional", None, 2, 2)]
    assert [row["fact_uid"] for row in enriched(root)] == uids
    assert import_star.import_star(folder).billing_class == "professional"
    assert kit.build(root).nothing_to_do

    (root / "raw/star" / again.id / ".import.json").write_text("{}")
    with pytest.raises(errors.SourceError, match="does not say a billing class"):
        kit.build(root)


def test_a_class_that_a_fact_has_stays(root, tmp_path):
    """Only the fact without a class, or with a blank one, gets it."""
    frame = guidelines()["gold/fact_rate"].with_columns(billing_class=pl.Series(["Institutional", " ", None]))
    found = star_layout.look(write(tmp_path / "star", guidelines() | {"gold/fact_rate": frame}))
    con = duck.connect("1GB", 1, tmp_path)
    for name, query in star_rows.views(found, billing_class="professional").items():
        duck.view(con, name, query)
    classes = con.sql("SELECT billing_class FROM given_facts ORDER BY fact_uid").fetchall()
    assert classes == [("institutional",), ("professional",), ("professional",)]


# ---- the whole way -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory):
    """A warehouse into which the command took the guidelines' star schema; with what it said."""
    folder = tmp_path_factory.mktemp("star")
    (folder / "warehouse" / "raw").mkdir(parents=True)
    write(folder / "given", guidelines())
    said = kit.ratehouse(folder / "warehouse", "import-star", str(folder / "given"))
    assert said.returncode == 0, said.stderr
    return folder, said


@pytest.mark.slow
def test_the_guidelines_star_schema_is_published_like_any_other_source(first):
    folder, said = first
    root = folder / "warehouse"
    (brought,) = (root / "raw" / "star").iterdir()
    assert f"raw/star/{brought.name}" in said.stdout
    assert "3 facts of 2 months" in said.stdout
    assert "passed over: dims/bench_medicare_comprehensive.parquet: " in said.stdout
    assert "2025-08 has 2 facts more, from star schemas alone" in said.stdout
    for name in ("gold/fact_rate.parquet", "dims/dim_npi_address.parquet"):
        assert (brought / name).read_bytes() == (folder / "given" / name).read_bytes()

    shards = {m: pl.read_parquet(root / f"gold/fact_rate_{m}.parquet") for m in ("2025-08", "2025-09")}
    assert {m: sorted(s["fact_uid"]) for m, s in shards.items()} == {"2025-08": ["u1", "u2"], "2025-09": ["u3"]}
    assert set(shards["2025-08"]["batch_id"]) == {brought.name}

    leaves = list((root / "gold/fact_rate_enriched").rglob("*.parquet"))
    assert pl.concat([pl.read_parquet(p) for p in leaves])["fact_uid"].sort().to_list() == ["u1", "u2", "u3"]
    u1, u2, u3 = enriched(root)
    assert (u1["payer_slug"], u1["state"], u1["billing_class"]) == ("peach_health_inc", "GA", "professional")
    assert (u1["negotiated_rate"], u1["expiration_date"], u1["provider_group_id_raw"]) == (101.5, "2026-12-31", "690")
    assert (u1["code_description"], u1["code_name"], u1["procedure_set"]) == ("Visit, 20 min", "VISIT 20", "E&M")
    assert (u2["expiration_date"], u2["procedure_set"]) == (None, None)
    # Ana is deactivated, so Bob stands for g1.
    assert [(r["npi"], r["group_npi_count"], r["last_name"]) for r in (u1, u2, u3)] == [
        (BOB, 2, "RAY"),
        (BOB, 2, "RAY"),
        (BOB, 1, "RAY"),
    ]
    assert (u1["city"], u1["latitude"], u1["stat_area_name"], u1["geo_source"]) == (
        "ATLANTA",
        33.75,
        "Atlanta, GA",
        "star",
    )
    assert (u1["pos_members"], u3["pos_members"]) == (["11"], [])
    accounts = (
        "SELECT year_month, facts, rate_facts, star_facts, rates_read, enriched_rows FROM month_accounts ORDER BY 1"
    )
    assert answers(root, accounts) == [("2025-08", 2, 0, 2, 0, 2), ("2025-09", 1, 0, 1, 0, 1)]
    assert answers(root, "SELECT payer_slug, reporting_entity_name FROM dim_reporting_entity") == [
        ("peach_health_inc", "Peach Health, Inc.")
    ]


@pytest.mark.slow
def test_the_same_star_schema_again_adds_nothing(first, tmp_path):
    folder, _ = first
    before = every_file(folder / "warehouse")
    # The same files where the guide has them.
    moved = tmp_path / "moved"
    shutil.copytree(folder / "given" / "gold", moved / "gold")
    shutil.copytree(folder / "given" / "xrefs", moved / "silver" / "xref_pg_member_npi")
    for path in (folder / "given" / "dims").iterdir():
        (moved / "silver" / path.stem).mkdir()
        shutil.copy(path, moved / "silver" / path.stem)
    for given in (folder / "given", moved):
        said = kit.ratehouse(folder / "warehouse", "import-star", str(given))
        assert said.returncode == 0, said.stderr
        assert "nothing to add" in said.stdout
        assert "nothing to do" in said.stdout
    assert every_file(folder / "warehouse") == before


@pytest.mark.slow
def test_another_star_schema_adds_what_is_new_to_its_months_alone(first, tmp_path):
    folder, _ = first
    root = kit.copy(folder / "warehouse", tmp_path / "warehouse")
    use(root)
    before = kit.parquet_files(root)
    brought = import_star.import_star(write(tmp_path / "given", guide()))
    assert (brought.new, brought.months) == (True, {"2025-09": 2})
    assert brought.skipped == [("silver/xref_pos/xref_pos.parquet", "it is made here from dim_pos_set")]
    outcome = kit.build(root)
    assert outcome.ok, outcome
    assert not [name for name in kit.rewritten(before, kit.parquet_files(root)) if "2025-08" in name]

    rows = enriched(root)
    assert [r["fact_uid"] for r in rows] == ["u1", "u2", "u3", "u4"]
    u4 = rows[-1]
    assert (u4["billing_class"], u4["npi"], u4["status"], u4["code_name"]) == (None, EVA, None, "REMOVAL")
    assert (u4["provider_group_id_raw"], u4["pos_members"], u4["payer_slug"]) == ("8", ["11"], "peach_health_inc")
    # The text of the earlier month stays.
    names = [("10121", "REMOVAL"), ("99213", "VISIT 20"), ("99214", "VISIT 30")]
    assert answers(root, "SELECT code, name FROM dim_code ORDER BY code") == names
    known = [(ANA, "star"), (BOB, "star"), (EVA, None)]
    assert answers(root, "SELECT npi, registry_source FROM dim_npi ORDER BY npi") == known
    tins = "SELECT year_month, payer_slug, tin_value FROM xref_group_tin WHERE pg_uid = 'g3'"
    assert answers(root, tins) == [("2025-09", "peach_health_inc", "580000001")]
    assert {a["year_month"]: a["star_facts"] for a in outcome.accounts} == {"2025-08": 2, "2025-09": 2}

    # Its files changed by hand: its month is blocked, as published before; the other month stands.
    kept = kit.parquet_files(root)
    changed = root / "raw/star" / brought.id / "gold/fact_rate.parquet"
    pl.read_parquet(changed).with_columns(negotiated_rate=pl.lit(1.0)).write_parquet(changed)
    outcome = kit.build(root)
    assert not outcome.ok
    failed = {(f["task"], f["label"]) for f in outcome.failures}
    assert failed == {("raw.SourceFile", f"raw/star/{brought.id}"), ("facts.FactRate", "gold/fact_rate_2025-09")}
    assert not [n for n in kit.rewritten(kept, kit.parquet_files(root)) if n.startswith("gold/")]
    # Taken away: what the other one says of the month stays.
    shutil.rmtree(root / "raw/star" / brought.id)
    assert not kit.build(root).ok  # not seen is not taken away
    assert kit.build(root, forget_missing=True).ok
    assert [r["fact_uid"] for r in enriched(root)] == ["u1", "u2", "u3"]
    assert [p.name for p in (root / "staged/star").iterdir()] == [p.name for p in (root / "raw/star").iterdir()]


# ---- refusals: one message with file, place and remedy, nothing brought ---------------------------------------------


def rate(**changes) -> dict[str, pl.DataFrame]:
    """The guidelines' star schema with columns of its facts replaced."""
    given = guidelines()
    given["gold/fact_rate"] = given["gold/fact_rate"].with_columns(**changes)
    return given


def without(name: str, *columns: str) -> dict[str, pl.DataFrame]:
    given = guidelines()
    given[name] = given[name].drop(columns)
    return given


def only(given: dict[str, pl.DataFrame], *missing: str) -> dict[str, pl.DataFrame]:
    return {name: frame for name, frame in given.items() if name not in missing}


def guide_without(column: str) -> dict[str, pl.DataFrame]:
    given = guide()
    given["gold/fact_rate"] = given["gold/fact_rate"].drop(column)
    return given


FACT = "gold/fact_rate.parquet"
REFUSED = {
    "no facts": (only(guidelines(), "gold/fact_rate"), FACT, "is missing"),
    "no dim_code": (only(guidelines(), "dims/dim_code"), "dims/dim_code.parquet", "is missing"),
    "no groups": (only(guidelines(), "xrefs/xref_pg_member_npi"), "xrefs/xref_group_npi.parquet", "xref_pg_member_npi"),
    "no rate": (without("gold/fact_rate", "negotiated_rate"), FACT, "the column negotiated_rate is missing"),
    "no class": (without("gold/fact_rate", "billing_class"), FACT, "the column billing_class is missing"),
    "no arrangement": (guide_without("negotiation_arrangement"), FACT, "the column negotiation_arrangement is missing"),
    "no payer": (guide_without("reporting_entity_name"), FACT, "the column reporting_entity_name is missing"),
    "no text": (without("dims/dim_code", "code_name"), "dims/dim_code.parquet", "the column name or code_name is missing"),
    "no hash": (without("dims/dim_npi_address", "address_hash"), "dims/dim_npi_address.parquet", "the column address_hash is missing"),
    "no status": (without("dims/dim_npi", "status"), "dims/dim_npi.parquet", "the column status is missing"),
    "rate as text": (rate(negotiated_rate=pl.lit("12.5")), FACT, "the column negotiated_rate is large_string, and must be a number"),
    "rate as int": (rate(negotiated_rate=pl.lit(12)), FACT, "the column negotiated_rate is int32, and must be a number"),
    "code as int": (rate(code=pl.lit(99213)), FACT, "the column code is int32, and must be text"),
    "date as date": (rate(expiration_date=pl.date(2026, 1, 1)), FACT, "the column expiration_date is date32[day], and must be text"),
    "id as float": (rate(provider_group_id_raw=pl.lit(690.5)), FACT, "the column provider_group_id_raw is double"),
    "set as text": (
        {**guidelines(), "dims/dim_pos_set": pl.DataFrame({"pos_set_id": [OFFICE, ANYWHERE], "pos_members": ["11", ""]})},
        "dims/dim_pos_set.parquet", "the column pos_members is large_string, and must be a list of texts",
    ),
    "null id": (rate(fact_uid=pl.Series(["u1", None, "u3"])), FACT, "the column fact_uid is null in 1 of 3 facts"),
    "null rate": (rate(negotiated_rate=pl.Series([None, 1.0, None])), FACT, "the column negotiated_rate is null in 2 of 3 facts"),
    "nameless payer": (rate(reporting_entity_name=pl.lit("?!")), FACT, "the column reporting_entity_name is null in 3 of 3 facts"),
    "one id, two facts": (rate(fact_uid=pl.lit("u1")), FACT, "fact_uid u1 stands for two facts"),
    "month": (rate(year_month=pl.lit("2025-13")), FACT, "year_month is '2025-13' in 3 facts"),
    "month as a day": (rate(year_month=pl.lit("2025-08-01")), FACT, "year_month is '2025-08-01'"),
    "state": (rate(state=pl.lit("Georgia")), FACT, "state is 'Georgia' in 3 facts"),
    "place": (rate(pos_set_id=pl.lit("nowhere")), "dims/dim_pos_set.parquet", "pos_set_id nowhere is not in it, and 3 facts name it"),
    "no fact in it": (rate() | {"gold/fact_rate": guidelines()["gold/fact_rate"].clear()}, FACT, "holds no fact"),
    "latitude": (
        {**guidelines(), "dims/dim_npi_address_geolocation":
            guidelines()["dims/dim_npi_address_geolocation"].with_columns(latitude=pl.lit(133.7))},
        "dims/dim_npi_address_geolocation.parquet", "the column latitude is no latitude in 2 rows (133.7)",
    ),
    "twice": (guidelines() | {"silver/dim_code": guide()["silver/dim_code/dim_code"]}, "dims/dim_code.parquet", "is there twice"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_is_named_and_nothing_is_brought(what, root, tmp_path):
    given, file, fact = REFUSED[what]
    folder = write(tmp_path / "given", given)
    with pytest.raises(errors.SourceError) as refused:
        import_star.import_star(folder)
    place, *lines = str(refused.value).splitlines()
    assert place.startswith(str(folder / file))
    assert fact in str(refused.value)
    assert lines[-1].endswith(f"ratehouse import-star {folder}")
    assert not list((root / "raw").rglob("*"))


@pytest.mark.parametrize(
    ("name", "damage", "fact"),
    [
        ("gold/fact_rate", lambda b: b"", "is empty"),
        ("gold/fact_rate", lambda b: b[:-10], "is no whole Parquet file"),
        ("dims/dim_code", lambda b: b"code_type,code\n", "is no whole Parquet file"),
        ("gold/fact_rate", lambda b: b[:4] + b"\xff" * 200 + b[204:], "cannot be read"),
    ],
)
def test_a_damaged_file_is_refused(name, damage, fact, root, tmp_path):
    path = write(tmp_path / "given", guidelines()) / f"{name}.parquet"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(errors.SourceError, match=f"{name}.parquet: {fact}"):
        import_star.import_star(tmp_path / "given")
    assert not list((root / "raw").rglob("*"))


def test_a_file_that_changes_while_it_is_checked_is_named(root, tmp_path, monkeypatch):
    given = write(tmp_path / "given", guidelines())
    fact = given / "gold" / "fact_rate.parquet"

    def check(*_, **__):
        fact.write_bytes(fact.read_bytes()[:-9])
        raise duckdb.InvalidInputException("No magic bytes found")

    monkeypatch.setattr(import_star.checks, "check", check)
    with pytest.raises(errors.ChangedSource, match="was changed, replaced or removed while it was read") as said:
        import_star.import_star(given)
    assert said.value.place == str(fact)
    assert listing.stars() == ()


@pytest.mark.slow
def test_a_star_schema_that_changes_while_a_build_reads_it_gets_no_verdict(root, tmp_path, monkeypatch):
    brought = import_star.import_star(write(tmp_path / "given", guidelines()))
    fact = next((root / "raw" / "star" / brought.id).rglob("fact_rate.parquet"))
    whole = fact.read_bytes()
    with monkeypatch.context() as patched:

        def views(given, *, real=star_rows.views, **options):
            fact.write_bytes(whole[:-9])
            return real(given, **options)

        patched.setattr(star_rows, "views", views)
        outcome = kit.build(root)
    (failed,) = [one for one in outcome.failures if one["label"] == f"raw/star/{brought.id}"]
    assert failed["kind"] == "ChangedSource"
    assert str(fact) in failed["error"]
    assert not (root / "staged" / "star").exists()
    fact.write_bytes(whole)
    assert kit.build(root).ok
    assert answers(root, "SELECT count(*) FROM fact_rate") == [(sum(brought.months.values()),)]


def test_the_command_refuses_in_words(tmp_path):
    (tmp_path / "warehouse" / "raw").mkdir(parents=True)
    write(tmp_path / "given", rate(negotiated_rate=pl.lit("12.5")))
    said = kit.ratehouse(tmp_path / "warehouse", "import-star", str(tmp_path / "given"))
    assert said.returncode == 1
    words = " ".join(said.stderr.split())
    assert words.startswith(
        f"error: {tmp_path}/given/gold/fact_rate.parquet: the column negotiated_rate is large_string"
    )
    assert words.endswith(f"then: ratehouse import-star {tmp_path}/given")
    assert "Traceback" not in said.stderr
    said = kit.ratehouse(tmp_path / "warehouse", "import-star", str(tmp_path / "elsewhere"))
    assert said.returncode == 2
    assert " ".join(said.stderr.split()).startswith(f"error: {tmp_path}/elsewhere: no such folder")


def test_the_folder_above_is_not_taken_for_the_star_schema(root, tmp_path):
    write(tmp_path / "pipeline" / "core" / "data", guide())
    with pytest.raises(
        errors.SourceError, match=rf"do you mean:\s+ratehouse import-star {tmp_path}/pipeline/core/data"
    ):
        import_star.import_star(tmp_path / "pipeline")


def test_an_id_that_stands_for_another_fact_in_another_star_schema_is_refused(root, tmp_path):
    brought = import_star.import_star(write(tmp_path / "given", guidelines()))
    given = guide()
    given["gold/fact_rate"] = given["gold/fact_rate"].with_columns(negotiated_rate=pl.lit(98.0))
    with pytest.raises(errors.SourceError) as refused:
        import_star.import_star(write(tmp_path / "other", given))
    assert (
        f"fact_uid u3 stands for another fact in raw/star/{brought.id} (negotiated_rate: here 98.0, there 99.0)"
        in str(refused.value)
    )
    assert listing.stars() == (brought.id,)


# ---- what is taken in ------------------------------------------------------------------------------------------------


def test_what_an_interrupted_copy_leaves_is_no_star_schema(root, tmp_path):
    left = root / "raw" / "star" / f"{import_star.DRAFT}0123"
    left.mkdir(parents=True)
    (left / "fact_rate.parquet").write_bytes(b"half")
    ingest.clear_caches()
    assert listing.stars() == ()
    brought = import_star.import_star(write(tmp_path / "given", guidelines()))
    assert [p.name for p in (root / "raw" / "star").iterdir()] == [brought.id]


def test_rows_that_are_repeated_or_join_nothing_are_told(root, tmp_path):
    given = guidelines()
    given["gold/fact_rate"] = pl.concat([given["gold/fact_rate"], given["gold/fact_rate"].head(1)])
    given["dims/dim_code"] = pl.DataFrame(
        {"code_type": ["CPT", "CPT", None, "CPT"], "code": ["99213", "99213", "1", "99214"],
         "code_description": ["B", "A", "C", None], "code_name": ["x"] * 4})  # fmt: skip
    given["dims/dim_payer"] = given["dims/dim_payer"].with_columns(payer_slug=pl.lit("peach"))
    given["gold/fact_rate"] = given["gold/fact_rate"].with_columns(payer_slug=pl.lit("peach"))
    brought = import_star.import_star(write(tmp_path / "given", given))
    assert brought.notices == [
        "gold/fact_rate.parquet: 1 rows occur more than once; once is enough",
        "dims/dim_code.parquet: 1 rows without code_type or code are passed over",
        "dims/dim_code.parquet: 1 times code_type, code has two contents; the first of them is taken",
        "payer_slug peach becomes peach_health_inc, the slug of its reporting_entity_name",
    ]
    assert staged(tmp_path / "given", "star_fact", year_month="2025-08")["fact_uid"].to_list() == ["u1", "u2"]
    assert staged(tmp_path / "given", "star_code").select("code", "code_desc").rows() == [
        ("99213", "A"),
        ("99214", None),
    ]


def staged(folder: Path, table: str, **variables: str) -> pl.DataFrame:
    """A staged table of a star schema."""
    con = duck.connect()
    told = {"batch_id": "b", "first_month": "2025-08", "last_month": "2025-09", "year_month": None} | variables
    for name, value in told.items():
        con.execute(f"SET VARIABLE {name} = {duck.literal(value)}")
    for name, query in star_rows.views(star_layout.look(folder)).items():
        duck.view(con, name, query)
    found = con.sql(star_rows.select(table)).pl()
    assert found.columns == list(tables.get(table).columns)
    return found


@pytest.mark.parametrize("layout", [guidelines, guide])
def test_every_staged_table_holds_its_key(layout, tmp_path):
    folder = write(tmp_path, layout())
    for name in (*star_rows.STAGED, *star_rows.STAGED_OF_MONTH):
        frame = staged(folder, name, year_month="2025-09")
        assert frame.select(tables.get(name).key).is_duplicated().sum() == 0
        assert frame.height or name in (
            "star_code_cat",
            "star_tin",
            "star_group_tin",
            "star_npi_address",
            "star_npi_address_geolocation",
        )


def test_names_and_group_ids_come_by_the_guidelines_joins(tmp_path):
    given = without("gold/fact_rate", "reporting_entity_name", "provider_group_id_raw")
    facts = staged(write(tmp_path, given), "star_fact", year_month="2025-08")
    assert facts.select("fact_uid", "reporting_entity_name", "provider_group_id_raw", "source_count").rows() == [
        ("u1", "Peach Health, Inc.", "690", 1), ("u2", "Peach Health, Inc.", "690", 1),
    ]  # fmt: skip


def test_the_guides_facts_lack_nothing_that_is_not_null(tmp_path):
    _, row = staged(write(tmp_path, guide()), "star_fact", year_month="2025-09").to_dicts()
    given = guide()["gold/fact_rate"].row(1, named=True)
    expected = (
        dict.fromkeys(tables.get("fact_rate").columns)
        | given
        | {"provider_group_id_raw": "8", "batch_id": "b", "source_count": 1}
    )
    assert row == expected


def test_spelling_is_ours(tmp_path):
    given = rate(code_type=pl.lit("cpt "), negotiated_type=pl.lit("Negotiated"), negotiation_arrangement=pl.lit("FFS"))
    row = staged(write(tmp_path, given), "star_fact", year_month="2025-09").row(0, named=True)
    assert (row["code_type"], row["negotiated_type"], row["negotiation_arrangement"]) == ("CPT", "negotiated", "ffs")


def test_letters_of_null_are_no_place_of_service(tmp_path):
    sets = staged(write(tmp_path, guide()), "star_pos_set").select("pos_set_id", "pos_members").rows()
    assert dict(sets) == {OFFICE: ["11"], ANYWHERE: []}


def test_the_empty_set_needs_no_row(tmp_path):
    given = guidelines()
    given["dims/dim_pos_set"] = given["dims/dim_pos_set"].head(1)
    assert (
        dict(staged(write(tmp_path, given), "star_pos_set").select("pos_set_id", "pos_members").rows())[ANYWHERE] == []
    )


def test_a_filled_in_place_is_unknown(tmp_path):
    ana, bob = staged(write(tmp_path, guidelines()), "star_npi_address_geolocation").to_dicts()
    assert {v for k, v in ana.items() if k not in ("npi", "address_hash", "batch_id", "last_month")} == {None}
    assert (bob["latitude"], bob["stat_area_name"]) == (33.75, "Atlanta, GA")


def test_groups_have_the_members_of_their_month_alone(tmp_path):
    given = guide()
    xref = given["silver/xref_group_npi/xref_group_npi"]
    stray = pl.DataFrame({"year_month": ["2025-08", "2025-09", "2025-09"], "payer_slug": ["x"] * 3,
                          "pg_uid": ["g3", "g3", "unnamed"], "npi": [ANA, "0", ANA]})  # fmt: skip
    given["silver/xref_group_npi/xref_group_npi"] = pl.concat([xref, stray])
    tins = given["silver/xref_group_tin/xref_group_tin"]
    given["silver/xref_group_tin/xref_group_tin"] = tins.with_columns(year_month=pl.Series(["2025-09", "2025-08"]))
    folder = write(tmp_path, given)
    npis = staged(folder, "star_group_npi", year_month="2025-09")
    assert npis.select("year_month", "payer_slug", "pg_uid", "npi").rows() == [
        ("2025-09", "peach_health_inc", "g2", BOB), ("2025-09", "peach_health_inc", "g3", EVA),
    ]  # fmt: skip
    assert staged(folder, "star_group_tin", year_month="2025-09")["pg_uid"].to_list() == ["g2"]
    groups = staged(folder, "star_group", year_month="2025-09")
    assert groups.select("pg_uid", "version", "has_members").rows() == [("g2", "2.0.0", True), ("g3", "2.0.0", True)]


@pytest.mark.slow
def test_months_are_known_from_what_was_staged(root, tmp_path):
    assert facts.months() == []
    brought = import_star.import_star(write(tmp_path / "given", guidelines()))
    (task,) = star.tasks()
    assert task.star == brought.id
    assert star.months() == []
    task.run()
    assert facts.months() == ["2025-08", "2025-09"]
    (month,) = star.of_month("2025-09")
    month.run()
    assert pl.read_parquet(month.file_of("star_fact"))["fact_uid"].to_list() == ["u3"]
    assert (task.complete(), month.complete()) == (True, True)


# ---- what else is known comes first ----------------------------------------------------------------------------------


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    """Every table that the dimensions are made of, empty, as their stage shows them."""
    con = reference_tables.connection(year_month="2025-08", category_source="rbcs")
    for table in tables.load().values():
        if table.folder in ("staged/in_network", "staged/star", "staged/star_month"):
            duck.view(con, table.name, duck.empty(table))
        if table.folder == "staged/in_network":
            duck.view(con, table.name, f"SELECT CAST(NULL AS VARCHAR) AS batch_id, * FROM ({duck.empty(table)})")
    duck.view(con, "source_file", "SELECT 'f' AS batch_id, '2025-08' AS year_month, 'acme' AS payer_slug, 'Acme' AS reporting_entity_name, "
              "'insurer' AS reporting_entity_type, '1' AS version, 5 AS rates_read")  # fmt: skip
    return con


def values(con: duckdb.DuckDBPyConnection, name: str, columns: str, *rows: tuple) -> None:
    """Make a view hold literal rows; its other columns are null."""
    listed = ", ".join("(" + ", ".join(duck.literal(v) for v in row) + ")" for row in rows)
    known = {row[0]: row[1] for row in con.execute(f"DESCRIBE {name}").fetchall()}
    given = columns.split()
    select = ", ".join(f"CAST({c if c in given else 'NULL'} AS {kind}) AS {c}" for c, kind in known.items())
    duck.view(con, name, f"SELECT {select} FROM (VALUES {listed}) AS v({', '.join(given)})")


def result(con: duckdb.DuckDBPyConnection, name: str, *columns: str) -> list[tuple]:
    return con.sql(f"SELECT {', '.join(columns)} FROM ({duck.sql(name + '.sql')}) ORDER BY ALL").fetchall()


def test_a_code_keeps_the_text_of_an_in_network_file(con):
    values(
        con,
        "staged_code",
        "batch_id code_type code name rates",
        ("f", "CPT", "1", "OURS", 1),
        ("f", "CPT", "2", None, 1),
    )
    values(
        con,
        "star_code",
        "code_type code name batch_id first_month",
        *[("CPT", c, "STAR", "s", "2020-01") for c in "123"],
    )
    assert result(con, "dim_code", "code", "name") == [("1", "OURS"), ("2", "STAR"), ("3", "STAR")]


def test_of_two_star_schemas_the_earlier_text_counts(con):
    values(
        con,
        "star_code",
        "code_type code name batch_id first_month",
        ("CPT", "1", "LATE", "a", "2025-08"),
        ("CPT", "1", "EARLY", "z", "2025-07"),
    )
    assert result(con, "dim_code", "code", "name") == [("1", "EARLY")]


def test_a_payer_keeps_what_its_own_files_say(con):
    values(con, "star_payer", "reporting_entity_name payer_slug reporting_entity_type batch_id first_month",
           ("ACME", "acme", "star", "s", "2020-01"), ("Peach", "peach", "star", "s", "2020-01"))  # fmt: skip
    assert result(con, "dim_payer", "payer_slug", "reporting_entity_name", "reporting_entity_type") == [
        ("acme", "Acme", "insurer"), ("peach", "Peach", "star"),
    ]  # fmt: skip
    assert result(con, "dim_payer_bridge", "*") == [("ACME", "acme"), ("Acme", "acme"), ("Peach", "peach")]


def test_sets_and_billers_that_files_name_stay_theirs(con):
    values(con, "staged_pos_set", "batch_id pos_set_id pos_members", ("f", "a", ["11"]))
    values(con, "star_pos_set", "pos_set_id pos_members", ("a", ["22"]), ("b", ["23"]))
    assert result(con, "dim_pos_set", "*") == [("a", ["11"]), ("b", ["23"])]
    values(
        con,
        "staged_tin",
        "batch_id tin_type tin_value business_name members",
        ("f", "ein", "1", "OURS", 1),
        ("f", "ein", "2", None, 1),
    )
    values(
        con, "star_tin", "tin_type tin_value business_name first_month", *[("ein", t, "STAR", "2020-01") for t in "123"]
    )
    assert result(con, "dim_tin", "tin_value", "business_name") == [("1", "OURS"), ("2", "STAR"), ("3", "STAR")]


def test_a_group_that_a_file_names_keeps_its_members(con):
    values(con, "staged_group", "batch_id pg_uid pg_members_uid", ("f", "g1", "m"))
    values(con, "staged_member", "batch_id pg_members_uid tin_type tin_value npi", ("f", "m", "ein", "1", ANA))
    values(
        con,
        "star_group",
        "payer_slug pg_uid year_month has_members batch_id",
        ("x", "g1", "2025-08", True, "s"),
        ("x", "g2", "2025-08", True, "s"),
    )
    values(
        con,
        "star_group_npi",
        "payer_slug pg_uid npi year_month",
        ("x", "g1", BOB, "2025-08"),
        ("x", "g2", BOB, "2025-08"),
    )
    values(
        con,
        "star_group_tin",
        "payer_slug pg_uid tin_type tin_value year_month",
        ("x", "g1", "ein", "2", "2025-08"),
        ("x", "g2", "ein", "2", "2025-08"),
    )
    assert result(con, "dim_provider_group", "pg_uid", "payer_slug") == [("g1", "acme"), ("g2", "x")]
    assert result(con, "xref_group_npi", "pg_uid", "npi") == [("g1", ANA), ("g2", BOB)]
    assert result(con, "xref_group_tin", "pg_uid", "tin_value") == [("g1", "1"), ("g2", "2")]


def test_the_registry_comes_first(con):
    values(
        con,
        "staged_nppes",
        "npi source_kind source_file source_row enumeration_type status last_name",
        (ANA, "api", "a", 1, "NPI-1", "A", "LEE"),
    )
    values(con, "staged_member", "batch_id npi", ("f", ANA), ("f", BOB))
    columns = "npi enumeration_type status last_name described batch_id last_month"
    values(con, "star_npi", columns, *[(n, "NPI-1", "A", "STAR", True, "s", "2025-08") for n in (ANA, BOB)],
           (BOB, "NPI-1", "A", "LATER", True, "r", "2025-09"), (EVA, None, None, None, False, "s", "2025-08"))  # fmt: skip
    assert result(con, "dim_npi", "npi", "last_name", "registry_source", "npi_valid") == [
        (ANA, "LEE", "api", True), (BOB, "LATER", "star", True), (EVA, None, None, True),
    ]  # fmt: skip


def test_an_address_of_the_registry_comes_first(con):
    reference_tables.stage(con, "dim_npi", [{"npi": n} for n in (ANA, BOB)])
    values(
        con,
        "staged_nppes_address",
        "npi address_purpose position address_hash source_kind source_file source_row",
        (ANA, "MAILING", 1, "m", "api", "a", 1),
    )
    columns = "npi address_purpose address_hash position batch_id last_month"
    stars = [(n, "LOCATION", "h", 1, "s", "2025-08") for n in (ANA, BOB, EVA)] + [
        (BOB, "LOCATION", "other", 1, "r", "2025-07")
    ]
    values(con, "star_npi_address", columns, *stars)
    assert result(con, "dim_npi_address", "npi", "address_purpose", "address_hash") == [
        (ANA, "MAILING", "m"),
        (BOB, "LOCATION", "h"),
    ]


def test_a_place_that_the_geocoder_or_the_zip_gives_comes_first(con):
    reference_tables.stage(con, "dim_npi_address", [
        {"npi": n, "address_purpose": "LOCATION", "address_hash": n, "postal_code": "30303", "position": 1} for n in (ANA, BOB, EVA)])  # fmt: skip
    reference_tables.stage(con, "staged_geocode", [
        {"address_id": ANA, "match": "Match", "latitude": 1.0, "longitude": 1.0, "source_file": "c", "source_row": 1}])  # fmt: skip
    columns = "npi address_hash latitude longitude batch_id last_month"
    values(con, "star_npi_address_geolocation", columns,
           *[(n, n, 2.0, 2.0, "s", "2025-08") for n in (ANA, BOB, "1999999999")], (EVA, EVA, None, None, "s", "2025-08"))  # fmt: skip
    assert result(con, "dim_npi_address_geolocation", "npi", "latitude", "geo_source") == [
        (ANA, 1.0, "census"),
        (BOB, 2.0, "star"),
    ]


def test_categories_of_two_sources_are_never_mixed(con):
    values(
        con,
        "star_code_cat",
        "proc_cd procedure_set batch_id first_month",
        ("99213", "E&M", "s", "2025-08"),
        ("99213", "X", "t", "2025-09"),
    )
    assert result(con, "dim_code_cat_history", "proc_cd", "effective_from", "effective_to", "procedure_set") == [
        ("99213", "1900-01-01", "9999-12-31", "E&M")
    ]
    values(
        con,
        "staged_category",
        "category_source proc_cd effective_from procedure_set source_file source_row",
        ("betos", "99214", "1900-01-01", "B", "b", 1),
    )
    assert len(result(con, "dim_code_cat_history", "proc_cd")) == 1
    values(
        con,
        "staged_category",
        "category_source proc_cd effective_from procedure_set source_file source_row",
        ("rbcs", "99214", "2020-01-01", "R", "r", 1),
    )
    assert result(con, "dim_code_cat_history", "proc_cd", "procedure_set") == [("99214", "R")]
