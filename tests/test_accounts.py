"""The accounts: of generated files with every oddity both sums hold, in counts and cents, for file, month and warehouse."""

from __future__ import annotations

import json
import random
from collections import Counter
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest

import campaign
import kit
import plain_accounts
from generate_mrf import Writer
from in_network_documents import Keep
from pipeline import accounts, errors, session, settings
from pipeline.cli import summary
from pipeline.compiled import exact_sums
from pipeline.decimals import text
from pipeline.operations import status as inspection
from pipeline.operations import verify
from pipeline.readers.in_network import read as in_network
from pipeline.stages import dims
from spoilt_mrf import spoilt_document, spoilt_file

SUMS = "fact_sum duplicate_sum rounded_sum".split()
TERMS = "prices_read priced prices_rejected without_provider rates_read kept rejected".split()
MONTHS = ("2025-06", "2025-07")
FILES = 36


def agree(found: dict, expected: plain_accounts.Accounts) -> None:
    """A file's terms are those of the plain count."""
    assert {name: found[name] for name in TERMS} == {name: getattr(expected, name) for name in TERMS}
    assert Fraction(found["rate_sum"]) == expected.rate_sum


# One file.

GROUP = {"tin": {"type": "ein", "value": "123456789"}, "npi": [1234567893]}
PRICE = {"negotiated_type": "negotiated", "negotiated_rate": 10, "billing_class": "professional"}
BAD_PRICE = {**PRICE, "negotiated_rate": "n/a"}
ITEM = {"billing_code_type": "CPT", "billing_code": "99213", "negotiation_arrangement": "ffs"}
# What: the item, prices (read, priced, rejected, without provider), rates (read, kept, rejected). By eye.
BY_EYE = {
    "no group is named": ([{"negotiated_prices": [PRICE] * 4}], (4, 0, 0, 4), (0, 0, 0)),
    "an empty in-line list names none": (
        [{"provider_groups": [], "negotiated_prices": [PRICE]}], (1, 0, 0, 1), (0, 0, 0),
    ),
    "empty references name none": (
        [{"provider_references": [], "provider_groups": None, "negotiated_prices": [PRICE]}], (1, 0, 0, 1), (0, 0, 0),
    ),
    "a price that cannot be read is rejected, and not without provider": (
        [{"negotiated_prices": [PRICE, BAD_PRICE]}], (2, 0, 1, 1), (0, 0, 0),
    ),
    "a group that the file does not define is a group": (
        [{"provider_references": [5], "negotiated_prices": [PRICE]}], (1, 1, 0, 0), (1, 1, 0),
    ),
    "one of two groups cannot be read: priced, and one of two rates rejected": (
        [{"provider_references": [5], "provider_groups": [None], "negotiated_prices": [PRICE]}], (1, 1, 0, 0), (2, 1, 1),
    ),
    "the only group cannot be read": (
        [{"provider_groups": [None], "negotiated_prices": [PRICE, BAD_PRICE]}], (2, 0, 2, 0), (2, 0, 2),
    ),
    "two groups, none of which can be read": (
        [{"provider_references": [{}], "provider_groups": [None], "negotiated_prices": [PRICE]}], (1, 0, 1, 0), (2, 0, 2),
    ),
    "a rate object that is none counts one": ([7, None], (2, 0, 2, 0), (2, 0, 2)),
    "prices that are no list count one": (
        [{"provider_groups": [GROUP], "negotiated_prices": {"a": PRICE}}], (1, 0, 1, 0), (1, 0, 1),
    ),
    "a rate object without prices has none": (
        [{"provider_groups": [GROUP], "negotiated_prices": []}, {"provider_groups": [GROUP]}], (0, 0, 0, 0), (0, 0, 0),
    ),
    "prices of an older draft are prices": (
        [{"provider_groups": [GROUP], "negotiated_price": [PRICE, BAD_PRICE]}, {"negotiated_price": [PRICE]}],
        (3, 1, 1, 1), (2, 1, 1),
    ),
    "an item that cannot be read: its prices and rates are counted": (
        {**ITEM, "billing_code": [], "negotiated_rates": [
            {"provider_groups": [GROUP], "provider_references": [5], "negotiated_prices": [PRICE, BAD_PRICE]},
            {"negotiated_prices": [PRICE]}, 7]},
        (4, 0, 4, 0), (5, 0, 5),
    ),
    "an item that cannot be read, without rates, counts one": ({**ITEM, "billing_code": []}, (1, 0, 1, 0), (1, 0, 1)),
    "an item that is none counts one": ("item", (1, 0, 1, 0), (1, 0, 1)),
    "rate objects that are no list count one": ({**ITEM, "negotiated_rates": "none"}, (1, 0, 1, 0), (1, 0, 1)),
}  # fmt: skip


