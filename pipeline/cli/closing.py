"""The last lines of a build: what a person must know of it, worst first, in sentences with figures and what mends it.

What belongs here: these sentences, made of plain facts. What must not come in: gathering the facts (`build_outcome`, `gaps`),
tables (`summary`), printing.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pipeline.cli import lines
from pipeline.operations.build_outcome import Outcome
from pipeline.operations.gaps import Gaps, GateWarning, SuspiciousFile

MANY, FEW = 5, 3  # sentences of a kind; names in one sentence
KINDS, BROKEN = 10, 10  # kinds of readers' warnings; broken files, each with its reason
NPPES_FILE = "NPPES's monthly file (npidata_pfile, ZIP or CSV, download.cms.gov/nppes)"
_RELEASE = re.compile(r"(PFS|OPPS|ASC) (\d{4}) not loaded: .*")
_UNKNOWN_PLACE = re.compile(r"kind of places of service [\d|]+ unknown")
# Geography: staged table -> the file that fills it.
GEOGRAPHY = {
    "staged_zip_cbsa": "HUD's ZIP to CBSA crosswalk (ZIP_CBSA)",
    "staged_zip_county": "a list of the counties of ZIPs (HUD's ZIP_COUNTY)",
    "staged_zip_place": "GeoNames' postal codes (US.txt)",
    "staged_cbsa_county": "the CBSA delineation",
}
# What suites say, and the sentences about rows say already, with the file that would mend it.
SAID_HERE = frozenset(
    (
        "The registry knows at least 90 % of the NPIs.",
        "At least half of the rows have a provider that the registry knows.",
        "At least half of the rows have coordinates.",
        "At least 90 % of a month's facts resolve to an NPI.",
        "Every group has members.",
        "Every rate's provider group is defined in its file.",
        "No file gives cause for a warning.",
        "No file is broken.",
        "The rates of every file look like dollars.",
        "The billing class of every file looks right.",
    )
)
EMPTY = "The table is not empty."
# Tables made of reference files alone: that they are empty follows from a file that these sentences ask for.
FROM_REFERENCES = ("bench_", "dim_code_cat", "dim_npi_address")
SCHEDULES = ("staged_pfs_rvu", "staged_opps", "staged_asc")


@dataclass(frozen=True)
class Sentence:
    """One thing to know: a sentence, further ones that say what would mend it, and commands that do.

    `is_gap` where something is not in the tables that a reader would look for there.
    """

    text: str
    more: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    is_gap: bool = True


def sentences(outcome: Outcome, command: Callable[[str], str], *, brief: bool = False) -> list[Sentence]:
    """All that a person must know, worst first. `command` makes words of `ratehouse` a command to paste; `brief` counts
    what the gates and the readers warned of.
    """
    return [
        *_unusable(outcome),
        *_withheld(outcome),
        *_rejected(outcome, command),
        *_without_provider(outcome, command),
        *_without_price(outcome.gaps),
        *_without_place(outcome.gaps),
        *_without_category(outcome.gaps),
        *_not_positive(outcome.gaps),
        *_not_in_dollars(outcome.gaps),
        *_of_another_class(outcome.gaps),
        *_read_with_warnings(outcome, command, brief),
        *_gates(outcome.gaps, command, brief),
        *_unread(outcome, command),
    ]


def share(part: int, whole: int) -> str:
    """`98.0 % of the rows (197,301)`; `all 4 rows`; never 100.0 % of less than all, nor 0.0 % of any."""
    if part == whole:
        return f"all {whole:,} rows" if whole > 1 else "the one row"
    percent = min(max(100 * part / whole, 0.1), 99.9)
    return f"{percent:.1f} % of the rows ({part:,} of {whole:,})"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# ---- what is not built ----------------------------------------------------------------------------------------------


def _unusable(outcome: Outcome) -> Iterable[Sentence]:
    """What was asked for and is not up to date: the causes are named above, as FAILED."""
    kinds = Counter(event["task"] for event in outcome.failures)
    files, months = kinds.pop("raw.SourceFile", 0), kinds.pop("facts.FactRate", 0)
    if files:
        yield Sentence(f"{lines.counted(files, 'source')} cannot be used (FAILED, above): what rests on it waits.")
    if outcome.deciding:
        count, rows = lines.counted(len(outcome.deciding), "source"), sum(one.rows for one in outcome.deciding)
        yield Sentence(
            f"{count} cannot be seen (MISSING, above): what was read before, {lines.counted(rows, 'row')}, stays in every "
            "table."
        )
    if outcome.unlistable:
        count = lines.counted(len(outcome.unlistable), "path")
        yield Sentence(f"{count} under raw/ cannot be listed or read (FAILED, above), so what is there is not known.")
    if months:
        count = lines.counted(months, "month")
        yield Sentence(f"{count} cannot be built: what was published of it before stays as it was.")
    if others := kinds.total():
        yield Sentence(f"{lines.counted(others, 'table')} failed (FAILED, above).")
    without = {f"raw/{name}": a["year_month"] for a in outcome.accounts for name in a.get("skipped_files", ())}
    if without:
        count = lines.counted(len(without), "broken file")
        yield Sentence(f"{', '.join(sorted(set(without.values())))}: published WITHOUT the rows of {count}.")


def _withheld(outcome: Outcome) -> Iterable[Sentence]:
    rows = sum(a.get("withheld_rows", 0) for a in outcome.accounts)
    leaves = sum(a.get("withheld_leaves", 0) for a in outcome.accounts)
    if leaves:
        count, files = lines.counted(rows, "row"), lines.counted(leaves, "leaf", "leaves")
        yield Sentence(
            f"{count} in {files} are withheld, for a check failed (WITHHELD, above): no view of the catalog has them."
        )


def _rejected(outcome: Outcome, command: Callable[[str], str]) -> Iterable[Sentence]:
    rejected = sum(a.get("rejected", 0) or 0 for a in outcome.accounts)
    if rejected:
        read = sum(a.get("rates_read", 0) or 0 for a in outcome.accounts)
        yield Sentence(
            f"{rejected:,} of {lines.counted(read, 'rate')} read could not be understood and are in no table; the first "
            "of each file are under quarantine/records.",
            commands=(command("sources"),),
        )
    without = sum(a.get("without_provider") or 0 for a in outcome.accounts)
    if without:
        read = sum(a.get("prices_read") or 0 for a in outcome.accounts)
        yield Sentence(
            f"{without:,} of {lines.counted(read, 'price')} read name no provider group, so no row comes of them: their "
            "publisher has to say whose they are.",
            commands=(command("sources --warnings"),),
        )


# ---- what rows are without ------------------------------------------------------------------------------------------


def _without_provider(outcome: Outcome, command: Callable[[str], str]) -> Iterable[Sentence]:
    gaps = outcome.gaps
    nobody, unregistered = gaps.counts["without_npi"], gaps.counts["unregistered"]
    missing = sum(count for _, count in outcome.missing_references)
    what, files = lines.counted(missing, "reference"), lines.counted(len(outcome.missing_references), "file")
    fetch = f"missing: {what} of {files}, known by address alone; to fetch them:"
    if not (gaps.rows and (nobody or unregistered)):
        if missing:
            yield Sentence(fetch, commands=(command("fetch --references"),))
        return
    text = f"{_capital(share(nobody + unregistered, gaps.rows))} have no known provider: no name, specialty or address."
    more = []
    if unregistered:
        rows = lines.counted(unregistered, "row")
        if gaps.staged["staged_nppes"]:
            more.append(
                f"{rows}: the files in raw/nppes/ do not have their NPIs. Put the newest of {NPPES_FILE} there."
            )
        else:
            more.append(f"{rows}: raw/nppes/ holds no provider registry. Put {NPPES_FILE} there.")
    if nobody:
        rows = lines.counted(nobody, "row")
        if missing:
            more.append(f"{rows}: their groups are known by web address alone, or list no NPI.")
        else:
            more.append(f"{rows}: their groups list no NPI, or nobody defines them; no file mends that.")
    yield Sentence(text, tuple(more))
    if missing:
        yield Sentence(fetch, commands=(command("fetch --references"),))


def _without_price(gaps: Gaps) -> Iterable[Sentence]:
    """Rows that a fee schedule would price, if it were there."""
    unpriced = gaps.unpriced.total()
    whole = unpriced + gaps.priced
    mendable: dict[str, int] = {}
    for (month, why), rows in sorted(gaps.unpriced.items()):
        if file := mending_file(why, month, gaps.staged):
            mendable[file] = mendable.get(file, 0) + rows
    if not mendable and (gaps.priced or not whole):
        return
    most = sorted(mendable.items(), key=lambda one: (-one[1], one[0]))
    more = [f"{lines.counted(rows, 'row')}: {file}." for file, rows in most[:MANY]]
    if rest := sum(rows for _, rows in most[MANY:]):
        more.append(f"{lines.counted(rest, 'row')}: {len(most) - MANY:,} more such files are named by the table above.")
    if not any(gaps.staged[name] for name in SCHEDULES) and not any(_RELEASE.match(why) for _, why in gaps.unpriced):
        more.append("raw/medicare/ holds no fee schedule: put CMS's RVU zips there, and OPPS and ASC addenda.")
    if other := unpriced - sum(mendable.values()):
        more.append(f"{lines.counted(other, 'row')}: of kinds that Medicare has no rate for; no file mends that.")
    yield Sentence(f"{_capital(share(unpriced, whole))} have no Medicare rate.", tuple(more))


def mending_file(reason: str, month: str, staged: Mapping[str, int]) -> str | None:
    """What to put where, so that rows which have no Medicare rate for a reason (`benchmark_reason`) get one.

    `staged` is reference table -> rows. None where no file would: Medicare prices no such rate, or the file that is there
    has no rate for the code.
    """
    if reason == "state unknown":
        newest = "the newest of " if staged.get("staged_nppes") else ""
        return f"the state of their provider is not known. Put {newest}{NPPES_FILE} into raw/nppes/"
    if _UNKNOWN_PLACE.fullmatch(reason):
        newest = "the newest " if staged.get("staged_pos_code") else "the "
        return f"the kind of a place of service is not known. Put {newest}place-of-service codes into raw/pos/"
    found = _RELEASE.match(reason)
    if not found:
        return None
    schedule, year = found.groups()
    quarter = (int(month[5:7]) - 1) // 3
    letter, first = "ABCD"[quarter], ("January", "April", "July", "October")[quarter]
    files = {
        "PFS": f"CMS's RVU{year[2:]}{letter} zip (its PPRRVU, GPCI and LOCCO tables)",
        "OPPS": f"CMS's OPPS Addendum B of {first} {year} and the wage index of {year}",
        "ASC": f"CMS's ASC addenda AA, BB and FF of {first} {year} and the wage index of {year}",
    }
    names = {
        "PFS": "physician fee schedule",
        "OPPS": "outpatient schedule (OPPS)",
        "ASC": "surgical centre schedule (ASC)",
    }
    return f"no {names[schedule]} of {year} is there. Put {files[schedule]} into raw/medicare/"


def _without_place(gaps: Gaps) -> Iterable[Sentence]:
    unplaced, bare = gaps.counts["unplaced"], gaps.counts["without_coordinates"]
    if not gaps.rows or not (unplaced or bare):
        return
    lacking = [file for table, file in GEOGRAPHY.items() if not gaps.staged[table]]
    more = [f"raw/geo/ lacks {' and '.join(lacking)}."] if lacking else []
    if not lacking:
        more = ["Their addresses are abroad, military, or of ZIPs that the files in raw/geo/ do not have."]
    if unplaced:
        yield Sentence(f"{_capital(share(unplaced, gaps.rows))} have a provider, but no county or area.", tuple(more))
    elif lacking:
        yield Sentence(f"{_capital(share(bare, gaps.rows))} have a provider, but no coordinates.", tuple(more))


def _without_category(gaps: Gaps) -> Iterable[Sentence]:
    count = gaps.counts["uncategorised"]
    if gaps.rows and count and not gaps.staged["staged_category"]:
        yield Sentence(
            f"{_capital(share(count, gaps.rows))} have no procedure category.",
            ("raw/codes/ holds no categories. Put RBCS (data.cms.gov) there.",),
        )


def _not_positive(gaps: Gaps) -> Iterable[Sentence]:
    count = gaps.counts["not_positive"]
    if gaps.rows and count:
        yield Sentence(
            f"{_capital(share(count, gaps.rows))} have a rate of zero or less: negotiated_dollars and the ratios are null there.",
            is_gap=False,
        )


# ---- files that should be looked at as a whole ----------------------------------------------------------------------


def _not_in_dollars(gaps: Gaps) -> Iterable[Sentence]:
    found = [one for one in gaps.suspicious if one.not_in_dollars]
    for one in found[:MANY]:
        text = (
            f"{_file_of(one)}: this file may not be in dollars. The middle of its {one.compared:,} ratios to Medicare's "
            f"rates is {one.median_ratio:.3g}."
        )
        yield Sentence(text, is_gap=False)
    if len(found) > MANY:
        text = f"{len(found) - MANY:,} more files may not be in dollars: source_price_check has them."
        yield Sentence(text, is_gap=False)


def _of_another_class(gaps: Gaps) -> Iterable[Sentence]:
    """Files whose institutional rates look like physicians' fees, with the declaration that says so, to paste."""
    found = [one for one in gaps.suspicious if one.of_another_class]
    for one in found[:MANY]:
        text = (
            f"{_file_of(one)}: {one.class_suspect:,} of {lines.counted(one.class_open, 'institutional rate')} without a "
            "setting and places of service look like physicians' fees, and are flagged class_suspect."
        )
        if one.is_in_network:
            yield Sentence(
                f"{text} To declare them so, put into raw/declarations/classes.yml:", (), _declaration(one), False
            )
        else:
            yield Sentence(text, is_gap=False)
    if len(found) > MANY:
        text = f"{len(found) - MANY:,} more files have such rates: source_price_check has them."
        yield Sentence(text, is_gap=False)


