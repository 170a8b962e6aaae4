"""Declarations: what one may say, which files it names, how it is refused, and what it changes of a warehouse."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

import in_network_documents
import kit
import small_sources
from pipeline import errors, naming, session, settings, tables
from pipeline.operations import build, status
from pipeline.readers import declarations
from pipeline.readers.declarations import ClassRule
from pipeline.readers.in_network.read import Elsewhere

GOOD = """\
- files: "GA/acme_*.json.gz"
  set:
    last_updated_on: 2026-02-04
    reporting_entity_name: " Acme Health "
    billing_class: professional
    billing_class_where: {billing_class: Institutional, setting: null, service_code: null}
  reason: the header has no date
  source: the payer's page
- {files: raw/mrf/TX/b.json, set: {last_updated_on: 2026-02}, reason: no date}
"""


def read(folder: Path, text: str) -> list[declarations.Declaration]:
    """The declarations of a file with that content."""
    path = folder / "x.yml"
    path.write_text(text, encoding="utf-8")
    return declarations.read(path)


def test_a_file_of_declarations(tmp_path):
    first, second = read(tmp_path, GOOD)
    assert first.files == "GA/acme_*.json.gz"
    assert first.header == {"last_updated_on": "2026-02-04", "reporting_entity_name": "Acme Health"}
    rule = ClassRule("professional", {"billing_class": "institutional", "setting": None, "service_code": ""})
    assert first.billing_class == rule
    assert (first.reason, first.file, first.number) == ("the header has no date", "x.yml", 1)
    assert first.text() == [
        "last_updated_on=2026-02-04",
        "reporting_entity_name=Acme Health",
        "billing_class=professional where billing_class: institutional, service_code: [], setting: null",
    ]
    assert (second.files, second.header, second.billing_class) == ("TX/b.json", {"last_updated_on": "2026-02"}, None)
    assert read(tmp_path, "# nothing yet\n") == []


@pytest.mark.parametrize(
    ("pattern", "matched", "others"),
    [
        ("GA/acme_*.json", ["GA/acme_1.json", "GA/acme_.json"], ["GA/acme_1.json.gz", "GA/x/acme_1.json", "ga/acme_1.json"]),
        ("*/a?.json", ["GA/ab.json", "US/a*.json"], ["GA/a.json", "GA/x/ab.json"]),
        ("GA/rates[1].json", ["GA/rates[1].json"], ["GA/rates1.json"]),
        ("GA/*[!a].json", ["GA/x[!a].json"], ["GA/b.json"]),
        ("GA/a.json", ["GA/a.json"], ["GA/aXjson", "GA/a.json\n"]),
        ("GA/*", ["GA/a\nb.json", "GA/caf\\xe9.json"], ["GA/x/b.json"]),
    ],
)  # fmt: skip
def test_only_two_characters_of_a_pattern_mean_anything(tmp_path, pattern, matched, others):
    """Brackets are data, and no name of a file is ever a pattern."""
    (one,) = read(tmp_path, json.dumps([{"files": pattern, "set": {"billing_class": "both"}, "reason": "r"}]))
    assert [name for name in [*matched, *others] if one.matches(name)] == matched


def one(**changed) -> str:
    """A declaration in YAML's flow style, with some fields replaced, or left out where they are None."""
    fields = {"files": "GA/a.json", "set": "{last_updated_on: 2026-02-04}", "reason": "r"} | changed
    return "- {" + ", ".join(f"{k}: {v}" for k, v in fields.items() if v is not None) + "}"


