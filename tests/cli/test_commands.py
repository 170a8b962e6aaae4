"""What a person reads: help with an example for every command, answers that fit 80 columns, JSON with its fields."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

import kit
from pipeline import cli, settings
from pipeline.cli import _root_first, lines, progress
from pipeline.cli import build as building

WIDTH = 80
COMMANDS = list(cli.Commands.PLACES)
SOURCES = (
    "state year_month reporting_entity_name status prices_read priced prices_rejected without_provider rates_read facts "
    "duplicates rejected unresolved zero_rates rate_sum fact_sum duplicate_sum rounded_sum groups tin_npi_pairs npis tins "
    "codes pos_sets file"
).split()
STATUS = "table month state rows reason".split()
PARTITIONS = "month partition path rows bytes state reason".split()
STAGES = "ingest dims xrefs bench facts enriched warehouse".split()


def help_of(*names: str) -> str:
    """A command's --help, at 80 columns."""
    command, context = cli.group, click.Context(cli.group, info_name="ratehouse", terminal_width=WIDTH)
    for name in names:
        command = command.get_command(context, name)
        context = click.Context(command, parent=context, info_name=name, terminal_width=WIDTH)
    return command.get_help(context)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example_and_fits(name):
    said = help_of(name)
    assert re.search(rf"^  Example: ratehouse (--root \S+ )?{name}\b", said, re.MULTILINE)
    assert max(map(len, said.splitlines())) <= WIDTH
    (summary,) = [line for line in help_of().splitlines() if re.match(rf"  {name} ", line)]
    assert not summary.endswith("..."), "its first sentence is cut off in the list of commands"


def test_every_command_stands_in_the_docs():
    """In the README or in the page that lists them."""
    pages = [kit.REPOSITORY / "README.md", kit.REPOSITORY / "docs" / "operate.md"]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    assert [name for name in COMMANDS if f"ratehouse {name}" not in text and f"`{name}" not in text] == []


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("biuld", "build"), ("staus", "status"), ("stat", "stats"), ("import", "import-star"), ("q", "--help")],
)
def test_an_unknown_command_gets_the_nearest(typed, meant):
    said = kit.ratehouse(None, typed)
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr == f"error: {typed} is no command\n  do you mean: ratehouse {meant}\n"


def test_an_unknown_option_gets_the_nearest(tmp_path):
    said = kit.ratehouse(kit.small(tmp_path / "warehouse"), "build", "--skip-brokn")
    assert said.returncode == 2
    assert "--skip-broken" in said.stderr
    assert "ratehouse build --help" in said.stderr


# ---- lines --------------------------------------------------------------------------------------------------------


def test_text_is_wrapped_and_a_path_stays_whole():
    path = "/" + "x" * 90
    text = f"FAILED {path}: is broken, " + "and so on " * 12 + "\n  mend it"
    said = lines.wrapped(text)
    assert said.startswith(f"FAILED {path}:\n  is broken, and so on")
    assert said.endswith("\n  mend it")
    assert all(len(line) <= WIDTH or path in line for line in said.splitlines())
    assert " ".join(said.split()) == " ".join(text.split())


@pytest.mark.parametrize("width", [5, 10, 20, 40])
def test_a_name_is_shortened_in_its_middle(width):
    name = "staged/mrf/GA/2025-08_acme_in-network-rates.json"
    said = lines.shortened(name, width)
    assert len(said) == min(width, len(name))
    head, _, tail = said.partition("…")
    assert name.startswith(head)
    assert name.endswith(tail)


def test_one_is_not_many():
    assert [lines.counted(n, "leaf", "leaves") for n in (0, 1, 2)] == ["0 leaves", "1 leaf", "2 leaves"]
    assert lines.counted(1_990, "row") == "1,990 rows"


LONG = "gold/fact_rate_enriched/year_month=2025-08/" + "payer_slug=acme/" * 9