def _file_of(one: SuspiciousFile) -> str:
    return f"{'raw/mrf/' if one.is_in_network else ''}{one.file} ({one.month})"


def _declaration(one: SuspiciousFile) -> tuple[str, ...]:
    """The lines of a declaration for the file."""
    return (
        f"- files: {json.dumps(one.file)}",
        "  set:",
        "    billing_class: professional",
        "    billing_class_where:",
        "      {billing_class: institutional, setting: null, service_code: null}",
        f"  reason: {one.class_suspect:,} of {one.class_open:,} such rates look like physicians' fees",
    )


# ---- what was warned of ---------------------------------------------------------------------------------------------


def _read_with_warnings(outcome: Outcome, command: Callable[[str], str], brief: bool) -> Iterable[Sentence]:
    found = [
        one for one in outcome.source_warnings if one.kind != "reference_unusable"
    ]  # named above, with their reasons
    if brief and found:
        count = lines.counted(sum(one.count for one in found), "warning")
        kinds = lines.counted(len(found), "kind")
        text = f"Reading the in-network files gave {count} of {kinds}."
        yield Sentence(text, commands=(command("sources --warnings"),), is_gap=False)
        return
    for one in found[:KINDS]:
        where = f"{lines.counted(one.count, 'time')} in {lines.counted(one.files, 'file')}, first {one.example}"
        yield Sentence(f"warning: {one.kind}: {one.meaning} {where}", is_gap=False)
    if len(found) > KINDS:
        text = f"{len(found) - KINDS:,} more kinds of warnings."
        yield Sentence(text, commands=(command("sources --warnings"),), is_gap=False)