@pytest.mark.parametrize(
    ("text", "place", "fact", "remedy"),
    [
        ("- {files: a\n  set: [\n", ":2", "cannot be read: expected ',' or '}'", "mend it; the note that"),
        ("files: a\n", "", "is no list of declarations", "begin each declaration with '- files: …'"),
        ("- GA\n", "", "the declaration number 1 is no mapping", "write files, set and reason"),
        ("- files: a\n  files: b\n", ":2", "cannot be read: the key files stands twice", "mend it"),
        (one(set="{last_updated_on: 2026-02-30}"), ":1", "cannot be read: 2026-02-30 is no date (day is out of range", "mend it"),
        (one(set="{last_updated_on: 2026-13}"), "", "the declaration number 1 (GA/a.json) sets last_updated_on to 2026-13, which", "write last"),
        (one(set="{last_updated_on: February}"), "", "the declaration number 1 (GA/a.json) sets last_updated_on to February,", "write last"),
        (one(set="{last_updated_on: 2026}"), "", "the declaration number 1 (GA/a.json) sets last_updated_on to 2026, which is no", "write last"),
        (one(reason=None), "", "the declaration number 1 (GA/a.json) has no reason", "add reason: …"),
        (one(set=None), "", "the declaration number 1 (GA/a.json) has no set", "add set: …"),
        (one(file="x"), "", "the declaration number 1 (GA/a.json) has the field file", "do you mean files?"),
        (one(set="[last_updated_on]"), "", "the declaration number 1 (GA/a.json) has a set that is no mapping", "write set:"),
        (one(set="{last_update_on: 2026-02-04}"), "", "the declaration number 1 (GA/a.json) has the key in its set, last_update_on",
         "do you mean last_updated_on?"),
        (one(set="{billing_class: dental}"), "", "the declaration number 1 (GA/a.json) sets billing_class to dental", "write one of: pro"),
        (one(set="{billing_class_where: {setting: null}}"), "", "the declaration number 1 (GA/a.json) has billing_class_where without",
         "add billing_class:"),
        (one(set="{billing_class: both, billing_class_where: {code: null}}"), "",
         "the declaration number 1 (GA/a.json) has the column in its billing_class_where, code", "use one of: additional_information,"),
        (one(set="{billing_class: both, billing_class_where: {service_code: [11]}}"), "",
         "the declaration number 1 (GA/a.json) has service_code: 11 as a number", 'write service_code: ["11"]'),
        (one(set="{billing_class: both, billing_class_where: {service_code: ['11', 'office']}}"), "",
         "the declaration number 1 (GA/a.json) has service_code: 'office', which is no place", 'write service_code: ["11"]'),
        (one(set="{billing_class: both, billing_class_where: {billing_code_modifiers: [2.6]}}"), "",
         "the declaration number 1 (GA/a.json) has billing_code_modifiers: [2.6], which is no", 'write billing_code_modifiers: ["26"]'),
        (one(set="{reporting_entity_name: '--'}"), "", "the declaration number 1 (GA/a.json) sets reporting_entity_name to '--'", "write the"),
        (one(files="[GA/a.json]"), "", "the declaration number 1 names its files by what is no text", "write files:"),
    ],
)  # fmt: skip
def test_what_is_no_declaration_is_refused(tmp_path, text, place, fact, remedy):
    with pytest.raises(errors.DeclarationError) as refused:
        read(tmp_path, text)
    assert refused.value.place == f"{tmp_path / 'x.yml'}{place}"
    assert refused.value.fact.startswith(fact)
    assert refused.value.remedy.startswith(remedy)


def declared(tmp_path: Path, *sets: str) -> list[declarations.Declaration]:
    return read(tmp_path, "\n".join(one(set=text) for text in sets))


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        ("{last_updated_on: 2026-02-04}", "{last_updated_on: 2026-03-04}", "last_updated_on"),
        ("{last_updated_on: 2026-02-04}", "{last_updated_on: 2026-02-04}", "last_updated_on"),
        ("{last_updated_on: 2026-02-04}", "{reporting_entity_name: A}", None),
        ("{billing_class: both}", "{billing_class: professional, billing_class_where: {setting: null}}", "billing_class"),
        ("{billing_class: both, billing_class_where: {setting: inpatient}}",
         "{billing_class: professional, billing_class_where: {setting: null}}", None),
        ("{billing_class: both, billing_class_where: {setting: inpatient}}",
         "{billing_class: professional, billing_class_where: {billing_class: institutional}}", "billing_class"),
    ],
)  # fmt: skip
def test_two_that_set_the_same_contradict_each_other(tmp_path, first, second, name):
    assert declarations.contradiction(*declared(tmp_path, first, second)) == name


