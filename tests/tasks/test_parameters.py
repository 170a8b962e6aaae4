"""The parameters of tasks are checked wherever they come from: what is none is refused, and nothing is published."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import luigi
import pytest

import kit
from payer_rates import rates
from pipeline import errors, partition, session, settings, stages
from pipeline.stages import (
    bench,
    dims,
    enriched,
    enriched_rows,
    facts,
    in_network_file,
    ingest,
    raw,
    reference_file,
    star,
    xrefs,
)
from pipeline.tasks.parameters import KeyParameter, MonthParameter, NameParameter, PartitionParameter, RootParameter

CHECKED = (RootParameter, MonthParameter, NameParameter, KeyParameter, PartitionParameter)
MONTHS = {
    "nonsense": None,
    "2025-8": "2025-08",
    "202508": "2025-08",
    "20250805": "2025-08",
    "2025-08-05": "2025-08",
    "2025/8": "2025-08",
    "8/2025": "2025-08",
    " 2025-08": "2025-08",
    "2025-08\n": "2025-08",
    "2025-13": None,
    "2025-00": None,
    "٢٠٢٥-٠٨": None,
    "\uff12\uff10\uff12\uff15-08": None,
    "../2025-08": None,
    "2025-08*": "2025-08",
    "": None,
    "2025": None,
}
OUTSIDE = ["", ".", "..", "../x", "GA/../../x", "/etc/passwd", "GA//x.json", "GA/", "/", "GA/./x.json", "GA/\0x"]


@pytest.fixture
def root(tmp_path) -> Path:
    """A warehouse of two files, of two months, and a star schema's folder; nothing is built."""
    folder = tmp_path / "warehouse" / "raw" / "mrf" / "GA"
    folder.mkdir(parents=True)
    (folder / "acme.json").write_text(rates("Acme Health", "2025-07", [86.5, 121.0, 411.0]))
    (folder / "bolt.json").write_text(rates("Bolt Care", "2025-08", [1.5, 2.5]))
    (tmp_path / "warehouse" / "raw" / "star" / "0123456789abcdef").mkdir(parents=True)
    (tmp_path / "warehouse" / "raw" / "pos").mkdir()
    (tmp_path / "warehouse" / "raw" / "pos" / "list.csv").write_text(
        "pos_code,pos_type,pos_name\n11,Non-Facility,Office\n"
    )
    session.use(tmp_path / "warehouse")
    settings.load(tmp_path / "warehouse")
    ingest.clear_caches()
    return tmp_path / "warehouse"


def tasks() -> list[type[luigi.Task]]:
    """Every task of ours."""
    for name in stages.__all__:
        importlib.import_module(f"pipeline.stages.{name}")
    found = {cls for cls in luigi.task_register.Register._reg if cls.__module__.startswith("pipeline.")}
    return sorted((cls for cls in found if not issubclass(cls, luigi.Config)), key=lambda cls: cls.__qualname__)


def test_every_parameter_is_checked():
    found = {(cls.__name__, name): kind for cls in tasks() for name, kind in cls.get_params()}
    assert len(tasks()) > 40
    assert {key for key, kind in found.items() if not isinstance(kind, CHECKED)} == set()
    assert sum(isinstance(kind, MonthParameter) for kind in found.values()) > 15
    for (_, name), kind in found.items():
        assert (name == "month") == isinstance(kind, MonthParameter)


@pytest.mark.parametrize("text", MONTHS)
def test_what_is_no_month_is_refused_with_the_nearest(root, text):
    meant = f"do you mean {MONTHS[text]}?" if MONTHS[text] else "write it as YYYY-MM, such as 2025-08"
    for cls in (
        facts.FactRate,
        dims.DimProviderGroup,
        xrefs.XrefGroupNpi,
        bench.BenchAsc,
        enriched_rows.EnrichedRows,
    ):
        with pytest.raises(errors.UsageError, match=re.escape(meant)):
            cls(month=text)
    for cls in (enriched.LeafPlan, enriched.EnrichedMonth, enriched.Partition):
        with pytest.raises(errors.UsageError):
            cls(month=text)
    with pytest.raises(errors.UsageError):
        enriched.EnrichedGroup(month=text, first="payer_slug=a")
    with pytest.raises(errors.UsageError):
        star.StarMonth(star="0123456789abcdef", month=text)
    assert not partition.is_month(text)


