"""`ratehouse verify`: every kind of damage is found, named once, and mended by building exactly what has to be."""

from __future__ import annotations

import dataclasses
import errno
import os
import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import kit
import verdicts
from campaign import ALL, SEED
from pipeline import session
from pipeline.gates import suites
from pipeline.leaves import manifest as leaves
from pipeline.operations import verify
from pipeline.storage import stamps, targets
from wholeness import look, stands_as, tables

NOBODYS = "belongs to no table of this warehouse"
# What a build keeps of itself and can do without: a damaged one costs time, or a page of the Data Docs.
OWN = ("journal", "logs/", "gates/", "build.", "code_versions", "retired_objects", "raw_hashes", "catalog.sha256")


@pytest.fixture
def root(small: Path, tmp_path: Path) -> Path:
    return at_home(kit.copy(small, tmp_path / "warehouse"))


def at_home(root: Path) -> Path:
    """A copy whose catalog names its own files, and whose files are again one with their objects."""
    assert kit.build(root).ok
    for kept in (root / ".objects").rglob("*.parquet"):
        for path in root.rglob("*.parquet"):
            if path.stat().st_size == kept.stat().st_size and path.read_bytes() == kept.read_bytes():
                if not path.samefile(kept) and path.relative_to(root).parts[0] != "staged":
                    path.unlink()
                    os.link(kept, path)
    return root


def problems(root: Path, *, deep: bool = True) -> dict[str, str]:
    look(root)
    return {one.path: one.problem for one in verify.verify(deep)}


def mended(root: Path, *, deep: bool = True) -> dict[str, str]:
    """What a repair did, by path; nothing is left."""
    look(root)
    done, left, outcome = verify.repair(deep, lambda: kit.build(root))
    assert left == []
    assert outcome is None or outcome.ok
    return {one.path: what for one, what in done.items()}


def flip(path: Path, at: int, bit: int = 0) -> None:
    """Turn one bit of a file over, its time as it was."""
    info = path.stat()
    content = bytearray(path.read_bytes())
    content[at] ^= 1 << bit
    with open(path, "r+b") as file:
        file.write(content)
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))


def places(root: Path) -> list[Path]:
    """Every file whose damage could be taken for content, each inode once."""
    found: dict[int, Path] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and path.stat().st_size and not name.startswith(("raw/", "docs/", "luigi.cfg")):
            if not name.startswith(tuple(f".state/{own}" for own in OWN)):
                found.setdefault(path.stat().st_ino, path)
    return list(found.values())


def places_to_flip(root: Path, count: int) -> list[tuple[Path, int, int]]:
    draw = random.Random(SEED)
    files = places(root)
    return [((one := draw.choice(files)), draw.randrange(one.stat().st_size), draw.randrange(8)) for _ in range(count)]


def found_at(root: Path, path: Path) -> bool:
    """Whether a problem is named at a file, by any of its names, and at no file of another content."""
    named = [root / name for name in problems(root)]
    if not any(one.exists() and one.samefile(path) for one in named):
        return False
    return path.suffix == ".json" or all(one.samefile(path) for one in named)


@pytest.mark.slow
def test_a_bit_flipped_anywhere_is_found_and_mended(root, tmp_path, monkeypatch):
    monkeypatch.setattr(suites, "check", suites.check)  # put back when the test ends
    verdicts.keep(tmp_path / "verdicts")
    before = tables(root)
    flipped = places_to_flip(root, 200 if ALL else 12)
    for number, (path, at, bit) in enumerate(flipped, 1):
        if number % 20 == 0:
            print(f"{number} of {len(flipped)} bits", flush=True)
        flip(path, at, bit)
        assert found_at(root, path), (path, at, bit)
        if ALL:
            assert mended(root), (path, at, bit)
            stands_as(root, before)
        else:
            flip(path, at, bit)
            assert problems(root) == {}
    for path, at, bit in {one[0]: one for one in flipped}.values():
        flip(path, at % path.stat().st_size, bit)
    assert mended(root)
    stands_as(root, before)


@pytest.mark.slow
@pytest.mark.skipif(not ALL, reason="make faults")
def test_bits_flipped_in_the_sample_are_found_and_mended(sample):
    at_home(sample)
    before = tables(sample)
    for number, (path, at, bit) in enumerate(places_to_flip(sample, 200), 1):
        if number % 20 == 0:
            print(f"{number} bits of the sample", flush=True)
        flip(path, at, bit)
        assert found_at(sample, path), (path, at, bit)
        flip(path, at, bit)
    for path, at, bit in places_to_flip(sample, 50):
        if at < path.stat().st_size:
            flip(path, at, bit)
    assert mended(sample)
    stands_as(sample, before)


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 7)


def replaced(path: Path) -> None:
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[::-1])