@pytest.mark.parametrize(
    ("event", "begins"),
    [
        ({"event": "done", "task": "dims.DimCode", "label": LONG, "rows": 1, "files": 1, "seconds": 0.2, "warnings": 1}, "built"),
        ({"event": "done", "task": "enriched.EnrichedGroup", "label": LONG, "rows": 9, "files": 1, "seconds": 1.0}, "built"),
        (
            {"event": "done", "task": "ingest.InNetworkFile", "label": "staged/mrf/GA/a.json", "status": "broken", "reason": "r " * 60},
            "BROKEN   raw/mrf/GA/a.json  r r",
        ),
        ({"event": "failed", "task": "x.Y", "label": LONG, "error": f"{LONG}: " + "e " * 60, "known": True}, "FAILED"),
        (
            {"event": "failed", "task": "enriched.Partition", "label": LONG, "error": "withheld", "known": True, "kind": "WithheldPartition"},
            "WITHHELD",
        ),
        ({"event": "removed", "task": "x.Y", "label": LONG, "why": "no source has this month any more"}, "removed"),
    ],
    ids=["done", "leaves", "broken", "failed", "withheld", "removed"],
)  # fmt: skip
def test_a_line_of_progress_fits(event, begins):
    line = progress.line_of(event)
    assert line.startswith(begins)
    assert len(line) <= WIDTH


# ---- a whole session ----------------------------------------------------------------------------------------------