def _gates(gaps: Gaps, command: Callable[[str], str], brief: bool) -> Iterable[Sentence]:
    """The gates' warnings but those that the sentences about rows say already."""
    found = [
        one
        for one in gaps.gates
        if one.says not in SAID_HERE
        and not (one.says == EMPTY and all(table.startswith(FROM_REFERENCES) for table in one.rows))
    ]
    if not found:
        return
    docs = command("docs")
    if brief:
        text = f"The gates warn of {lines.counted(len(found), 'thing')}."
        yield Sentence(text, commands=(docs,), is_gap=False)
        return
    for one in found[:MANY]:
        yield Sentence(_gate(one), is_gap=False)
    if len(found) > MANY:
        text = f"The gates warn of {len(found) - MANY:,} more."
        yield Sentence(text, commands=(docs,), is_gap=False)


def _gate(one: GateWarning) -> str:
    """A warning of a gate as a sentence: what does not hold, of how many rows of which tables, and why it matters."""
    of = [table if rows is None else f"{lines.counted(rows, 'row')} of {table}" for table, rows in one.rows.items()]
    if len(of) > FEW:
        of = [*of[:FEW], lines.counted(len(of) - FEW, "more table")]
    months = ""
    if one.months:
        months = f" ({one.months[0]})" if len(one.months) == 1 else f" ({one.months[0]} to {one.months[-1]})"
    return f'warning: "{one.says.rstrip(".")}" does not hold of {", ".join(of)}{months}. {one.notes}'


def _unread(outcome: Outcome, command: Callable[[str], str]) -> Iterable[Sentence]:
    """Files under raw/ that are not read, for a person may have meant them to be."""
    named = {f"raw/{name}" for a in outcome.accounts for name in a.get("skipped_files", ())}
    broken = [pair for pair in outcome.skipped_broken if pair[0] not in named]
    others = [pair for pair in outcome.skipped if pair not in outcome.skipped_broken]
    each = [*broken[:BROKEN], *(others if len(others) <= FEW else ())]
    for name, why in each:
        yield Sentence(f"skipped: {name}: {why}", is_gap=(name, why) in broken)
    if len(others) > FEW:
        names = ", ".join(name for name, _ in others[:FEW])
        text = f"skipped: {len(others):,} files that no reader takes: {names} and {len(others) - FEW:,} more."
        yield Sentence(text, commands=(command("status"),), is_gap=False)
    if len(broken) > BROKEN:
        text = f"skipped: {len(broken) - BROKEN:,} more files that are broken or misplaced."
        yield Sentence(text, commands=(command("status"),))
    for pattern, count in outcome.ignored.items():
        yield Sentence(f"ignored: {lines.counted(count, 'file')} by [raw] ignore = {pattern}", is_gap=False)