def test_a_month_is_a_month():
    for text in ("2025-08", "2025-12", "2025-01", "1999-10"):
        assert facts.FactRate(month=text).month == partition.month(text) == text


@pytest.mark.parametrize("text", OUTSIDE)
def test_a_path_that_leads_out_of_its_folder_is_refused(root, text):
    for cls in (
        in_network_file.InNetworkFile,
        reference_file.REFERENCES["pos"],
        reference_file.REFERENCES["nppes"],
        raw.SourceFile,
    ):
        with pytest.raises(errors.UsageError, match="of this warehouse"):
            cls(path=text)
    with pytest.raises(errors.UsageError):
        star.Star(star=text)


def test_what_a_person_names_must_be_there(root):
    """What the tasks themselves name may be gone: it is taken away by its name."""
    there = {
        in_network_file.InNetworkFile: ("GA/acme.json", "GA/acm.json"),
        reference_file.REFERENCES["pos"]: ("list.csv", "mrf/GA/acme.json"),
        raw.SourceFile: ("mrf/GA/bolt.json", "mrf/GA/bolt.jso"),
        star.Star: ("0123456789abcdef", "0123"),
    }
    for cls, (known, unknown) in there.items():
        (name, parameter) = next(pair for pair in cls.get_params() if isinstance(pair[1], NameParameter))
        assert parameter.parse(known) == known
        with pytest.raises(errors.UsageError, match=f"do you mean:\n  (.*\n  )*{known}"):
            parameter.parse(unknown)
        assert getattr(cls(**{name: unknown}), name) == unknown
    with pytest.raises(errors.UsageError, match="there is none yet"):
        dict(reference_file.REFERENCES["wcfs"].get_params())["path"].parse("GA.csv")
    (root / "raw" / "mrf" / "notes.json").write_text("{}")
    ingest.clear_caches()
    assert dict(raw.SourceFile.get_params())["path"].parse("mrf/notes.json") == "mrf/notes.json"


@pytest.mark.parametrize("value", ["../../x", "Atlanta, GA", "a/b", "a b", "a%2fb", "é", "a=b", "*", "[1]", "\n", "\\"])
def test_a_key_s_value_is_one_that_a_folder_may_have(root, value):
    for key in partition.KEYS:
        with pytest.raises(
            errors.UsageError, match=re.escape(f"do you mean {partition.encode(key, partition.decode(value))}?")
        ):
            enriched.Partition(month="2025-08", **{key: value})
    with pytest.raises(errors.UsageError, match="ratehouse partitions"):
        enriched.EnrichedGroup(month="2025-08", first=f"payer_slug={value}")


@pytest.mark.parametrize(
    "first", ["", "x", "payer_slug", "state=GA", "payer_slug=a/../state=GA", "payer_slug=a/state=GA/x=1"]
)
def test_what_is_no_partition_is_refused(root, first):
    with pytest.raises(errors.UsageError, match="ratehouse partitions"):
        enriched.EnrichedGroup(month="2025-08", first=first)


def test_a_partition_is_one():
    values = {"payer_slug": "a%26b", "state": partition.NULL, "stat_area_name": "Atlanta%2C%20GA", "billing_class": ""}
    assert enriched.Partition(month="2025-08", **values).name.startswith(f"payer_slug=a%26b/state={partition.NULL}/")
    long = partition.encode("payer_slug", "acme_" * 60)
    assert enriched.Partition(month="2025-08", **{**values, "payer_slug": long}).name.startswith(f"payer_slug={long}/")
    for first in ("payer_slug=a", f"payer_slug=a%26b/state={partition.NULL}", f"payer_slug={long}"):
        assert enriched.EnrichedGroup(month="2025-08", first=first).first == first


# ---- the commands ---------------------------------------------------------------------------------------------------


def luigi_alone(root: Path, *words: str) -> subprocess.CompletedProcess:
    """Run a task by Luigi's own command."""
    surroundings = {k: v for k, v in os.environ.items() if not k.startswith("RATEHOUSE")}
    surroundings |= {"PYTHONPATH": str(kit.REPOSITORY), "RATEHOUSE_ROOT": str(root)}
    command = [sys.executable, "-m", "luigi", "--module", "pipeline.stages", *words, "--local-scheduler"]
    return subprocess.run(command, capture_output=True, text=True, env=surroundings, cwd=kit.REPOSITORY, check=False)