def on_a_terminal(root: Path, *words: str) -> tuple[int, str]:
    """Run the command on a pseudo-terminal of 80 columns; its exit status, and all that it sent there."""
    pty = pytest.importorskip("pty", reason="only POSIX systems have pseudo-terminals")
    near, far = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "CI")}
    environment |= {"PYTHONPATH": str(kit.REPOSITORY), "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "40"}
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline.cli", "--root", str(root), *words],
        stdin=far, stdout=far, stderr=far, env=environment, cwd=kit.REPOSITORY,
    )  # fmt: skip
    os.close(far)
    sent = b""
    while True:
        try:
            block = os.read(near, 65_536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not block:
            break
        sent += block
    os.close(near)
    return process.wait(120), sent.decode()


def wide(text: str, *names: str) -> list[str]:
    """Lines of more than 80 columns that are not about a name which has to stay whole."""
    return [line for line in text.splitlines() if len(line) > WIDTH and not any(name in line for name in names)]


@pytest.mark.slow
def test_a_first_session_reads_well(tmp_path):
    root = kit.small(tmp_path / "warehouse")
    names = (str(root), "payer_slug=", kit.SMALL)

    said = kit.ratehouse(root, "status")
    assert said.returncode == 1
    assert "raw/mrf" in said.stdout
    said = kit.ratehouse(root, "query", "SELECT 1")
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.split() == f"error: {root}: there is no catalog yet ratehouse --root {root} build".split()

    said = kit.ratehouse(root, "build", "--local-scheduler", env={"COLUMNS": "80"})
    assert said.returncode == 0, said.stderr
    assert "\x1b" not in said.stdout + said.stderr
    assert wide(said.stdout + said.stderr, *names) == []
    plain = said.stderr.splitlines()
    assert re.fullmatch(r"disk: needs about [\d.]+ MB and \d+ files; [\d,.]+ [KMG]B are free", plain[2])
    assert plain[:2] == [
        f"building {root} with 2 workers",
        "scheduler: its own (`make scheduler` starts one that has a dashboard)",
    ]
    assert all(
        re.match(r"built    \S.*  (\d+ leaf, )?(\d+ rows?, )?[\d.]+ s(, \d+ warnings?)?$", line) for line in plain[3:]
    )
    assert any(line.startswith("built    gold/fact_rate_2025-08  4 rows, ") for line in plain)

    out = said.stdout.splitlines()
    heading = next(line for line in out if line.split()[:1] == ["stage"])
    assert heading.split() == ["stage", "built", "same", "rows", "leaves", "seconds", "gates"]
    rows = {line.split()[0]: line.split() for line in out if line.split() and line.split()[0] in STAGES}
    assert list(rows) == STAGES
    assert rows["facts"][3] == "8"  # facts, and the file that each is from
    assert rows["enriched"][1:5] == ["3", "0", "4", "1"]  # the rows, and two tables of what they have and lack
    assert re.search(r"enriched .* 6 passed, \d warnings?", said.stdout)
    assert "2025-08 4 4 0 0 0 1 0" in [" ".join(line.split()) for line in out]
    assert any(re.fullmatch(r"the warehouse is up to date \(\d+\.\d s\), but:", line) for line in out)
    assert [line.strip() for line in out[-6:]] == [
        "next:",
        f"ratehouse --root {root} query 'SUMMARIZE fact_rate_enriched'",
        *(f"ratehouse --root {root} {name}" for name in ("status", "sources", "partitions", "docs")),
    ]

    started = time.monotonic()
    said = kit.ratehouse(root, "build")
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.splitlines()[:2] == [
        "nothing to do: 1 month, 4 facts, all up to date",
        "All 4 rows have no known provider: no name, specialty or address.",
    ]
    assert time.monotonic() - started < 10  # 3 s are asked for; a busy machine is no failure of ours

    # Looking, for a person.
    for words, code, piece in (
        (["status"], 0, "fact_rate_enriched            2025-08  built"),
        (
            ["sources"],
            0,
            f"{kit.SMALL}\n  2025-08  whole\n  4 prices = 4 priced + 0 rejected + 0 without provider\n"
            "  4 rates = 4 facts + 0 duplicates + 0 rejected; 0 unresolved\n1 file, 1 whole",
        ),
        (["partitions"], 0, "month      rows partition\n2025-08       4 payer_slug=tupelo_vine_mutual/state=GA/"),
        (["verify", "--deep"], 0, "no problems\n"),
        (["why", "fact_rate"], 0, "gold/fact_rate_2025-08 is up to date\n"),
        (["why", f"raw/mrf/{kit.SMALL}"], 0, "is up to date\n"),
        (["docs", "--no-open"], 0, f"file://{root}/docs/index.html\n"),
    ):
        said = kit.ratehouse(root, *words, env={"COLUMNS": "80"})
        assert (said.returncode, said.stderr) == (code, ""), words
        assert piece in said.stdout, words
        assert wide(said.stdout, *names) == [], words
    said = kit.ratehouse(root, "query", "SELECT year_month, facts, pos FROM month_accounts, xref_pos WHERE pos = '11'")
    assert (said.returncode, said.stderr) == (0, "")
    assert "│ 2025-08    │     4 │ 11      │" in said.stdout
    said = kit.ratehouse(root, "query", "--csv", "SELECT year_month, NULL AS n, ['a, b'] AS l FROM month_accounts")
    assert said.stdout == "year_month,n,l\n2025-08,,\"['a, b']\"\n"
    for words, piece in (
        ("FROM nowhere", "nowhere"),
        ("DROP VIEW xref_pos", "read-only"),
    ):
        said = kit.ratehouse(root, "query", words)
        assert (said.returncode, said.stdout) == (2, ""), words
        assert piece in said.stderr, words
    said = kit.ratehouse(root, "why", "fact_rte")
    assert said.returncode == 2
    assert said.stderr.splitlines()[1].startswith("  do you mean: fact_rate, ")

    # Looking, for a program.
    for words, fields in (("sources", SOURCES), ("status", STATUS), ("partitions", PARTITIONS)):
        found = kit.json_lines(kit.ratehouse(root, words, "--json").stdout)
        assert found, words
        assert all(set(fields) <= set(row) for row in found), words
    (source,) = kit.json_lines(kit.ratehouse(root, "sources", "--json").stdout)
    assert (source["file"], source["status"], source["rates_read"]) == (kit.SMALL, "whole", 4)
    assert source["rates_read"] == source["facts"] + source["duplicates"] + source["rejected"]
    assert source["prices_read"] == source["priced"] + source["prices_rejected"] + source["without_provider"] == 4
    said = kit.ratehouse(root, "sources", "--warnings")
    assert (said.returncode, said.stdout) == (0, "0 warnings of 0 files\n")
    assert kit.ratehouse(root, "verify", "--json").stdout == ""
    (leaf,) = root.joinpath("gold", "fact_rate_enriched").rglob("*.parquet")
    leaf.unlink()
    (root / "gold" / "stray.parquet").touch()
    said = kit.ratehouse(root, "verify", "--json")
    assert said.returncode == 1
    assert kit.json_lines(said.stdout) == [
        {"path": leaf.relative_to(root).as_posix(), "problem": "is missing"},
        {"path": "gold/stray.parquet", "problem": "belongs to no table of this warehouse"},
    ]
    said = kit.ratehouse(root, "verify")
    assert said.stdout.endswith("\n2 problems; `ratehouse verify --repair` mends what can be\n")
    said = kit.ratehouse(root, "status")
    assert said.returncode == 1
    assert "stale: fact_rate_enriched 2025-08: the leaf" in said.stdout
    said = kit.ratehouse(root, "verify", "--repair", "--json")
    assert (said.returncode, said.stderr) == (0, "")
    assert [row["repair"].partition("/")[0] for row in kit.json_lines(said.stdout)] == [
        "mended from .objects",
        "moved to quarantine",
    ]

    # On a terminal, bars that are gone at the end.
    kit.change_rate(root)
    code, sent = on_a_terminal(root, "build", "--local-scheduler")
    assert code == 0, sent
    assert re.search(r"ingest +\x1b\[[\d;]*m.*━.*1/1", sent)
    assert "facts" in sent
    assert "built    gold/" not in sent
    assert "the warehouse is up to date (" in sent
    assert leaf.exists()


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["build", "--root", "here"], ["--root", "here", "build"]),
        (["query", "--root=here", "SELECT 1"], ["--root=here", "query", "SELECT 1"]),
        (["--root", "here", "build"], ["--root", "here", "build"]),
        (["sample", "--", "--root", "x"], ["sample", "--", "--root", "x"]),
        (["build", "--root"], ["build", "--root"]),
    ],
)
def test_the_root_may_be_named_after_the_command(given, meant):
    assert _root_first(given) == meant


