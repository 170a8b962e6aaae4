"""Corrections on record: what one may say, how it is refused, and what it changes of a warehouse."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

import kit
from pipeline import errors, session, settings
from pipeline.cli import summary
from pipeline.operations import build
from pipeline.readers import corrections

GOOD = """\
- id: acme-cents
  months: [2025-08]
  match: {code: "99213", negotiated_rate: 15000, expiration_date: 2025-12-31, setting: null}
  action: amend
  set: {negotiated_rate: 150.5, billing_class: institutional}
  reason: amounts in cents
  publisher: told on 2025-08-20
  status: open
- {id: 7, months: 2025-07, match: {fact_uid: abc}, action: drop, reason: twice}
"""


def read(folder: Path, text: str | bytes) -> list[dict]:
    """The corrections of a file with that content."""
    path = folder / "x.yml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return corrections.read(path)


def test_a_file_of_corrections(tmp_path):
    assert read(tmp_path, GOOD) == [
        {
            "id": "acme-cents",
            "months": ["2025-08"],
            "match": {"code": "99213", "negotiated_rate": 15000.0, "expiration_date": "2025-12-31", "setting": None},
            "action": "amend",
            "set": {"negotiated_rate": 150.5, "billing_class": "institutional"},
            "reason": "amounts in cents",
            "place": str(tmp_path / "x.yml"),
        },
        {
            "id": "7",
            "months": ["2025-07"],
            "match": {"fact_uid": "abc"},
            "action": "drop",
            "set": {},
            "reason": "twice",
            "place": str(tmp_path / "x.yml"),
        },
    ]
    assert read(tmp_path, "# nothing yet\n") == []


def one(**changed) -> str:
    """A correction in YAML's flow style, with some fields replaced, or left out where they are None."""
    fields = {"id": "a", "months": "[2025-08]", "match": '{code: "99213"}', "action": "drop", "reason": "r"} | changed
    return "- {" + ", ".join(f"{k}: {v}" for k, v in fields.items() if v is not None) + "}"


@pytest.mark.parametrize(
    ("text", "place", "fact", "remedy"),
    [
        ("- {id: a\n  months: [\n", ":2", "cannot be read: expected ',' or '}'", "mend it; the note that"),
        (b"- id: caf\xe9\n", "", "cannot be read: is not UTF-8", "mend it"),
        ("id: a\n", "", "is no list of corrections", "begin each correction with '- id: …'"),
        ("- drop it\n", "", "the correction number 1 is no mapping", "write id, months, match, action (and set), reason"),
        (one(reason=None), "", "the correction a has no reason", "add reason: …"),
        (one(month="2025-08"), "", "the correction a has the field month", "do you mean months?"),
        (one(months="[2025-8]"), "", "the correction a names 2025-8, which is no month", "write months: [2025-08]"),
        (one(action="delete"), "", "the correction a has the action delete", "write action: drop, or action: amend"),
        (one(action="amend"), "", "the correction a must say what to set with amend", "write set: {column: value}"),
        (one(set="{code: '1'}"), "", "the correction a must say what to set with amend, and only", "write set:"),
        (one(match="[code]"), "", "the correction a has a match that is no mapping", "write match: {column: value}"),
        (
            one(match="{negotiatd_rate: 1}"), "",
            "the correction a has negotiatd_rate in its match, which is no column of fact_rate", "do you mean negotiated_rate?",
        ),
        (
            one(action="amend", set="{billing_clas: x}"), "",
            "the correction a has billing_clas in its set, which is no column of fact_rate", "do you mean billing_class?",
        ),
        (one(match="{zzz: 1}"), "", "the correction a has zzz in its match", "use one of: additional_information, "),
        (one(action="amend", set="{fact_uid: x}"), "", "the correction a sets fact_uid, which follows from", "set one of: "),
        (one(match="{code: 99213}"), "", "the correction a has code: 99213 as a number", 'write code: "99213" in quotes'),
        (one(match="{negotiated_rate: '15'}"), "", "the correction a has negotiated_rate: '15', which is no", "write a number"),
    ],
)  # fmt: skip
def test_what_is_no_correction_is_refused(tmp_path, text, place, fact, remedy):
    with pytest.raises(errors.CorrectionError) as refused:
        read(tmp_path, text)
    assert refused.value.place == f"{tmp_path / 'x.yml'}{place}"
    assert refused.value.fact.startswith(fact)
    assert refused.value.remedy.startswith(remedy)