def everything(root: Path) -> set[str]:
    """What stands in a warehouse."""
    return {path.relative_to(root).as_posix() for path in root.rglob("*")}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("facts.FactRate --month nonsense", "error: nonsense is no month\n  write it as YYYY-MM, such as 2025-08\n"),
        ("facts.FactRate --facts.FactRate-month 2025-8", "error: 2025-8 is no month\n  do you mean 2025-08?\n"),
        ("ingest.InNetworkFile --path ../../../../etc/passwd", "error: ../../../../etc/passwd: is no in-network file"),
        (
            "ingest.Pos --path ../mrf/GA/acme.json",
            "is no file under raw/pos of this warehouse\n  do you mean:\n  list.csv\n",
        ),
        (
            "raw.SourceFile --path mrf/GA/acme.jsn",
            "is no file under raw/ of this warehouse\n  do you mean:\n  mrf/GA/acme.json",
        ),
        ("ingest.Star --star nonsense", "is no star schema of this warehouse\n  do you mean:\n  0123456789abcdef\n"),
        ("enriched.Partition --month 2025-08 --state ../x", "../x: is no value of a partition's key"),
        ("enriched.EnrichedGroup --month 2025-08 --first nonsense", "error: nonsense: is no partition\n"),
        ("facts.FactRate --month 2025-08 --root nonsense", "not nonsense\n"),
    ],
)
def test_luigi_s_own_command_refuses_it_in_words(root, words, said):
    before = everything(root)
    done = luigi_alone(root, *words.split())
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode != 0
    assert everything(root) == before


@pytest.mark.slow
def test_luigi_s_own_command_builds_a_month_from_nothing(root):
    """The other month's file is read too, for nobody knows its month before, and is none of this month's."""
    done = luigi_alone(root, "facts.FactRate", "--month", "2025-08")
    assert done.returncode == 0, done.stderr
    rows = duckdb.sql(f"SELECT year_month, count(*), sum(negotiated_rate) FROM '{root}/gold/*.parquet' GROUP BY ALL")
    assert rows.fetchall() == [("2025-08", 2, 4.0)]
    before = everything(root)
    done = luigi_alone(root, "facts.FactRate", "--month", "2031-01")
    assert done.returncode == 30
    assert "no source has the month 2031-01\n  months there are: 2025-07, 2025-08\n" in done.stderr
    assert not [name for name in everything(root) - before if not name.startswith(".")]


@pytest.mark.slow
def test_our_own_commands_refuse_it(built_sample):
    before = kit.parquet_files(built_sample)
    none = "error: nonsense is no month\n  write it as YYYY-MM, such as 2025-08\n"
    for words in (["build", "--month", "nonsense"], ["rerun", "payer_slug=x", "--month", "nonsense"]):
        done = kit.ratehouse(built_sample, *words)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", none)
    for words, said in {
        ("partitions", "--month", "2025-8"): "error: 2025-8 is no month\n  do you mean 2025-08?\n",
        ("why", "fact_rate:nonsense"): none,
        ("why", "fact_rate:2031-01"): "error: no source has the month 2031-01\n  months there are: 2025-07, 2025-08\n",
    }.items():
        done = kit.ratehouse(built_sample, *words)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", said)
    assert kit.rewritten(before, kit.parquet_files(built_sample)) == set()
    done = kit.ratehouse(None, "sample", "--first-month", "2025-8", str(built_sample / "other"))
    assert (done.returncode, done.stderr) == (2, "error: 2025-8 is no month\n  do you mean 2025-08?\n")


def test_why_takes_a_file_whose_name_is_like_something_else(root):
    """A colon and a key's name are no month and no partition where they stand in the name of a file."""
    from pipeline.operations import status

    for name in ("a:2025-08.json", "a:b.json", "payer_slug=x.json"):
        (root / "raw" / "mrf" / "GA" / name).write_text(json.dumps({}))
        status.begin()
        assert status.why(f"raw/mrf/GA/{name}").startswith(f"raw/mrf/GA/{name} would be built: ")