FACT, LEAF, DIM, STAGED = (
    "gold/fact_rate_2025-08.parquet",
    "leaf",
    "dims/dim_npi.parquet",
    f"{kit.staged(kit.SMALL)}/staged_price.parquet",
)
STAMP, CATALOG = ".state/stamps/gold/fact_rate_2025-08.json", "warehouse.duckdb"
MANIFEST, KEYS = ".state/enriched/2025-08/manifest.tsv", ".state/enriched/2025-08/keys_npi.parquet"
# damaged, how, what is said of it, what is done
DAMAGE: list[tuple[str, Callable[[Path], None], str, str]] = [
    (FACT, Path.unlink, "is missing", "mended from .objects/"),
    (LEAF, Path.unlink, "is missing", "mended from .objects/"),
    (FACT, truncated, "bytes, not", "built again"),
    (LEAF, truncated, "bytes, not", "built again"),
    (DIM, replaced, "was replaced by hand", "mended from .objects/"),
    (LEAF, replaced, "was replaced by hand", "mended from .objects/"),
    (STAGED, Path.unlink, "is missing", "built again"),
    (STAGED, truncated, "bytes, not", "built again"),
    (STAMP, truncated, "is no stamp, or was changed", "built again"),
    (CATALOG, truncated, "bytes, not", "built again"),
    (CATALOG, Path.unlink, "is missing", "built again"),
    (MANIFEST, truncated, "is missing or was changed", "built again"),
    (KEYS, Path.unlink, "is missing", "built again"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("case", range(0, len(DAMAGE), 1 if ALL else 2))
def test_each_kind_of_damage_is_named_once_and_mended_alone(root, case):
    name, damage, said, done = DAMAGE[case]
    path = next(root.glob("gold/fact_rate_enriched/**/*.parquet")) if name == LEAF else root / name
    name, before, undisturbed = path.relative_to(root).as_posix(), kit.parquet_files(root), tables(root)
    damage(path)
    found = problems(root)
    assert list(found) == [name]
    assert said in found[name]
    what = mended(root)
    assert list(what) == [name]
    assert what[name].startswith(done)
    stands_as(root, undisturbed)
    changed = kit.rewritten(before, kit.parquet_files(root)) - {name}
    assert {one for one in changed if not one.startswith(".state/")} == set()


@pytest.mark.slow
@pytest.mark.parametrize("deep", [False, True])
def test_a_file_that_was_touched_is_sound(root, deep):
    """Another time, the same bytes: nothing to mend, and the next build puts the time on record."""
    for path in (root / FACT, root / DIM, root / STAGED, next(root.glob("gold/fact_rate_enriched/**/*.parquet"))):
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
    assert problems(root, deep=deep) == {}
    before = kit.parquet_files(root)
    assert kit.build(root).nothing_to_do
    assert kit.rewritten(before, kit.parquet_files(root)) == set()


def test_files_of_nobody_are_moved_and_said_where(root):
    stray = root / "gold" / "fact_rate_enriched" / "state=GA" / "mine.parquet"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"mine")
    assert problems(root, deep=False) == {"gold/fact_rate_enriched/state=GA/mine.parquet": NOBODYS}
    (what,) = mended(root, deep=False).values()
    assert what == "moved to quarantine/extra/gold/fact_rate_enriched/state=GA/mine.parquet"
    assert (
        root / "quarantine" / "extra" / "gold" / "fact_rate_enriched" / "state=GA" / "mine.parquet"
    ).read_bytes() == b"mine"
    assert not stray.parent.exists()


def test_drafts_of_an_interrupted_build_are_named_and_swept(root):
    (root / ".scratch").mkdir()
    (root / ".scratch" / "draft").touch()
    assert list(problems(root)) == [".scratch/draft"]
    assert mended(root) == {".scratch/draft": "swept by the next build"}
    assert not (root / ".scratch").exists()


@pytest.mark.slow
def test_an_object_that_no_build_names_is_extra_once_it_is_older_than_objects_are_kept(root):
    stray = root / ".objects" / "ab" / f"{'ab' * 32}.parquet"
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"old")
    assert problems(root) == {}  # a reader may be at it
    os.utime(stray, (1, 1))
    name = stray.relative_to(root).as_posix()
    assert problems(root, deep=False) == {name: "is named by no build"}
    assert mended(root, deep=False) == {name: f"moved to quarantine/extra/{name}"}
    assert not stray.exists()