@pytest.mark.parametrize("what", BY_EYE)
def test_what_becomes_of_prices_and_rates(what, tmp_path):
    item, prices, rates = BY_EYE[what]
    item = {**ITEM, "negotiated_rates": item} if isinstance(item, list) else item
    whole = {**ITEM, "negotiated_rates": [{"provider_groups": [GROUP], "negotiated_prices": [PRICE]}]}
    path = tmp_path / "file.json"
    path.write_text(json.dumps({"last_updated_on": "2025-06-01", "in_network": [whole, item]}))
    for chunk in (1 << 20, 10):
        found = read(path, chunk)
        assert tuple(found[n] - (n in ("prices_read", "priced")) for n in TERMS[:4]) == prices
        assert tuple(found[n] - (n != "rejected") for n in TERMS[4:]) == rates
        agree(found, plain_accounts.of_file(path.read_bytes()))


def read(path: Path, chunk_bytes: int) -> dict:
    """What reading a file counts, and what is counted over its staged rows."""
    sink = Keep()
    result = in_network.read(path, batch_id="b", sink=sink, chunk_bytes=chunk_bytes, max_rejected_share=1)
    counts = sink.counts(sink.database())
    assert len(sink.rows("price")) == result.priced + result.without_provider
    assert counts["rates"] == result.kept
    return vars(result) | counts


def check_files(folder: Path, seeds: range) -> Counter:
    seen: Counter = Counter()
    for seed in seeds:
        path = folder / f"{seed}.json"
        path.write_bytes(spoilt_file(seed))
        expected = plain_accounts.of_file(path.read_bytes())
        for chunk in (1 << 20, 100):
            found = read(path, chunk)
            agree(found, expected)
            assert found["prices_read"] == found["priced"] + found["prices_rejected"] + found["without_provider"]
            assert found["rates_read"] == found["facts"] + found["duplicates"] + found["rejected"]
            assert Fraction(found["rate_sum"]) == sum(Fraction(found[name]) for name in SUMS)
        seen.update({name for name in (*TERMS, "duplicates", *SUMS) if found[name] not in (0, "0.00")})
    return seen


def test_both_sums_hold_for_a_file(tmp_path):
    seen = check_files(tmp_path, range(60))
    assert min(seen[name] for name in (*TERMS, "duplicates", *SUMS)) >= 10, seen


@pytest.mark.slow
def test_both_sums_hold_for_many_files(tmp_path):
    """Five hundred with RATEHOUSE_CAMPAIGN."""
    check_files(tmp_path, range(60, 600 if campaign.ALL else 200))


# Exact sums.


def test_sums_are_exact():
    rng = random.Random(1)
    amounts = [round(rng.uniform(-1e5, 1e5), rng.choice([0, 2, 4, 7, 9])) for _ in range(500)]
    amounts += [99_999_999_999.99, -99_999_999_999.99, 1e308, -0.0, 5e-324, 123_456_789.1234, 999_999.999999999]
    times = [rng.choice([0, 1, 3, 10**9]) for _ in amounts]
    import numpy as np

    found = exact_sums.ExactSum()
    found.add(np.array(amounts), np.array(times))
    expected = sum((Fraction(repr(a)) * t for a, t in zip(amounts, times, strict=True) if a != 5e-324), Fraction(0))
    assert Fraction(found.total) == expected


@pytest.mark.parametrize(
    ("amount", "shown"), [("0", "0.00"), ("12", "12.00"), ("-1.5", "-1.50"), ("1.23000", "1.23"), ("1.2345", "1.2345"), ("1e9", "1000000000.00"), ("1E+308", "1E+308"), ("1E-300", "1E-300")]
)  # fmt: skip
def test_a_sum_as_text(amount, shown):
    from decimal import Decimal

    assert text(Decimal(amount)) == shown


# A sum that does not hold.


