"""The generated sample: the same bytes from the same seed, counts that an independent reader confirms, every oddity."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kit
from pipeline import sample
from pipeline.errors import RootError, UsageError
from pipeline.naming import npi_check_digit_ok
from pipeline.sample import containers, draws, oddities, people, plan

COMMITTED = kit.REPOSITORY / "data" / "raw"
BY_HAND = {"README.md", ".gitattributes"}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> sample.Summary:
    """The default sample."""
    return sample.write(tmp_path_factory.mktemp("sample"))


def tree(raw: Path) -> dict[str, str]:
    """Path under `raw` -> hash of every file that is generated."""
    files = (path for path in raw.rglob("*") if path.is_file() and path.name not in BY_HAND)
    return {path.relative_to(raw).as_posix(): hashlib.md5(path.read_bytes()).hexdigest() for path in files}


def text_of(path: Path) -> str:
    """The JSON text of an in-network file."""
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    if path.suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            (name,) = archive.namelist()
            data = archive.read(name)
    return data.decode("utf-8-sig")


def documents(raw: Path) -> dict[str, dict]:
    """File name -> document."""
    return {path.name: json.loads(text_of(path)) for path in sorted((raw / "mrf").glob("*/*"))}


def prices(doc: dict):
    """(item, rates object, price) of a document."""
    for item in doc["in_network"]:
        for rates in item["negotiated_rates"]:
            for price in rates["negotiated_prices"]:
                yield item, rates, price


def groups(doc: dict):
    """Every provider group of a document."""
    for reference in doc.get("provider_references", ()):
        yield from reference.get("provider_groups", ())
    for item in doc["in_network"]:
        for rates in item["negotiated_rates"]:
            yield from rates.get("provider_groups", ())


def npis(group: dict) -> list[str]:
    return [str(npi) for npi in group.get("npi", group.get("NPI"))]


def recounted(shared: Path, files: list[Path], scratch: Path) -> list[dict]:
    """What the independent reader, run as a program, counts in each file (it reads no zip: those are unpacked)."""
    plain = []
    for n, path in enumerate(files):
        plain.append(path)
        if path.suffix != ".gz":
            plain[-1] = scratch / f"{n}.json"
            plain[-1].write_text(text_of(path), encoding="utf-8")
    tool = [sys.executable, str(shared / "tools" / "recount_mrf.py"), *map(str, plain)]
    done = subprocess.run(tool, capture_output=True, check=True, encoding="utf-8")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_same_seed_same_bytes(made, tmp_path):
    again = sample.write(tmp_path / "again")
    assert tree(again.root) == tree(made.root)
    assert (again.facts, again.leaves, again.bytes) == (made.facts, made.leaves, made.bytes)
    other = sample.write(tmp_path / "other", seed=8)
    differ = {path for path, digest in tree(other.root).items() if digest != tree(made.root).get(path)}
    assert {path.split("/")[0] for path in differ} >= {"mrf", "nppes"}


def test_committed_sample_is_the_default_one(made):
    assert tree(COMMITTED) == tree(made.root), "write it again: pipeline.sample.write(Path('data'), overwrite=True)"


def test_size(made):
    sizes = [path.stat().st_size for path in made.root.rglob("*") if path.is_file()]
    assert sum(sizes) == made.bytes < 2_000_000
    assert sum(path.stat().st_size for path in COMMITTED.rglob("*") if path.is_file()) < 2_000_000


def test_what_it_must_hold(made):
    docs = documents(made.root)
    assert len({doc["reporting_entity_name"] for doc in docs.values()}) >= 3
    assert {path.name for path in (made.root / "mrf").iterdir()} == {"GA", "TX", "US"}
    assert {doc["last_updated_on"][:7] for doc in docs.values()} == {"2025-07", "2025-08"}
    assert {doc["version"][0] for doc in docs.values()} == {"1", "2"}
    assert {path.suffix for path in (made.root / "mrf").glob("*/*")} == {".json", ".gz", ".zip"}
    assert 3_500 < made.facts < 4_500
    assert 300 < made.leaves < 500


def test_counts_by_the_independent_reader(made, shared, tmp_path):
    counted = recounted(shared, [made.root / "mrf" / written.path for written in made.files], tmp_path)
    for written, count in zip(made.files, counted, strict=True):
        got = (count["year_month"], count["rates_read"], count["facts"])
        assert got == (written.month, written.rates, written.facts), written.path
    assert made.rates == sum(count["rates_read"] for count in counted)
    assert made.facts == sum(count["facts"] for count in counted) - oddities.BETWEEN_FILES
    assert sum(count["unresolved"] for count in counted) == 4
    assert sum(count["zero_rates"] for count in counted) == 3


def test_two_files_of_one_contract_have_the_same_facts(made, shared, tmp_path):
    first, second = (doc for name, doc in documents(made.root).items() if "select-" in name)
    assert first["plan_name"] != second["plan_name"]
    both = dict(first, provider_references=first["provider_references"] + second["provider_references"])
    both["in_network"] = first["in_network"] + second["in_network"]
    path = tmp_path / "both.json"
    path.write_text(json.dumps(both), encoding="utf-8")
    (count,) = recounted(shared, [path], tmp_path)
    assert (count["rates_read"], count["facts"]) == (8, oddities.BETWEEN_FILES)


def test_npis(made):
    used = {npi for doc in documents(made.root).values() for group in groups(doc) for npi in npis(group)} - {"0"}
    wrong = {npi for npi in used if not npi_check_digit_ok(npi)}
    assert len(wrong) == 2
    assert all(re.fullmatch(r"2\d{9}", npi) for npi in used), "no NPI that is issued begins with 2"
    with (made.root / "nppes" / "npidata_pfile_20050523-20250810.csv").open(encoding="utf-8", newline="") as file:
        monthly = list(csv.DictReader(file))
    assert all(len(row) == 330 for row in monthly)
    answered = json.loads((made.root / "nppes" / "npi_registry_api.json").read_text(encoding="utf-8"))["results"]
    known = {row["NPI"] for row in monthly} | {record["number"] for record in answered}
    assert len(known) == len(monthly) + len(answered) == made.registered
    assert 3 <= len(used - known) <= 20, "some are unknown to the registry"
    assert any(row["NPI"] in used and row["NPI Deactivation Date"] and not row["Entity Type Code"] for row in monthly)


ODDITIES = {
    "NPIs as text": lambda doc: any(isinstance(npi, str) for group in groups(doc) for npi in group.get("npi", ())),
    "NPI in capitals": lambda doc: any("NPI" in group for group in groups(doc)),
    "tax number alone": lambda doc: any(npis(group) == ["0"] for group in groups(doc)),
    "0 beside NPIs": lambda doc: any("0" in npis(group) and len(npis(group)) > 1 for group in groups(doc)),
    "no NPI": lambda doc: any(npis(group) == [] for group in groups(doc)),
    "tin type in capitals": lambda doc: any(group["tin"]["type"] == "EIN" for group in groups(doc)),
    "EIN without hyphen": lambda doc: any("-" not in group["tin"]["value"] for group in groups(doc)),
    "two tax numbers of one NPI": lambda doc: max(Counter(n for g in groups(doc) for n in npis(g)).values()) > 1,
    "references by URL": lambda doc: any("location" in ref for ref in doc.get("provider_references", ())),
    "fractions as group ids": lambda doc: any(
        isinstance(ref["provider_group_id"], float) for ref in doc.get("provider_references", ())
    ),
    "several networks": lambda doc: any(
        len(ref.get("network_name", ())) > 1 for ref in doc.get("provider_references", ())
    ),
    "no network": lambda doc: any(ref.get("network_name") == [] for ref in doc.get("provider_references", ())),
    "undefined reference": lambda doc: bool(
        {ref for _, rates, _ in prices(doc) for ref in rates.get("provider_references", ())}
        - {ref["provider_group_id"] for ref in doc.get("provider_references", ())}
    ),
    "date with time": lambda doc: "T" in doc["last_updated_on"],
    "blank plan name": lambda doc: not doc["plan_name"].strip(),
    "rates before the header": lambda doc: next(iter(doc)) == "in_network",
    "empty POS": lambda doc: any(price["service_code"] == [] for *_, price in prices(doc)),
    "null POS": lambda doc: any(price["service_code"] is None for *_, price in prices(doc)),
    "['n','u','l']": lambda doc: any(price["service_code"] == ["n", "u", "l"] for *_, price in prices(doc)),
    "CSTM-00": lambda doc: any(price["service_code"] == ["CSTM-00"] for *_, price in prices(doc)),
    "unassigned POS": lambda doc: any("28" in (price["service_code"] or ()) for *_, price in prices(doc)),
    "expiry 9999": lambda doc: any(price["expiration_date"] == "9999-12-31" for *_, price in prices(doc)),
    "expiry with time": lambda doc: any("T" in price["expiration_date"] for *_, price in prices(doc)),
    "expired before it was published": lambda doc: any(p["expiration_date"] < "2025" for *_, p in prices(doc)),
    "modifiers": lambda doc: any(price.get("billing_code_modifier") for *_, price in prices(doc)),
    "no modifier in the list": lambda doc: any(p.get("billing_code_modifier") == [] for *_, p in prices(doc)),
    "additional information": lambda doc: any("additional_information" in price for *_, price in prices(doc)),
    "both classes": lambda doc: any(price["billing_class"] == "both" for *_, price in prices(doc)),
    "both settings": lambda doc: any(price.get("setting") == "both" for *_, price in prices(doc)),
    "inpatient": lambda doc: any(price.get("setting") == "inpatient" for *_, price in prices(doc)),
    "a cent": lambda doc: any(price["negotiated_rate"] == 0.01 for *_, price in prices(doc)),
    "nothing": lambda doc: any(price["negotiated_rate"] == 0 for *_, price in prices(doc)),
    "ten times Medicare": lambda doc: any(price["negotiated_rate"] == 1405.5 for *_, price in prices(doc)),
    "bundle": lambda doc: any(item.get("bundled_codes") for item in doc["in_network"]),
    "capitation": lambda doc: any(item.get("covered_services") for item in doc["in_network"]),
    "null covered services": lambda doc: any(
        "covered_services" in i and not i["covered_services"] for i in doc["in_network"]
    ),
    "severity": lambda doc: any("severity_of_illness" in item for item in doc["in_network"]),
    "DRG without zero": lambda doc: any(item["billing_code"] == "39" for item in doc["in_network"]),
    "revenue code": lambda doc: any(item["billing_code_type"] == "RC" for item in doc["in_network"]),
    "CPT without zeros": lambda doc: any(item["billing_code"] == "142" for item in doc["in_network"]),
    "every negotiated type": lambda doc: (
        {"percentage", "per diem", "derived", "fee schedule", "negotiated"}
        <= {price["negotiated_type"] for *_, price in prices(doc)}
    ),
    "an item twice": lambda doc: max(Counter(item["billing_code"] for item in doc["in_network"]).values()) > 1,
}


@pytest.mark.parametrize("oddity", ODDITIES)
def test_oddity_is_in_the_sample(made, oddity):
    assert any(ODDITIES[oddity](doc) for doc in documents(made.root).values())


def test_oddities_of_text(made):
    files = {path.name: path for path in (made.root / "mrf").glob("*/*")}
    starts = {path.read_bytes()[:3] for path in files.values()}
    assert {b"\xef\xbb\xbf", b"\n\n{"} <= starts
    assert any(b"\r\n" in path.read_bytes()[:100] for path in files.values())
    texts = {name: text_of(path) for name, path in files.items()}
    assert any("M\u00e9dica" in text for text in texts.values())
    assert '"provider_group_id": 320.25980' in "".join(texts.values()), "the zero is part of the id"
    assert all(price["negotiated_rate"] >= 0 for doc in documents(made.root).values() for *_, price in prices(doc))


def test_reference_files_are_read(made):
    from pipeline.readers import codes, geo, pos, wcfs
    from pipeline.readers.medicare import read as medicare
    from pipeline.readers.nppes import read as nppes

    readers = {"medicare": medicare, "nppes": nppes, "geo": geo, "codes": codes, "pos": pos, "wcfs": wcfs}
    found = set()
    for folder, reader in readers.items():
        for path in sorted((made.root / folder).iterdir()):
            read = reader.read(path)
            for part in [read] if isinstance(read, dict) else read:
                for name, frame in part.items():
                    found.add(name)
                    assert frame.height > 0, path.name
    assert {"staged_opps", "staged_asc", "staged_asc_device", "staged_wage_index", "staged_geocode"} <= found
    assert {"staged_nppes_address", "staged_taxonomy", "staged_category_label", "staged_opps_cap"} <= found


def test_capped_prices_are_the_published_ones(made, real):
    def read(path: Path) -> dict[tuple, list[str]]:
        with path.open(encoding="latin-1", newline="") as file:
            return {tuple(row[:5]): row[5:] for row in csv.reader(file)}

    ours, published = read(made.root / "medicare" / "OPPSCAP_Jul.csv"), read(real / "medicare" / "OPPSCAP_Oct.csv")
    assert len(ours) > 40
    assert {key: published.get(key) for key in ours} == ours


def leaves_counted(raw: Path) -> int:
    """Leaves of the regular files, counted from what was written: registry, categories and rates."""
    profile = {}
    with (raw / "nppes" / "npidata_pfile_20050523-20250810.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            numbered = (n for n in range(1, 16) if row[f"Healthcare Provider Primary Taxonomy Switch_{n}"] == "Y")
            for n in numbered:
                code = row["Provider Business Practice Location Address Postal Code"][:5]
                profile[row["NPI"]] = (row[f"Healthcare Provider Taxonomy Code_{n}"], code)
    for record in json.loads((raw / "nppes" / "npi_registry_api.json").read_text(encoding="utf-8"))["results"]:
        (location,) = (a for a in record["addresses"] if a["address_purpose"] == "LOCATION")
        profile[record["number"]] = (record["taxonomies"][0]["code"], location.get("postal_code", "")[:5])
    with (raw / "codes" / "rbcs_2024.csv").open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["rbcs_date_effective"])
    category = {row["hcpcs_code"]: (row["rbcs_category"], row["rbcs_subcategory"]) for row in rows}
    found = set()
    for path in (raw / "mrf").glob("*/*"):
        doc = json.loads(text_of(path))
        members = {ref["provider_group_id"]: ref["provider_groups"] for ref in doc.get("provider_references", ())}
        for item, rates, price in prices(doc):
            lists = [members[ref] for ref in rates.get("provider_references", ())]
            for listed in lists or [rates["provider_groups"]]:
                known = Counter(profile[npi] for npi in {n for g in listed for n in npis(g)} if npi in profile)
                key = (
                    path.parent.name,
                    doc["reporting_entity_name"],
                    doc["last_updated_on"][:7],
                    price["billing_class"],
                )
                found.add((*key, category[item["billing_code"]], known.most_common(1)[0][0]))
    return len(found)


@pytest.mark.parametrize(("facts", "leaves"), [(4_000, 400), (30_000, 2_000)])
def test_leaves_are_as_planned(tmp_path, facts, leaves):
    made = sample.write(tmp_path, facts=facts, leaves=leaves, oddities_too=False)
    assert leaves_counted(made.root) == made.leaves
    assert abs(made.leaves - leaves) < 0.06 * leaves
    assert abs(made.facts - facts) < 40


@pytest.mark.parametrize(
    ("facts", "leaves", "months"),
    [
        (200_000, 9_000, 2),
        (3_000_000, 138_000, 1),
        (13_400_000, 100_000, 1),
        (2_880_000, 240_000, 12),
        (10**8, 10**5, 2),
    ],
)
def test_plan_meets_what_is_asked(facts, leaves, months):
    made = plan.make(7, facts, leaves, plan.months_from("2025-07", months))
    assert abs(made.facts - facts) < 200
    assert abs(made.leaves - leaves) < 0.02 * leaves
    for market in made.markets:
        for part in market.lists:
            reached = {part.pool.profile(part.first + n) for n in range(min(part.practices, 50_000))}
            assert len(reached) == part.profiles == part.pool.profiles
            assert part.first + part.practices + bool(part.partly) <= part.pool.count
            assert (part.pool.count * people.POOLS + 7) * people.MOST_MEMBERS < oddities._FIRST_NPI


def test_profiles_are_pairs_of_place_and_taxonomy():
    for states in (("GA",), ("TX",), ()):
        for taxonomies in (people.PROFESSIONS, people.FACILITIES):
            pool = people.Pool(7, 0, people.places_of(states), taxonomies, 1, 1, 1, 1.0)
            pairs = {(place.state, place.cbsa, code) for place, code in map(pool.at, range(pool.most_profiles))}
            assert len(pairs) == len(pool.places) * len(taxonomies)


def test_months_are_alike(tmp_path):
    """A sample of fewer months is the beginning of one of more."""
    one = sample.write(tmp_path / "1", facts=2_000, leaves=200, months=1, oddities_too=False)
    three = sample.write(tmp_path / "3", facts=6_000, leaves=600, months=3, oddities_too=False)
    first, all_of_them = tree(one.root), tree(three.root)
    assert len([path for path in all_of_them if path.startswith("mrf/")]) == 15
    assert {path: all_of_them[path] for path in first} == first
    docs = documents(three.root)
    changed = [
        [price["negotiated_rate"] for *_, price in prices(docs[f"2025-{month}_tupelo-vine_tx_in-network-rates.json"])]
        for month in ("07", "08", "09")
    ]
    assert changed[0] != changed[1] != changed[2]
    assert len({len(rates) for rates in changed}) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="peak memory is measured with the resource module")
def test_middle_size_streams(tmp_path):
    program = (
        "import resource, sys; from pathlib import Path; from pipeline import sample\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "made = sample.write(Path(sys.argv[1]), facts=200_000, leaves=9_000)\n"
        "after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print(made.facts, made.rates, made.leaves, (after - before) // (1 << 20 if sys.platform == 'darwin' else 1 << 10))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        check=True,
        text=True,
        cwd=kit.REPOSITORY,
    )
    facts, rates, leaves, megabytes = map(int, done.stdout.split())
    assert abs(facts - 200_000) < 100 <= rates
    assert abs(leaves - 9_000) < 300
    assert megabytes < 60
    for path in (tmp_path / "raw" / "mrf" / "TX").glob("*_tupelo-vine_*.gz"):
        owners = (rates_object["provider_references"] for _, rates_object, _ in prices(json.loads(text_of(path))))
        assert abs(sum(map(len, owners)) - 20_000) < 100


def test_progress_reaches_the_plan(tmp_path):
    calls = []
    made = sample.write(tmp_path, progress=lambda path, facts, planned: calls.append((path, facts, planned)))
    assert calls[-1][1] >= calls[-1][2] == made.facts
    assert [facts for _, facts, _ in calls] == sorted(facts for _, facts, _ in calls)


def test_refusals(tmp_path, made):
    with pytest.raises(RootError, match="holds raw files already"):
        sample.write(made.root.parent)
    for sizes in ({"facts": 3}, {"facts": 10**10}, {"months": 0}, {"markets": 11}, {"first_month": "July"}):
        with pytest.raises(UsageError):
            sample.write(tmp_path, **sizes)
    assert not any(tmp_path.iterdir())
    assert sample.write(made.root.parent, overwrite=True).bytes == made.bytes


def test_made_up_codes_are_priced(tmp_path):
    made = sample.write(tmp_path, facts=20_000, leaves=200, months=1, markets=1, services=400)
    listed = {item["billing_code"] for doc in documents(made.root).values() for item in doc["in_network"]}
    invented = {code for code in listed if re.fullmatch(r"X\d{4}", code)}
    assert invented
    for name in ("medicare/PPRRVU2025_Jul.csv", "medicare/July 2025 Addendum B.csv", "codes/rbcs_2024.csv"):
        assert re.search(r"^X\d{4},", (made.root / name).read_text(encoding="utf-8"), re.MULTILINE), name


@given(st.one_of(st.binary(max_size=3_000), st.text("ab{}[]", max_size=5_000).map(str.encode)), st.integers(1, 40))
def test_containers_are_undone_by_libraries(data, times):
    data *= times
    assert gzip.decompress(containers.gz(data)) == data
    with zipfile.ZipFile(io.BytesIO(containers.archive({"a.json": data, "é": b""}))) as archive:
        assert archive.testzip() is None
        assert archive.read("a.json") == data


def test_workbook_opens():
    import openpyxl

    book = openpyxl.load_workbook(
        io.BytesIO(containers.workbook({"S & T": [["ZIP", "<R>"], ["00501", 0.25]], "Q": []}))
    )
    assert [[cell.value for cell in row] for row in book["S & T"]] == [["ZIP", "<R>"], ["00501", 0.25]]
    assert book.sheetnames == ["S & T", "Q"]


def test_output_appears_whole(tmp_path):
    def broken() -> None:
        with containers.Output(tmp_path / "a.json") as out:
            out.write("{")
            raise EOFError

    with pytest.raises(EOFError):
        broken()
    assert list(tmp_path.iterdir()) == []
    with containers.Output(tmp_path / "b.json.gz", streaming=True) as out:
        for _ in range(40):
            out.write("x" * 100_000)
    assert gzip.decompress((tmp_path / "b.json.gz").read_bytes()) == b"x" * 4_000_000


@given(st.integers(0, 10**8 - 1))
def test_numbers_that_identify(index):
    assert npi_check_digit_ok(draws.npi(index))
    assert not npi_check_digit_ok(draws.wrong_npi(index))
    assert re.fullmatch(r"\d{9}", draws.ein(index // 2))