def test_a_class_is_that_of_the_rates_that_it_names():
    """Of four terms: by class, by setting, by places, and by what another rule sets, which counts for nothing."""
    rows = [
        ("institutional", None, ()),
        ("institutional", "outpatient", ()),
        ("institutional", None, ("11",)),
        ("professional", None, ()),
    ]
    base = {"terms_ix": 0, "negotiated_type": "negotiated"}
    given = [base | {"billing_class": c, "setting": s, "pos_set_id": naming.pos_set_id(p)} for c, s, p in rows]
    terms = pa.RecordBatch.from_pylist(given, schema=tables.get("staged_terms").arrow_schema())

    def classes(*rules: ClassRule) -> tuple[list[str], int]:
        made, hits = declarations.with_classes(terms, rules)
        assert made.schema == terms.schema
        return [c[:4] for c in made.column("billing_class").to_pylist()], hits

    everything, institutional = ClassRule("both"), {"billing_class": "institutional"}
    assert classes(everything) == (["both"] * 4, 4)
    assert classes(ClassRule("both", institutional)) == (["both", "both", "both", "prof"], 3)
    assert classes(ClassRule("both", institutional | {"setting": None})) == (["both", "inst", "both", "prof"], 2)
    assert classes(ClassRule("both", institutional | {"setting": None, "service_code": ""}))[0] == [
        "both",
        *["inst"] * 2,
        "prof",
    ]
    assert classes(ClassRule("both", {"service_code": "11"})) == (["inst", "inst", "both", "prof"], 1)
    assert classes(ClassRule("both", {"setting": "inpatient"})) == (["inst", "inst", "inst", "prof"], 0)
    chain = ClassRule("professional", institutional), ClassRule("both", {"billing_class": "professional"})
    assert classes(*chain) == (["prof", "prof", "prof", "both"], 4)


@pytest.mark.parametrize(
    ("where", "staged"),
    [
        ("billing_code_modifiers: []", {"billing_code_modifiers": None}),
        ("billing_code_modifiers: ''", {"billing_code_modifiers": None}),
        ("billing_code_modifiers: [59, 26]", {"billing_code_modifiers": "26|59"}),
        ("billing_code_modifiers: tc|26", {"billing_code_modifiers": "26|TC"}),
        ("setting: ''", {"setting": None}),
        ("service_code: ['5']", {"pos_set_id": naming.pos_set_id(["05"])}),
        ("service_code: '5'", {"pos_set_id": naming.pos_set_id(["05"])}),
        ("service_code: ['22', '5', cstm-00]", {"pos_set_id": naming.pos_set_id(["05", "22", "CSTM-00"])}),
        ("service_code: []", {"pos_set_id": naming.pos_set_id([])}),
    ],
)
def test_a_value_is_what_the_reader_stages_of_it(tmp_path, where, staged):
    (made,) = declared(tmp_path, f"{{billing_class: both, billing_class_where: {{{where}}}}}")
    term = {"terms_ix": 0, "billing_class": "professional", "pos_set_id": naming.pos_set_id(["99"]), "setting": "x"}
    term |= {"negotiated_type": "negotiated", "billing_code_modifiers": "25"}
    terms = pa.RecordBatch.from_pylist([term, term | staged], schema=tables.get("staged_terms").arrow_schema())
    classes, _ = declarations.with_classes(terms, [made.billing_class])
    assert classes.column("billing_class").to_pylist() == ["professional", "both"]


@pytest.mark.parametrize("published", [{"last_updated_on": "2025-07-01"}, {"last_updated_on": "soon"}, {}])
def test_a_declared_header_counts_and_the_published_one_is_told(tmp_path, published):
    """Also of a file that is broken further on, whose month decides what is blocked."""
    header = {"last_updated_on": "2026-02-04", "reporting_entity_name": "Acme"}
    given = {name: published.get(name, None) for name in header}
    text = {"reporting_entity_name": None, "last_updated_on": None, **published}
    path = tmp_path / "a.json"
    path.write_text(json.dumps({**text, "in_network": []}))
    result, _ = in_network_documents.read(path, elsewhere=Elsewhere(declared=header))
    assert (result.year_month, result.last_updated_on, result.reporting_entity_name) == (
        "2026-02",
        "2026-02-04",
        "Acme",
    )
    assert result.published == given
    assert {warning.kind for warning in result.warnings} == {"no_rates"}
    path.write_text(json.dumps(text).removesuffix("}") + ', "in_network": [{')
    with pytest.raises(errors.SourceError) as broken:
        in_network_documents.read(path, elsewhere=Elsewhere(declared=header))
    assert (broken.value.header["year_month"], broken.value.header["published"]) == ("2026-02", given)