def test_a_term_that_is_wrong_is_named():
    good = {"prices_read": 5, "priced": 1, "prices_rejected": 0, "without_provider": 4}
    good |= {"rates_read": 3, "facts": 1, "duplicates": 1, "rejected": 1}
    good |= {"rate_sum": "1.125", "fact_sum": "0.50", "duplicate_sum": "0.625", "rounded_sum": "0.00"}
    assert accounts.imbalances(accounts.OF_FILE, good) == []
    for term in good:
        wrong = good | {term: good[term] + 1 if isinstance(good[term], int) else f"{float(good[term]) + 1}"}
        (said,) = accounts.imbalances(accounts.OF_FILE, wrong)
        assert f"{term} {wrong[term]}" in said
        assert accounts.imbalances(accounts.OF_FILE, good | {term: None}) == []
    with pytest.raises(
        errors.AccountsError, match=r"GA/a\.json: the accounts do not add up: prices_read 6 is not priced 1"
    ):
        accounts.check(accounts.OF_FILE, good | {"prices_read": 6}, "GA/a.json")


# Files, months and the warehouse.


def put_files(root: Path) -> None:
    """Files of two months and states, some of which publish again what another one does."""
    folder = root / "raw" / "mrf"
    rng = random.Random(22)
    for state in ("GA", "TX"):
        (folder / state).mkdir(parents=True)
    for number in range(FILES):
        if number % 4:  # else what the file before it says
            doc, state = spoilt_document(rng), rng.choice(["GA", "TX"])
            for item in doc["in_network"]:
                _complete_contained_codes(item)
            doc = doc | {"last_updated_on": f"{MONTHS[number // 4 % 2]}-01", "reporting_entity_name": "Payer"}
        elif not number:
            continue
        (folder / state / f"{number:02d}.json").write_text(Writer(rng).text(doc), encoding="utf-8")
    (root / "luigi.cfg").write_text(
        "[ingest]\nmax_rejected_share = 1\n[partitioning]\nkeys = payer_slug\n",
        encoding="utf-8",
    )


def _complete_contained_codes(item: dict) -> None:
    """xref_contained_code is not published with a code that lacks its type."""
    for role in ("bundled_codes", "covered_services"):
        for one in item.get(role) or () if isinstance(item, dict) and isinstance(item.get(role), list) else ():
            one["billing_code_type"] = one.get("billing_code_type") or "CPT"
            one["billing_code"] = one.get("billing_code") or "27447"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse of such files. Leaves with a negative rate are withheld, which is no matter here."""
    root = tmp_path_factory.mktemp("accounts") / "warehouse"
    put_files(root)
    outcome = kit.build(root)
    assert [e["error"] for e in outcome.failures] == []
    return root


def rows(root: Path, query: str) -> list[dict]:
    """The rows of a query over the catalog."""
    with duckdb.connect(str(root / "warehouse.duckdb"), read_only=True) as con:
        found = con.sql(query)
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def looked_at(root: Path):
    """`operations.status`, of a warehouse."""
    session.use(root)
    settings.load(root)
    inspection.begin()
    return inspection


def exact(found: list[dict], times: str) -> Fraction:
    """The sum of negotiated_rate, each so many times, as the doubles' shortest texts say it."""
    return sum((Fraction(repr(row["negotiated_rate"])) * row[times] for row in found), Fraction(0))


def near(found: str, expected: Fraction, count: int) -> bool:
    """Whether a sum is what it should be, but for what is beyond the decimals that sums have."""
    return abs(Fraction(found) - expected) <= Fraction(1, 10_000) * count


@pytest.mark.slow
def test_both_sums_hold_for_each_file_of_a_warehouse(built):
    """Against a plain count of its bytes, and the facts that the month says are of it."""
    sources = {row["file"]: row for row in looked_at(built).sources()}
    listed = {row["file"]: row for row in rows(built, "FROM dim_source_file")}
    assert len(sources) == FILES - 1
    published = rows(
        built,
        """SELECT batch_id, negotiated_rate, s.read_count, 1 AS once, s.read_count - 1 AS more
        FROM xref_fact_source AS s JOIN fact_rate AS f USING (fact_uid) JOIN dim_source_file AS d ON d.batch_id = s.batch_id
        """.replace("SELECT batch_id", "SELECT s.batch_id"),
    )
    for file, row in sources.items():
        expected = plain_accounts.of_file((built / "raw" / "mrf" / file).read_bytes())
        agree(row | {"kept": row["facts"] + row["duplicates"]}, expected)
        assert row["prices_read"] == row["priced"] + row["prices_rejected"] + row["without_provider"]
        assert row["rates_read"] == row["facts"] + row["duplicates"] + row["rejected"]
        assert Fraction(row["rate_sum"]) == sum(Fraction(row[name]) for name in SUMS)
        said = row.keys() - {"presence", "read_by", "read_as_now"}  # not of what was read
        assert {name: listed[file][name] for name in said} == {name: row[name] for name in said}
        of_file = [one for one in published if one["batch_id"] == listed[file]["batch_id"]]
        assert (len(of_file), sum(one["more"] for one in of_file)) == (row["facts"], row["duplicates"])
        assert near(row["fact_sum"], exact(of_file, "once"), len(of_file))
        assert near(row["duplicate_sum"], exact(of_file, "more"), expected.kept)
    for name in ("prices_rejected", "without_provider", "duplicates", "rejected", "unresolved", "zero_rates"):
        assert sum(row[name] for row in sources.values()) > 20, name


