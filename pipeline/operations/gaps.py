"""Counts what the published rows lack (a provider, a Medicare rate) and what the gates warned of, from stamps alone: no
data file is opened.

What belongs here: gathering them, for the end of a build. What must not come in: counting rows (the stage that makes
them does it, and leaves the figures in its stamp), words for a person (`cli.closing`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipeline.stages import coverage, enriched_rows, ingest, xrefs
from pipeline.storage.stamps import Stamp
from pipeline.tasks.base import TableTask

# (kind, reason) of gaps -> the name under which the end of a build counts it.
_COUNTED = {
    ("provider", "the group names no NPI"): "without_npi",
    ("provider", "the registry does not know the NPI"): "unregistered",
    ("place", "the address is in no known county or area"): "unplaced",
    ("coordinates", "the address has no coordinates"): "without_coordinates",
    ("category", "the code has no category"): "uncategorised",
    ("dollars", "the rate is not above zero"): "not_positive",
}


@dataclass(frozen=True)
class GateWarning:
    """An expectation that did not hold, of one or several tables and months.

    `says` is what the suite says of a table that passes, `notes` why it matters, `rows` table -> how many rows failed,
    None where the expectation is not about rows.
    """

    says: str
    notes: str
    months: tuple[str, ...]
    rows: Mapping[str, int | None]


@dataclass(frozen=True)
class SuspiciousFile:
    """A file whose rates should be looked at as a whole: a row of source_price_check.

    file            its path under raw/mrf; of an imported star schema its id
    not_in_dollars  whether the middle of its ratios says so; of_another_class whether its open rates do
    is_in_network   whether it is an in-network file, which a declaration may be about
    """

    month: str
    file: str
    compared: int
    median_ratio: float | None
    class_open: int
    class_suspect: int
    not_in_dollars: bool
    of_another_class: bool
    is_in_network: bool


@dataclass(frozen=True)
class Gaps:
    """What the enriched rows of some months are without.

    rows          all of them, withheld ones too; None where a month was built by an earlier version
    counts        without_npi, unregistered, unplaced, without_coordinates, uncategorised, not_positive: rows of which that is the reason of a
                  gap (`coverage_gap`)
    unpriced      (month, why there is no Medicare rate) -> rows
    priced        rows with a Medicare rate
    staged        reference table (`staged_nppes`) -> rows that its files gave
    plans         what tables of contents and in-network files say of each other (`transforms.file_plans.counts`)
    gates         what the gates warned of: what is not about rows (it is about shares of all), then by most rows
    suspicious    files whose rates should be looked at as a whole, by month and file
    """

    rows: int | None = None
    counts: Counter[str] = field(default_factory=Counter)
    unpriced: Counter[tuple[str, str]] = field(default_factory=Counter)
    priced: int = 0
    staged: Counter[str] = field(default_factory=Counter)
    gates: tuple[GateWarning, ...] = ()
    suspicious: tuple[SuspiciousFile, ...] = ()
    plans: Mapping[str, int] = field(default_factory=dict)


def look(months: list[str], checked: Iterable[TableTask]) -> Gaps:
    """The gaps of months, and the warnings of the gates of `checked` tasks."""
    counts: Counter[str] = Counter()
    unpriced: Counter[tuple[str, str]] = Counter()
    facts, priced, known = 0, 0, True
    suspicious: list[SuspiciousFile] = []
    for month in months:
        rows_stamp = enriched_rows.EnrichedRows(month=month).stamp()
        suspicious += _suspicious(month, rows_stamp) if rows_stamp else []
        had, lacked = coverage.Coverage(month=month).stamp(), coverage.CoverageGap(month=month).stamp()
        if had is None or lacked is None:
            known = known and rows_stamp is None  # else an earlier version built it
            continue
        facts += had.notes["facts"]
        priced += had.notes["with_medicare"]
        for kind, reason, rows in lacked.notes["by_reason"]:
            if kind == "medicare":
                unpriced[month, reason] += rows
            elif name := _COUNTED.get((kind, reason)):
                counts[name] += rows
    staged: Counter[str] = Counter()
    for task in ingest.references():
        for name, part in (stamp.parts if (stamp := task.stamp()) else {}).items():
            staged[name] += part.rows
    of_files = tuple(suspicious), _plans()
    return Gaps(facts if known else None, counts, unpriced, priced, staged, _warnings(checked), *of_files)


def _plans() -> Mapping[str, int]:
    stamp = xrefs.XrefFilePlan().stamp()
    return stamp.notes["counts"] if stamp else {}


def _suspicious(month: str, stamp: Stamp) -> list[SuspiciousFile]:
    files = {task.batch_id: task.path for task in ingest.of_month(month)}
    return sorted(
        (
            SuspiciousFile(
                month,
                files.get(one["batch_id"], one["batch_id"]),
                is_in_network=one["batch_id"] in files,
                **_figures(one),
            )
            for one in stamp.notes.get("suspicious", ())
        ),
        key=lambda one: one.file,
    )


def _figures(row: dict) -> dict:
    names = ("compared", "median_ratio", "class_open", "class_suspect", "not_in_dollars", "of_another_class")
    return {name: row[name] for name in names}


def _warnings(checked: Iterable[TableTask]) -> tuple[GateWarning, ...]:
    """The warnings of tasks, those that say the same together."""
    alike: dict[tuple[str, str], list[tuple[str, str | None, int | None]]] = {}
    for task in checked:
        for table, failure in _failures(task.stamp()):
            key = failure.get("description") or failure["expectation"], failure["notes"]
            alike.setdefault(key, []).append((table, task.month_or_none, _rows(failure)))
    found = []
    for (says, notes), of in alike.items():
        rows: dict[str, int | None] = {}
        for table, _, count in of:
            known = rows.get(table)
            rows[table] = known if count is None else count + (known or 0)
        months = tuple(sorted({month for _, month, _ in of if month}))
        found.append(GateWarning(says, notes, months, rows))
    return tuple(sorted(found, key=_weight))


def _weight(one: GateWarning) -> tuple:
    most = max((rows for rows in one.rows.values() if rows is not None), default=None)
    return most is not None, -(most or 0), one.says


def _failures(stamp: Stamp | None) -> list[tuple[str, dict]]:
    gates = stamp.gates if stamp else {}
    return [(table, one) for table, gate in gates.items() for one in gate["failures"] if one["severity"] == "warning"]


def _rows(failure: dict) -> int | None:
    """The rows that failed an expectation; of one in SQL, whose rows may stand for several, what they say of themselves."""
    if failure["expectation"] != "unexpected_rows_expectation":
        return failure["unexpected_count"]
    if failure["detail"] and all("n" in row for row in failure["detail"]):
        return sum(row["n"] for row in failure["detail"])
    return None
