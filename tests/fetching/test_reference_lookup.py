"""References that an in-network file defines by web address: found beside it, missing, broken, arriving late."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

import kit
from pipeline import errors, session
from pipeline.cli import summary
from pipeline.fetching import addresses
from pipeline.operations import status
from pipeline.readers import provider_references
from pipeline.sources import listing
from pipeline.stages import ingest
from web_references import BY_ADDRESS, BY_ID, GROUPS, INLINE, A, B, in_network, put, sources

LISTED = in_network(
    rates=BY_ID,
    defined=[{"provider_group_id": "1.50", "provider_groups": GROUPS[A]}, {"provider_group_id": "2", "provider_groups": GROUPS[B]}],
)  # fmt: skip
SECOND = in_network(
    rates=BY_ID,
    version="2.0.0",
    defined=[
        {"provider_group_id": "1.50", "network_name": [], "provider_groups": GROUPS[A]},
        {"provider_group_id": "2", "network_name": [], "provider_groups": GROUPS[B]},
    ],
)


def warehouse(folder: Path, **files: dict) -> Path:
    for name, content in files.items():
        put(folder / "raw" / "mrf" / "GA" / f"{name}.json", content)
    return folder


def facts(root: Path) -> dict[str, tuple[int, str]]:
    """fact_uid -> how many times it was published, and its members."""
    with duckdb.connect() as con:
        rows = con.sql(f"SELECT * FROM '{root}/gold/fact_rate_2025-08.parquet'").select(
            "fact_uid, source_count, pg_members_uid"
        )
        return {uid: (count, members) for uid, count, members in rows.fetchall()}


@pytest.mark.slow
def test_one_contract_gives_the_same_facts_in_every_form_once_its_references_are_at_hand(tmp_path, capsys):
    root = warehouse(tmp_path / "w", inline=INLINE, listed=LISTED, second=SECOND, url=BY_ADDRESS)
    beside = root / "raw" / "mrf" / "GA" / "references"

    # Both addresses end in 12.json: under that name alone a file could be either's, and is neither's.
    put(beside / "12.json", {"provider_groups": GROUPS[A]})
    outcome = kit.build(root)
    assert outcome.ok
    assert outcome.missing_references == [("mrf/GA/url.json", 2)]
    assert {name: row["unresolved"] for name, row in sources(root).items()} == {
        "inline": 0, "listed": 0, "second": 0, "url": 2,
    }  # fmt: skip
    unresolved = facts(root)
    assert sorted((count, members is not None) for count, members in unresolved.values()) == [
        (1, False), (1, False), (3, True), (3, True),
    ]  # fmt: skip
    summary.show(outcome)
    said = capsys.readouterr().out
    assert "missing: 2 references of 1 file, known by address alone; to fetch them:\n" in said
    assert f"--root {root} fetch --references\n" in said
    again = kit.build(root)
    assert again.nothing_to_do
    assert again.missing_references == outcome.missing_references

    (beside / "12.json").unlink()
    assert kit.build(root).nothing_to_do

    put(beside / "mrf.example.org" / "a" / "12.json.gz", {"provider_groups": GROUPS[A]})
    put(beside / "mrf.example.org" / "b" / "12.json", {"provider_groups": GROUPS[B], "version": "1.0.0"})
    before = kit.parquet_files(root)
    session.use(root)
    status.begin()
    assert status.why("raw/mrf/GA/url.json") == (
        f"raw/mrf/GA/url.json would be built: its input reference {A} is new (and 1 more inputs)"
    )
    outcome = kit.build(root)
    assert (outcome.ok, outcome.missing_references) == (True, [])
    changed = kit.rewritten(before, kit.parquet_files(root))
    staged = {name.rpartition("/")[0] for name in changed if name.startswith("staged/mrf/")}
    assert staged == {kit.staged("GA/url.json")}
    whole = {uid: members for uid, (count, members) in unresolved.items() if count == 3}
    assert facts(root) == {uid: (4, members) for uid, members in whole.items()}
    assert sources(root)["url"]["unresolved"] == 0
    assert kit.build(root).nothing_to_do

    # One that is broken: its rates are unresolved, the reason is on record, and nothing fails.
    broken = root / "raw" / "mrf" / "GA" / "references" / "mrf.example.org" / "b" / "12.json"
    put(broken, b'{"provider_groups": [{"npi": [1')
    outcome = kit.build(root)
    assert outcome.ok
    assert sources(root)["url"]["unresolved"] == 1
    ((name, url, why),) = outcome.unusable_references
    assert (name, url) == ("mrf/GA/url.json", B)
    assert why.startswith("raw/mrf/GA/references/mrf.example.org/b/12.json ends after 31 bytes, inside provider_groups")
    rows = [row for row in status.source_warnings() if row["file"] == "GA/url.json"]
    assert [(row["kind"], row["count"]) for row in rows] == [("reference_unusable", 1)]
    assert rows[0]["example"].startswith(f"{B}: raw/mrf/GA/references/mrf.example.org/b/12.json ends after 31 bytes")
    summary.show(outcome)
    assert f"warning: the reference {B} of raw/mrf/GA/url.json cannot be used" in " ".join(
        capsys.readouterr().out.split()
    )
    broken.unlink()
    status.begin()
    assert status.why("raw/mrf/GA/url.json").endswith(f"its input reference {B} is gone")


def test_a_folder_of_references_holds_no_in_network_files(tmp_path):
    root = warehouse(tmp_path, a=INLINE)
    for name in ("GA/references/x.json", "GA/sub/references/y/z.txt", "references/q.json"):
        put(root / "raw" / "mrf" / name, {"provider_groups": GROUPS[A]})
    session.use(root)
    ingest.clear_caches()
    assert listing.in_network_files() == ("GA/a.json",)
    assert [m.error.place for m in listing.misplaced()] == [
        "raw/mrf/references/q.json"
    ]  # there is no state for it to stand beside


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (b"<html>gone</html>", "is not a provider-reference file: it begins with '<'"),
        (b"  ", "is not a provider-reference file: it holds nothing but blanks"),
        (b"", "is empty"),
        (b'{"provider_groups": []}', "lists no provider_groups"),
        (b'{"provider_groups": 1}', "lists no provider_groups"),
        (b'{"provider_groups": [{"npi": [0]}]}', "cannot be read: provider_groups: a group names neither"),
        (b'{"provider_groups": [], "provider_groups": [{}]}', "has provider_groups twice, again at byte 24"),
        (b'{"provider_groups": [7]}', "cannot be read: "),
        (b'{"provider_groups": [{"npi": [{}], "tin": {"type": "ein", "value": "1"}}]}', "cannot be read: "),
        (b'{"version": "1", "in_network": []}', "is an in-network file, not a provider-reference file"),
        (b'{"reporting_structure": []}', "is a table of contents"),
        (b'{"provider_groups": [{}]} {}', "goes on at byte"),
        (b'{"provider_groups": [{}], "x": 1', "ends after 32 bytes, inside x"),
    ],
)
def test_what_is_no_provider_reference_file_is_refused_by_name(tmp_path, content, fact):
    file = put(tmp_path / "x.json", content)
    with pytest.raises(errors.SourceError) as caught:
        provider_references.read(file)
    assert fact in caught.value.fact


def test_a_published_provider_reference_file_is_read(real):
    groups = provider_references.read(real / "mrf" / "cms-v1.3.1" / "provider-reference.json")
    assert [g["npi"] for g in groups] == [["1111111111"], ["2222222222"]]
    (file,) = (real / "mrf" / "MD").glob("*.gz")
    found = list(provider_references.locations(file))
    assert (len(found), found[0]) == (370, "https://mrf.carefirst.com/mrf-files/12285_041.json")


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://h.org/a/b%20c.json.gz?Signature=x/y&Expires=1", ("h.org", "a", "b c.json.gz")),
        ("http://u:p@h.org:8080/%2e%2e/x%2Fy%5C..%2F.json", ("h.org_8080", "_", "x_y_.._.json")),
        ("https://h.org/con.json", ("h.org", "_con.json")),
        ("https://h.org/a:b*?.json", ("h.org", "a_b_")),
        ("https://h.org", ("h.org",)),
        ("https://h.org/.hidden./", ("h.org", "hidden")),
        ("https://h.org/" + "n" * 200 + ".json", ("h.org", "n" * 75 + "n" * 70 + ".json")),
    ],
)
def test_an_address_becomes_names_that_every_system_takes(url, parts):
    assert addresses.parts(url) == parts


@pytest.mark.parametrize("character", ["a", "é", "€", "😀"])
def test_a_name_of_any_length_leaves_room_for_its_endings(character):
    for length in (1, 59, 60, 79, 80, 119, 120, 150, 151, 1000):
        name = addresses.safe(character * length)
        size = len(name.encode())
        assert size + len("-12345678.json.zip") <= 255
        assert set(name) == {character}
        if length <= 150 and length * len(character.encode()) <= addresses.MOST_BYTES:
            assert len(name) == length
        else:
            assert size > 140