def hold_for_months(root: Path) -> list[dict]:
    """The accounts of months, in which both sums hold, which are those of their files and facts; and so are their totals."""
    months = rows(root, "FROM month_accounts ORDER BY year_month")
    files = [row for row in rows(root, "FROM dim_source_file") if row["status"] == "whole"]
    facts = rows(
        root, "SELECT year_month, negotiated_rate, source_count, 1 AS once, source_count - 1 AS more FROM fact_rate"
    )
    assert tuple(one["year_month"] for one in months) == MONTHS
    total: Counter = Counter()
    for one in months:
        of_month = [row for row in files if row["year_month"] == one["year_month"]]
        made = [row for row in facts if row["year_month"] == one["year_month"]]
        for name in "prices_read priced prices_rejected without_provider rates_read rejected".split():
            assert one[name] == sum(row[name] for row in of_month), name
        for name in ("rate_sum", "rounded_sum"):
            assert Fraction(one[name]) == sum(Fraction(row[name]) for row in of_month), name
        assert one["files"] == len(of_month) > 10
        assert one["rate_facts"] == one["facts"] == len(made)
        assert one["duplicates"] == sum(row["more"] for row in made)
        assert near(one["fact_sum"], exact(made, "once"), len(made))
        assert near(one["duplicate_sum"], exact(made, "more"), one["duplicates"])
        total.update({name: Fraction(v) for name, v in one.items() if name != "year_month"})
    for one in [*months, total]:
        assert one["prices_read"] == one["priced"] + one["prices_rejected"] + one["without_provider"]
        assert one["rates_read"] == one["rate_facts"] + one["duplicates"] + one["rejected"] + one["corrected_away"]
        sums = [Fraction(one[name]) for name in (*SUMS, "corrected_sum", "amended_sum")]
        assert Fraction(one["rate_sum"]) == sum(sums)
    status = {row["month"]: row["accounts"] for row in looked_at(root).status() if row["table"] == "fact_rate"}
    for one in months:
        assert status[one["year_month"]].items() <= one.items()
    return months


@pytest.mark.slow
def test_both_sums_hold_for_months_and_the_warehouse(built):
    for one in hold_for_months(built):
        (within,) = rows(
            built, f"SELECT sum(duplicates) AS n FROM dim_source_file WHERE year_month = '{one['year_month']}'"
        )
        assert one["duplicates"] > within["n"], "some collapse between files"
        assert (one["corrected_away"], one["corrected_sum"], one["amended_sum"]) == (0, "0.00", "0.00")
    assert list(verify.verify(deep=True)) == []


@pytest.mark.slow
def test_both_sums_hold_with_corrections(built, tmp_path):
    """What is dropped and what is amended are terms of their own, told by the facts as they were without corrections."""
    root = kit.copy(built, tmp_path / "warehouse")
    former = rows(root, f"FROM fact_rate WHERE year_month = '{MONTHS[0]}' ORDER BY fact_uid")
    by_code = Counter(row["code"] for row in former)
    dropped = next(code for code, _ in by_code.most_common() if code)
    kept = [row for row in former if row["code"] != dropped and abs(row["negotiated_rate"]) < 1e5]
    one, other = kept[0], next(row for row in kept[1:] if row["negotiated_rate"] != kept[0]["negotiated_rate"])
    corrections = [
        {"id": "drop", "months": [MONTHS[0]], "match": {"code": dropped}, "action": "drop", "reason": "r"},
        {"id": "drop again", "months": [MONTHS[0]], "match": {"code": dropped, "state": "GA"}, "action": "drop", "reason": "r"},
        {"id": "amend", "months": [MONTHS[0]], "match": {"fact_uid": one["fact_uid"]}, "action": "amend",
         "set": {"negotiated_rate": one["negotiated_rate"] + 1.5}, "reason": "r"},
        {"id": "amend what is dropped", "months": [MONTHS[0]], "match": {"code": dropped}, "action": "amend",
         "set": {"negotiated_rate": 1.0}, "reason": "r"},
        {"id": "one of all", "months": [MONTHS[0]], "match": {"negotiated_rate": other["negotiated_rate"]}, "action": "amend",
         "set": {"setting": "both", "additional_information": None}, "reason": "r"},
    ]  # fmt: skip
    (root / "raw" / "corrections").mkdir()
    (root / "raw" / "corrections" / "x.yml").write_text(json.dumps(corrections), encoding="utf-8")
    before = hold_for_months(built)
    outcome = kit.build(root)
    assert outcome.failures == []
    corrected, untouched = hold_for_months(root)
    assert untouched == before[1]
    gone = [row for row in former if row["code"] == dropped]
    assert corrected["corrected_away"] == sum(row["source_count"] for row in gone) > 0
    assert near(corrected["corrected_sum"], exact(gone, "source_count"), len(gone))
    assert Fraction(corrected["amended_sum"]) == Fraction("-1.5") * one["source_count"]
    assert corrected["duplicates"] != before[0]["duplicates"]
    assert list(verify.verify(deep=True)) == []


