"""How a build ended: its outcome, and the facts of its last lines, gathered when all is built.

What belongs here: that, from stamps, the journal and what was seen of the sources. What must not come in: building, and
whether what was asked for stands (`operations.build`), words for a person (`cli.closing`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import luigi

from pipeline import errors, settings
from pipeline.operations import gaps, letting_go, reference_warnings
from pipeline.operations.gaps import Gaps
from pipeline.operations.letting_go import MissingSource
from pipeline.sources import listing, presence
from pipeline.sources.let_go import LetGo
from pipeline.stages import corrections, declarations, file_task, ingest
from pipeline.stages.warehouse import accounts_of, tables_of


@dataclass(frozen=True)
class FoundInSources:
    """A kind of issue in the in-network files (`readers.mrf_issues`): in how many files, how often, and the example of
    the file that has most of them, after its path."""

    kind: str
    meaning: str
    files: int
    count: int
    example: str


@dataclass
class Outcome:
    """How a build ended.

    failures            journal events of what failed
    withheld            (month, partition, reason)
    missing, deciding   the sources that were built and are not seen, archived ones too; those for which the build is not good
    let_go              the sources that it let go of
    unlistable          what under raw/ cannot be listed or, never read before, cannot be read
    skipped         (file, why) of what is not read and may have been meant to be; `skipped_broken` those of them that
                        are broken, where the build skips these; `ignored` pattern of `[raw] ignore` -> how many
    missing_references  (in-network file, how many); `unusable_references` (in-network file, address, why)
    source_warnings     what a person should know of the in-network files, the most frequent first
    reference_warnings  (reference file, kind, count, example)
    undeclared          in-network files that are not seen, of which something else is declared than when they were read
    uncorrected         (month, id, file, rates) of the corrections that were taken out
    gaps                what the published rows are without
    events              all of the build's, for the summary
    gone                whether the leaf to rerun has no rows any more
    hashes, same        of a rerun: what stood before, file by file; what was built by force and has the bytes that it had
    """

    nothing_to_do: bool = False
    scheduler: str = ""
    events: list[dict] = field(default_factory=list)
    failures: list[dict] = field(default_factory=list)
    withheld: list[tuple[str, str, str]] = field(default_factory=list)
    incomplete: list[tuple[str, str]] = field(default_factory=list)
    unlistable: list[errors.SourceError] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    skipped_broken: list[tuple[str, str]] = field(default_factory=list)
    ignored: dict[str, int] = field(default_factory=dict)
    missing_references: list[tuple[str, int]] = field(default_factory=list)
    unusable_references: list[tuple[str, str, str]] = field(default_factory=list)
    source_warnings: list[FoundInSources] = field(default_factory=list)
    reference_warnings: list[tuple[str, str, int, str]] = field(default_factory=list)
    accounts: list[dict] = field(default_factory=list)
    missing: list[MissingSource] = field(default_factory=list)
    deciding: list[MissingSource] = field(default_factory=list)
    let_go: list[LetGo] = field(default_factory=list)
    uncorrected: list[tuple[str, str, str, int]] = field(default_factory=list)
    undeclared: list[str] = field(default_factory=list)
    gaps: Gaps = field(default_factory=Gaps)
    seconds: float = 0.0
    gone: bool = False
    hashes: dict[str, dict[str, str]] = field(default_factory=dict)
    same: set[str] = field(default_factory=set)

    @property
    def ok(self) -> bool:
        """Whether everything that was asked for stands and is up to date."""
        return not (self.failures or self.withheld or self.incomplete or self.deciding or self.unlistable)


def look_for_missing(outcome: Outcome, asked: list[str] | None) -> None:
    """Which sources are not seen. Where months were asked for, those of others decide nothing."""
    outcome.missing = letting_go.missing()
    outcome.deciding = [
        one
        for one in outcome.missing
        if one.presence == presence.MISSING and (asked is None or not one.months or set(asked) & set(one.months))
    ]
    outcome.unlistable = [*presence.unlistable(), *corrections.unreadable()]
    outcome.uncorrected = [
        (e["month"], e["id"], e["file"], e["rates"]) for e in outcome.events if e["event"] == "uncorrected"
    ]


def look_back(outcome: Outcome, months: list[str], asked: list[str] | None, sources: list[luigi.Task]) -> None:
    """What the figures of months mean, and what they are without; `sources` are the tasks that read one each."""
    look_for_missing(outcome, asked)
    outcome.skipped_broken = skipped_broken(sources)
    outcome.skipped = [*skipped_files(), *outcome.skipped_broken]
    outcome.ignored = {pattern: len(found) for pattern, found in listing.ignored().items()}
    outcome.reference_warnings = reference_warnings.warned()
    outcome.accounts = [accounts_of(m) for m in months]
    for one in ingest.in_network():
        if one.missing_references:
            outcome.missing_references.append((one.raw_name, len(one.missing_references)))
        outcome.unusable_references += [(one.raw_name, *pair) for pair in one.unusable_references.items()]
    outcome.source_warnings = source_warnings()
    outcome.undeclared = [
        one.shown
        for one in ingest.in_network()
        if not one.is_seen and declarations.declared_since(one.path, one.set_stamp())
    ]
    outcome.gaps = gaps.look(months, [*sources, *tables_of(months)])


def source_warnings() -> list[FoundInSources]:
    """What a person should know of the in-network files, by kind."""
    by_kind: dict[str, list[dict]] = {}
    for one in ingest.in_network():
        for row in one.warning_rows():
            by_kind.setdefault(row["kind"], []).append(row)
    found = []
    for kind, rows in by_kind.items():
        most = max(rows, key=lambda row: row["count"])
        count, example = sum(row["count"] for row in rows), f"raw/mrf/{most['file']} {most['example']}"
        found.append(FoundInSources(kind, most["meaning"], len(rows), count, example))
    return sorted(found, key=lambda one: (-one.count, one.kind))


def skipped_files() -> list[tuple[str, str]]:
    """(file, why) of files that are not read by their name or content, and may have been meant to be."""
    found = [(f"raw/{one.path}", one.reason) for one in listing.skipped() if one.notable]
    found += [(f"raw/{t.raw_name}", t.reason) for t in ingest.references() if t.status == file_task.UNRECOGNISED]
    return found


def skipped_broken(sources: list[luigi.Task]) -> list[tuple[str, str]]:
    """(file, why) of broken and misplaced files, where the build skips them."""
    if not settings.build().skip_broken:
        return []
    found = [(f"raw/{t.raw_name}", t.reason) for t in sources if t.status == file_task.BROKEN]
    return found + [(m.error.place, m.error.fact) for m in listing.misplaced()]