def put(root: Path, text: str, name: str = "x.yml") -> Path:
    """Put a file of corrections into a warehouse."""
    folder = root / "raw" / "corrections"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.mark.slow
def test_a_correction_that_cannot_be_read_stops_a_build_before_it_starts(sample):
    """It cannot be told which months it is of."""
    before = kit.parquet_files(sample)
    path = put(sample, one(match="{cod: '1'}"))
    said = kit.ratehouse(sample, "build", "--local-scheduler")
    assert (said.returncode, said.stdout) == (1, "")
    assert " ".join(said.stderr.split()) == (
        f"error: {path}: the correction a has cod in its match, which is no column of fact_rate do you mean code?"
    )
    path.write_text(one())
    other = put(sample, one(), "y.yml")
    session.use(sample)
    settings.load(sample)
    with pytest.raises(errors.CorrectionError, match=r"y\.yml: the correction a is there twice \(also in .*x\.yml\)"):
        build.build(None, workers=1, local_scheduler=True, started=lambda _: None)
    other.unlink()
    assert kit.rewritten(before, kit.parquet_files(sample)) == set()


@pytest.mark.slow
def test_corrections_touch_the_months_that_they_name(sample, capsys):
    """One that matches nothing fails its month, whose facts stay; taken back, all is as it was."""
    original, shard = kit.contents(sample), "gold/fact_rate_2025-07.parquet"
    facts = sample / shard
    uid, rate = duckdb.sql(f"SELECT fact_uid, negotiated_rate FROM '{facts}' ORDER BY fact_uid LIMIT 1").fetchall()[0]
    path = put(
        sample,
        one(id="none", months="[2025-08]", match="{fact_uid: no}")
        + "\n" + one(id="some", months="[2025-07, 2031-01]", match=f"{{fact_uid: {uid}}}")
        + "\n" + one(id="never", months="[2031-01]"),
    )  # fmt: skip
    before = kit.parquet_files(sample)
    outcome = kit.build(sample)
    capsys.readouterr()
    summary.show(outcome)
    said = " ".join(capsys.readouterr().err.split())
    assert not outcome.ok
    assert f"{path}: the correction none matches no rate of this month mend its match, or take the month out" in said
    assert f"{path}: the correction never matches nothing: no source has the month 2031-01 mend its months" in said
    changed = {n for n in kit.rewritten(before, kit.parquet_files(sample)) if n.startswith("gold/")}
    leaves = changed - {shard} - kit.following("2025-07")
    assert shard in changed
    assert len(leaves) == 1
    assert "year_month=2025-07" in leaves.pop()
    july, august = outcome.accounts
    assert (july["corrected_away"], august["corrected_away"]) == (1, 0)
    assert july["rates_read"] == july["rate_facts"] + july["duplicates"] + july["rejected"] + 1
    assert duckdb.sql(f"SELECT count(*) FROM '{facts}' WHERE fact_uid = '{uid}'").fetchall() == [(0,)]

    path.write_text(
        one(
            id="some",
            months="[2025-07]",
            action="amend",
            match=f"{{fact_uid: {uid}}}",
            set=f"{{negotiated_rate: {rate + 1}}}",
        )
    )
    assert kit.build(sample).ok
    total = f"SELECT round(sum(negotiated_rate), 2) FROM '{facts}'"
    amended = duckdb.sql(total).fetchall()[0][0]
    path.write_text("[]\n")
    assert kit.build(sample).ok
    assert amended == round(duckdb.sql(total).fetchall()[0][0] + 1, 2)
    after = kit.contents(sample)
    assert {n: h for n, h in after.items() if n.startswith("gold/")} == {
        n: h for n, h in original.items() if n.startswith("gold/")
    }