# The case of 5 prices, 4 of which name no provider.


@pytest.mark.slow
def test_prices_without_provider_are_seen(tmp_path, capsys):
    """In sources, the accounts, a gate's warning, source_warning and the last lines of a build."""
    root = tmp_path / "warehouse"
    folder = root / "raw" / "mrf" / "GA"
    folder.mkdir(parents=True)
    objects = [
        {"negotiated_prices": [PRICE, {**PRICE, "negotiated_rate": 20}]},
        {"provider_groups": [], "negotiated_prices": [PRICE]},
        {"provider_groups": [GROUP], "negotiated_prices": [{**PRICE, "negotiated_rate": "104.0"}]},
        {"provider_references": None, "negotiated_prices": [PRICE]},
    ]
    doc = {"reporting_entity_name": "Payer", "last_updated_on": "2025-08-01", "version": "1.0.0"}
    doc["in_network"] = [{**ITEM, "name": "n", "description": "d", "negotiated_rates": objects}]
    (folder / "input.json").write_text(json.dumps(doc))
    outcome = kit.build(root)
    assert outcome.ok
    terms = {"prices_read": 5, "priced": 1, "prices_rejected": 0, "without_provider": 4}
    terms |= {"rates_read": 1, "duplicates": 0, "rejected": 0, "rate_sum": "104.0", "fact_sum": "104.00"}
    (source,) = looked_at(root).sources()
    assert source.items() >= (terms | {"facts": 1}).items()
    (listed,) = rows(root, "FROM dim_source_file")
    assert listed.items() >= (terms | {"facts": 1}).items()
    (month,) = rows(root, "FROM month_accounts")
    assert month.items() >= (terms | {"rate_facts": 1, "rate_sum": "104.00"}).items()
    kind, place = "rate_object_without_provider", "in_network[0].negotiated_rates[0]"
    (warned,) = rows(root, "FROM source_warning")
    assert (warned["file"], warned["kind"], warned["count"], warned["example"]) == ("GA/input.json", kind, 3, place)
    (told,) = outcome.source_warnings
    assert (told.kind, told.files, told.count, told.example) == (kind, 1, 3, f"raw/mrf/GA/input.json {place}")

    failed = dims.DimSourceFile().stamp().gates["dim_source_file"]["failures"]
    assert [(f["severity"], f["description"]) for f in failed] == [("warning", "Every price names a provider group.")]
    index = (root / "docs" / "index.html").read_text(encoding="utf-8")
    assert "Every price names a provider group." in index
    (page,) = (root / "docs" / "checks").glob("source_warning*.html")
    assert kind in page.read_text(encoding="utf-8")
    capsys.readouterr()
    summary.show(outcome)
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80 or str(root) in printed
    plain = " ".join(printed.split())
    assert "2025-08 5 1 0 4" in plain
    assert f"{kind}: A rate object names no provider group" in plain
    for words, piece in (
        (["sources"], "  5 prices = 1 priced + 0 rejected + 4 without provider\n  1 rate = 1 fact + 0 duplicates"),
        (["sources", "--warnings"], f"GA/input.json\n  3 {kind}: first {place}\n"),
        (["status"], "2025-08       5       1       0          4"),
    ):
        said = kit.ratehouse(root, *words, env={"COLUMNS": "80"})
        assert (said.returncode, said.stderr) == (0, ""), words
        assert piece in said.stdout, words
        assert max(map(len, said.stdout.splitlines())) <= 80, words
    (row,) = kit.json_lines(kit.ratehouse(root, "sources", "--warnings", "--json").stdout)
    assert row == {name: warned[name] for name in ("file", "year_month", "kind", "count", "example", "meaning")}