# ---- in a warehouse -------------------------------------------------------------------------------------------------


def put(root: Path, text: str, name: str = "x.yml") -> Path:
    """Put a file of declarations into a warehouse."""
    folder = root / "raw" / "declarations"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def without(path: Path, *keys: str) -> None:
    """Take keys out of a file's header."""
    text = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({k: v for k, v in text.items() if k not in keys}), encoding="utf-8")


def columns(root: Path, *names: str) -> dict[str, tuple]:
    """Columns of dim_source_file by file."""
    found = small_sources.rows(root, f"SELECT file, {', '.join(names)} FROM dim_source_file ORDER BY file")
    return {file: tuple(values) for file, *values in found}


def why(root: Path, name: str) -> str:
    small_sources.look(root)
    return status.why(name)


@pytest.mark.slow
def test_a_file_without_month_and_payer_becomes_readable(tmp_path):
    """A declaration touches its file alone; taken back, the published values are back, and the month is gone."""
    root = small_sources.two_months(tmp_path)
    nameless = small_sources.put(root, "GA/other.json", "-", "2025-08", 60.0)
    without(nameless, "last_updated_on", "reporting_entity_name")
    assert not kit.build(root, skip_broken=False).ok
    path = put(root, one(files="GA/o*.json", set="{last_updated_on: 2025-09-04, reporting_entity_name: Other Co}"))
    before = small_sources.tables(root)
    outcome = kit.build(root)
    assert outcome.ok, outcome.failures
    assert small_sources.rates(root) == {**small_sources.BOTH, "2025-09": (1, 60.0)}
    staged = {n.split("/")[2] for n in kit.rewritten(before, small_sources.tables(root)) if n.startswith("staged/mrf/")}
    assert staged == {kit.staged("GA/other.json").rpartition("/")[2]}
    names = (
        "last_updated_on",
        "payer_slug",
        "published_last_updated_on",
        "published_reporting_entity_name",
        "declared",
        "declared_in",
    )
    assert columns(root, *names) == {
        "GA/acme_07.json": ("2025-07-05", "acme_health", "2025-07-05", "Acme Health", None, None),
        "GA/acme_08.json": ("2025-08-05", "acme_health", "2025-08-05", "Acme Health", None, None),
        "GA/other.json": (
            "2025-09-04", "other_co", None, None, "last_updated_on=2025-09-04|reporting_entity_name=Other Co", "x.yml",
        ),
    }  # fmt: skip
    before = small_sources.tables(root)
    path.write_text(path.read_text().replace("reason: r", "reason: a better one"))
    assert kit.build(root).nothing_to_do
    path.write_text(one(files="GA/acme_08.json", set="{last_updated_on: 2025-10-01}"))
    assert why(root, small_sources.AUGUST).endswith("its input raw/declarations/x.yml is new")
    assert why(root, small_sources.JULY).endswith("is up to date")


@pytest.mark.slow
def test_another_month_by_declaration_is_no_second_file(tmp_path):
    """August's rates move to October and back; at no time do they stand in both."""
    root = small_sources.two_months(tmp_path)
    assert kit.build(root).ok
    original = kit.contents(root)
    path = put(root, one(files="GA/acme_08.json", set="{last_updated_on: 2025-10}"))
    outcome = kit.build(root)
    assert outcome.ok, (outcome.failures, outcome.incomplete)
    july, august = small_sources.BOTH.items()
    assert small_sources.rates(root) == dict([july, ("2025-10", august[1])])
    assert columns(root, "year_month", "published_last_updated_on")["GA/acme_08.json"] == ("2025-10", "2025-08-05")
    path.unlink()
    assert kit.build(root).ok
    assert small_sources.rates(root) == small_sources.BOTH
    assert kit.contents(root) == original