def test_the_root_that_is_named_after_the_command_is_used(built_sample, tmp_path):
    asked = kit.ratehouse(
        None, "query", "--root", str(built_sample), "--csv", "SELECT count(*) FROM fact_rate", cwd=tmp_path
    )
    assert (asked.returncode, asked.stdout.splitlines()[1:]) == (0, ["3988"])


@pytest.mark.parametrize("sql", ["", ";"])
def test_a_query_that_asks_nothing_is_refused_in_words(built_sample, sql):
    asked = kit.ratehouse(built_sample, "query", sql)
    assert (asked.returncode, asked.stdout) == (2, "")
    assert asked.stderr.startswith(f"error: {sql!r} gives no rows\n  ask for some, such as: ratehouse query 'SHOW")


def test_only_an_unknown_name_is_answered_with_how_to_list_them(built_sample):
    asked = kit.ratehouse(built_sample, "query", "SELECT * FROM nothing")
    assert "SHOW TABLES lists what there is" in asked.stderr
    asked = kit.ratehouse(built_sample, "query", "SELECT 1 +")
    assert asked.returncode == 2
    assert "SHOW TABLES" not in asked.stderr


@pytest.mark.parametrize("words", ["status", "query 'SELECT 1'"])
def test_a_closed_stdout_takes_what_is_printed(built_sample, words):
    ended = _in_a_shell(built_sample, f"{words} >&-")
    assert (ended.returncode, ended.stderr) == (0, "")


@kit.on_a_full_disk
@pytest.mark.parametrize("words", ["status", "query 'SELECT 1'", "partitions --json", "--help"])
def test_a_full_stdout_is_an_error_in_words(built_sample, words):
    ended = _in_a_shell(built_sample, f"{words} >/dev/full")
    assert (ended.returncode, ended.stderr) == (
        1,
        "error: what the command says cannot be printed: No space left on device\n",
    )
    assert _in_a_shell(built_sample, f"{words} >/dev/full 2>&1").returncode == 1


def test_a_system_s_error_that_is_not_about_printing_keeps_its_trace(monkeypatch):
    def no_memory(*_, **__):
        raise OSError(errno.ENOMEM, "Cannot allocate memory")  # as a fork is refused: it names no file

    monkeypatch.setattr(cli.group, "main", no_memory)
    with pytest.raises(OSError, match="Cannot allocate memory"):
        cli.main()


def test_on_windows_the_command_says_what_it_wants_instead():
    """Of the command itself, as Windows starts it: click is the one library that is imported before."""
    as_windows = "import sys, click; sys.platform = 'win32'; from pipeline.cli import main; main()"
    command = [sys.executable, "-c", as_windows, "build"]
    said = subprocess.run(command, cwd=kit.REPOSITORY, capture_output=True, text=True, timeout=60, check=False)
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith("error: Ratehouse does not run on Windows itself: install WSL (")
    assert len(said.stderr.splitlines()) == 2
    assert max(map(len, said.stderr.splitlines())) <= WIDTH


@pytest.mark.parametrize(
    ("platform", "asked", "used"),
    [("linux", 8, 8), ("linux", None, 2), ("darwin", 8, 1), ("darwin", 1, 1), ("darwin", None, 1)],
)
def test_several_workers_are_used_on_linux_alone_and_elsewhere_that_is_said(monkeypatch, capsys, platform, asked, used):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(settings, "build", lambda: SimpleNamespace(workers=2))
    assert building._usable(asked) == used
    note = "note: a build has one worker on this system; several are used on Linux alone\n"
    assert capsys.readouterr().err == (note if asked and used < asked else "")


def _in_a_shell(root: Path, words: str) -> subprocess.CompletedProcess:
    command = f"exec {sys.executable} -m pipeline.cli --root '{root}' {words}"
    return subprocess.run(
        ["sh", "-c", command],
        cwd=kit.REPOSITORY,
        env=os.environ | {"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