@pytest.mark.slow
def test_lost_rows_of_a_withheld_leaf_are_named_and_put_back(root):
    raw = root / "raw" / "mrf" / kit.SMALL
    raw.write_text(re.sub(r'("negotiated_rate": ?)[\d.]+', r"\g<1>-5.0", raw.read_text(encoding="utf-8"), count=1))
    ((month, name, _),) = kit.build(root).withheld
    rows = leaves.quarantined(session.current(), month, name) / "rows.parquet"
    assert problems(root) == {}
    kept = rows.read_bytes()
    rows.unlink()
    place = rows.relative_to(root).as_posix()
    assert problems(root, deep=False) == {place: "is missing"}
    done, left, outcome = verify.repair(True, lambda: kit.build(root))
    assert ({one.path: what for one, what in done.items()}, left) == ({place: "built again"}, [])
    assert outcome.withheld
    assert outcome.incomplete == []
    assert rows.read_bytes() == kept


@pytest.mark.slow
def test_what_cannot_be_built_again_is_left_in_place_and_said_why(root):
    (root / "raw" / "mrf" / kit.SMALL).write_text("{", encoding="utf-8")
    assert not kit.build(root).ok
    leaf = next(root.glob("gold/fact_rate_enriched/**/*.parquet"))
    truncated(leaf)
    cut, name = leaf.read_bytes(), leaf.relative_to(root).as_posix()
    found = problems(root, deep=False)
    assert list(found) == [name]
    assert re.search(
        r"bytes, not [\d,]+; it cannot be built again now: the month 2025-08 is blocked: raw/mrf/", found[name]
    )
    done, left, _ = verify.repair(False, lambda: kit.build(root))
    assert {one.path: what for one, what in done.items()} == {name: "left as it is"}
    assert [one.path for one in left] == [name]
    assert leaf.read_bytes() == cut


def test_what_cannot_be_read_is_named_and_the_rest_is_looked_at(root, monkeypatch):
    real = targets.file_hash

    def refuse(path: Path) -> str:
        if path == root / DIM:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(targets, "file_hash", refuse)
    (root / FACT).unlink()
    assert problems(root) == {DIM: "cannot be read: Permission denied", FACT: "is missing"}


@pytest.mark.slow
def test_a_raw_file_that_changed_unseen_is_for_its_publisher_and_a_wrong_memory_of_it_for_us(root):
    raw, memory = root / "raw" / "mrf" / kit.SMALL, root / ".state" / "raw_hashes.jsonl"
    flip(raw, 100)
    (told,) = problems(root).values()
    assert told.startswith("differs from what was read, in size and time the same: fetch it again")
    flip(raw, 100)
    lines = memory.read_text()
    digest = lines.rstrip(']\n"').rpartition('"')[2]
    memory.write_text(lines.replace(digest, "0" * 64))
    assert list(problems(root)) == [".state/raw_hashes.jsonl"]
    assert list(mended(root)) == [".state/raw_hashes.jsonl"]
    assert problems(root) == {}


def restamp(root: Path, label: str, **changes) -> None:
    """Have a stamp note what is not so."""
    stamp = stamps.read(session.current(), label)
    stamps.write(session.current(), label, dataclasses.replace(stamp, notes={**stamp.notes, **changes}))


def test_facts_are_held_against_their_sources_and_leaves_against_the_facts(root):
    look(root)
    fact, label = "gold/fact_rate_2025-08", kit.staged(kit.SMALL)
    noted = stamps.read(session.current(), fact).notes
    counts = stamps.read(session.current(), label).notes["counts"]
    unbalanced = "the accounts of 2025-08 do not add up: "
    for term, value, said in (
        ("rates_read", 5, "rates_read 5 is not rate_facts 4 + duplicates 0 + rejected 0 + corrected_away 0"),
        ("priced", 3, "prices_read 4 is not priced 3 + prices_rejected 0 + without_provider 0"),
    ):
        restamp(root, fact, **noted | {term: value})
        assert problems(root) == {FACT: unbalanced + said}
    restamp(root, fact, **noted | {"duplicates": 1, "rate_facts": 3})
    assert [p.problem for p in verify.verify(deep=True)] == [
        "has rate_facts 4, and its accounts 3",
        "has duplicates 0, and its accounts 1",
    ]
    restamp(root, fact, **noted)
    restamp(root, label, counts={**counts, "rate_sum": "1.00"})
    in_month, in_file = (p.problem for p in verify.verify(deep=True))
    assert in_month.startswith(f"{unbalanced}rate_sum 1.00 is not fact_sum {counts['fact_sum']} + duplicate_sum 0.00")
    assert in_file == (
        f"its accounts do not add up: rate_sum 1.00 is not fact_sum {counts['fact_sum']} + duplicate_sum 0.00 + rounded_sum 0.00"
    )
    restamp(root, label, counts=counts)
    assert problems(root) == {}

    manifest = leaves.manifest(session.current(), "2025-08")
    (record,) = leaves.records(manifest).values()
    manifest.write_text(targets.add_checksum_line(record._replace(rows=3).line()))
    restamp(root, "gold/fact_rate_enriched/year_month=2025-08", manifest=targets.file_hash(manifest))
    (told,) = problems(root).values()
    assert told == "has 3 rows, and the fact 4 for it"
    assert mended(root)