@pytest.mark.slow
def test_a_class_by_declaration(tmp_path):
    """Two rates that differ in their class alone are one once both have the same, and the accounts hold."""
    root = tmp_path
    path = small_sources.put(root, "GA/acme.json", "Acme Health", "2025-08", 85.5)
    text = json.loads(path.read_text(encoding="utf-8"))
    (price,) = text["in_network"][0]["negotiated_rates"][0]["negotiated_prices"]
    others = [
        price | {"billing_class": "institutional"},
        price | {"billing_class": "institutional", "service_code": []},
    ]
    text["in_network"][0]["negotiated_rates"][0]["negotiated_prices"] += others
    path.write_text(json.dumps(text), encoding="utf-8")
    assert kit.build(root).ok
    counts = "SELECT billing_class, count(*) FROM fact_rate GROUP BY 1 ORDER BY 1"
    assert small_sources.rows(root, counts) == [("institutional", 2), ("professional", 1)]
    where = "billing_class_where: {billing_class: institutional}"
    put(root, one(files="GA/*", set=f"{{billing_class: professional, {where}}}"))
    assert kit.build(root).ok
    assert small_sources.rows(root, counts) == [("professional", 2)]
    assert columns(root, "facts", "duplicates", "declared")["GA/acme.json"] == (
        2, 1, "billing_class=professional where billing_class: institutional",
    )  # fmt: skip
    put(root, one(files="GA/*", set="{billing_class: professional, billing_class_where: {setting: inpatient}}"))
    assert kit.build(root).ok
    assert small_sources.rows(root, counts) == [("institutional", 2), ("professional", 1)]
    warned = small_sources.rows(root, "SELECT kind, example FROM source_warning WHERE kind = 'declaration_idle'")
    assert warned == [("declaration_idle", "raw/declarations/x.yml: number 1")]


def test_what_is_wrong_with_declarations_is_said_before_a_build_starts(tmp_path):
    root = small_sources.two_months(tmp_path)
    session.use(root)
    settings.load(root)

    def refused() -> str:
        with pytest.raises(errors.DeclarationError) as found:
            build.build(None, workers=1, local_scheduler=True, started=lambda _: None)
        return str(found.value)

    first = put(root, one(files="GA/acme*", set="{last_updated_on: 2025-10-01}"))
    second = put(root, one(files="GA/acme_08.json", set="{last_updated_on: 2025-11-01}"), "y.yml")
    assert refused() == (
        f"{second}: the declaration number 1 (GA/acme_08.json) sets last_updated_on of raw/mrf/GA/acme_08.json to "
        "2025-11-01, and the declaration number 1 (GA/acme*) of raw/declarations/x.yml to 2025-10-01\n"
        "  keep one of them, or narrow files"
    )
    second.write_text(first.read_text())
    assert "to 2025-10-01, and the declaration number 1 (GA/acme*) of raw/declarations/x.yml to the same" in refused()
    second.write_text("- {files: [")
    assert refused().startswith(f"{second}:1: cannot be read: ")


@pytest.mark.slow
def test_a_declaration_of_no_file_fails_the_build_by_name(tmp_path):
    root = small_sources.two_months(tmp_path)
    assert kit.build(root).ok
    path = put(root, one(files="GA/acme_8.json"))
    outcome = kit.build(root)
    assert not outcome.ok
    assert [failure["error"] for failure in outcome.failures] == [
        f"{path}: the declaration number 1 (GA/acme_8.json) matches no file under raw/mrf\n"
        "  mend files: a path under raw/mrf, in which * stands for any characters but /; the nearest is GA/acme_08.json"
    ]
    assert small_sources.rates(root) == small_sources.BOTH


@pytest.mark.slow
def test_a_file_that_is_not_seen_keeps_its_rows_and_is_named(tmp_path):
    """Its rows cannot be read again with what is declared now; nothing is lost, and the build says so."""
    root = small_sources.two_months(tmp_path)
    assert kit.build(root).ok
    away = root / small_sources.AUGUST
    away.rename(tmp_path / "away.json")
    small_sources.archive(root, small_sources.AUGUST)
    put(root, one(files="GA/acme_08.json", set="{last_updated_on: 2025-10}"))
    outcome = kit.build(root)
    assert outcome.ok, outcome.failures
    assert outcome.undeclared == [small_sources.AUGUST]
    assert small_sources.rates(root) == small_sources.BOTH
    (tmp_path / "away.json").rename(away)
    outcome = kit.build(root)
    assert (outcome.ok, outcome.undeclared) == (True, [])
    assert set(small_sources.rates(root)) == {"2025-07", "2025-10"}