@pytest.mark.slow
def test_an_object_that_no_build_has_named_for_a_day_is_set_aside_and_a_younger_one_is_not(root):
    old, young = (root / ".objects" / name[:2] / f"{name}.parquet" for name in ("ab" * 16, "cd" * 16))
    for path in (old, young):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"an object")
    long_ago = time.time() - 25 * 3600
    os.utime(old, (long_ago, long_ago))
    name = old.relative_to(root).as_posix()
    assert problems(root) == {name: "is named by no build"}
    look(root)
    done = verify.mend(list(verify.verify(deep=True)))
    assert list(done.values()) == [f"moved to quarantine/extra/{name}"]
    assert (root / "quarantine" / "extra" / name).read_bytes() == b"an object"
    assert young.exists()
    assert problems(root) == {}


@pytest.fixture(scope="module")
def withheld(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small warehouse with a negative rate: its one leaf is withheld."""
    root = kit.copy(small, tmp_path_factory.mktemp("withheld") / "warehouse")
    raw = root / "raw" / "mrf" / kit.SMALL
    raw.write_text(re.sub(r'("negotiated_rate": ?)', r"\1-", raw.read_text(encoding="utf-8"), count=1))
    outcome = kit.build(root)
    assert (len(outcome.withheld), outcome.failures, outcome.incomplete) == (1, [], [])
    return root


def garbled(path: Path) -> None:
    flip(path, path.stat().st_size // 2)


# The file of a withheld leaf that is damaged, how, what is said of it, whether only reading its bytes shows it.
OF_WITHHELD: list[tuple[str, Callable[[Path], None], str, bool]] = [
    ("rows.parquet", Path.unlink, "is missing", False),
    ("rows.parquet", truncated, "bytes, not", False),
    ("rows.parquet", garbled, "differs from what was published", True),
    ("reason.txt", Path.unlink, "is missing", False),
    ("reason.txt", truncated, "differs from what was written", True),
]


@pytest.mark.slow
def test_what_is_kept_of_a_withheld_leaf_is_looked_at_and_put_back_by_one_build(withheld):
    folder = next((withheld / "quarantine").rglob("rows.parquet")).parent
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for name, damage, said, deep in OF_WITHHELD:
        damage(folder / name)
        at = (folder / name).relative_to(withheld).as_posix()
        assert (problems(withheld, deep=False) == {}) is deep
        found = problems(withheld)
        assert list(found) == [at]
        assert said in found[at]
        look(withheld)
        done, left, outcome = verify.repair(True, lambda: kit.build(withheld))
        assert (list(done.values()), left) == (["built again"], [])
        assert (outcome.failures, outcome.incomplete) == ([], [])  # the month is whole at once
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.slow
def test_a_leaf_at_the_place_of_a_withheld_one_is_taken_out_by_the_next_build(withheld, tmp_path):
    root = kit.copy(withheld, tmp_path / "warehouse")
    assert not kit.build(root).incomplete  # the catalog names files by their full path
    rows = next((root / "quarantine").rglob("rows.parquet"))
    name = rows.parent.parent.relative_to(root / "quarantine" / "enriched").as_posix()
    leaf = root / "gold" / "fact_rate_enriched" / name / rows.parent.name / "fact_rate_enriched.parquet"
    leaf.parent.mkdir(parents=True)
    leaf.write_bytes(b"mine")
    outcome = kit.build(root)
    assert (len(outcome.withheld), outcome.incomplete) == (1, [])
    assert not leaf.exists()
    assert (rows.parent / "published_before.parquet").read_bytes() == b"mine"


@pytest.mark.slow
def test_what_cannot_be_built_again_now_is_left_in_place(root):
    raw, leaf = root / "raw" / "mrf" / kit.SMALL, next(root.glob("gold/fact_rate_enriched/**/*.parquet"))
    text, undisturbed = raw.read_text(encoding="utf-8"), tables(root)
    raw.write_text(text[: len(text) // 2], encoding="utf-8")
    assert not kit.build(root).ok
    truncated(leaf)  # and its object with it: they are one file
    damaged = leaf.read_bytes()
    name = leaf.relative_to(root).as_posix()
    found = problems(root)
    assert list(found) == [name]
    assert "bytes, not" in found[name]
    assert "; it cannot be built again now: the month 2025-08 is blocked" in found[name]
    look(root)
    done, left, _ = verify.repair(True, lambda: kit.build(root))
    assert list(done.values()) == ["left as it is"]
    assert [one.path for one in left] == [name]
    assert leaf.read_bytes() == damaged
    raw.write_text(text, encoding="utf-8")
    assert kit.build(root).ok
    stands_as(root, undisturbed)
