"""What a build ends with: a table by stage, the accounts by month, what failed, and the next commands.

What belongs here: printing an outcome. What must not come in: judging it (`operations.build`), the sentences on what
rows are without (`closing`).
"""

from __future__ import annotations

import shlex
import sys
from collections import Counter

import click

from pipeline import paths, session
from pipeline.cli import closing, lines, missing, month_accounts, reference_warnings
from pipeline.cli.progress import STAGES
from pipeline.operations.build_outcome import Outcome
from pipeline.storage.catalog_file import OWN_VIEWS

MANY = 10
UP_TO_DATE = "was up to date already; --force builds it again"

# Tables that count rows of their stage: their own are none of it.
COUNTS = ("enriched.Coverage", "enriched.CoverageGap")


def show(outcome: Outcome) -> None:
    """Print how a build ended; failures go to standard error."""
    if outcome.nothing_to_do:
        months, facts = len(outcome.accounts), sum(a["facts"] for a in outcome.accounts)
        state = "all up to date" if outcome.ok else "built as far as their sources are seen"
        click.echo(f"nothing to do: {lines.counted(months, 'month')}, {lines.counted(facts, 'fact')}, {state}")
        _warnings(outcome)
        show_missing(outcome)
        if not outcome.ok:
            show_failures(outcome)
        _close(outcome, brief=True)
        if not outcome.ok:
            _next(outcome)
        return
    _stages(outcome)
    month_accounts.show(outcome.accounts)
    _benchmarks(outcome)
    _warnings(outcome)
    show_failures(outcome)
    show_missing(outcome)
    _close(outcome)
    _next(outcome)


def show_rerun(outcome: Outcome, month: str, name: str) -> None:
    """Print how the rerun of a leaf ended."""
    if outcome.ok:
        built = any(e["event"] == "done" and e["task"] == "enriched.Partition" for e in outcome.events)
        what = "is published" if built else UP_TO_DATE
        if built and name in outcome.same:
            what = "was written again, with the bytes that it had"
        if outcome.gone:
            what = "has no rows any more, and no leaf"
        click.echo(f"{month} {name}\n  {what} ({outcome.seconds:.1f} s)")
        return
    show_failures(outcome)
    show_missing(outcome)
    click.echo("next, once the cause is mended:", err=True)
    click.echo(f"  {_rerun(month, name)}", err=True)


def show_rerun_of_tables(outcome: Outcome, names: list[str]) -> None:
    """Print how the rerun of tables ended, a line for each."""
    built = {e["label"] for e in outcome.events if e["event"] == "done"}
    failed = {e["label"] for e in outcome.failures} | {label for label, _ in outcome.incomplete}
    for name in names:
        if name in failed:
            continue
        what = UP_TO_DATE
        if name in outcome.same:
            what = "was built again, with the bytes that it had"
        elif name in built:
            what = "was built with other bytes; a build brings what depends on it up to date"
            what = what if name in outcome.hashes else "was built"
        click.echo(f"{name}\n  {what}")
    click.echo(f"{len(built & set(names)):,} built ({outcome.seconds:.1f} s)")
    if not outcome.ok:
        show_failures(outcome)
        show_missing(outcome)
        click.echo("next, once the cause is mended:", err=True)
        click.echo(f"  {_command('build')}", err=True)


def show_missing(outcome: Outcome) -> None:
    """What was let go of, and what is missing."""
    missing.show(outcome, _command)


def _stages(outcome: Outcome) -> None:
    rows = []
    for stage in STAGES:
        events = [e for e in outcome.events if e.get("task", "").split(".")[0] == stage]
        # EnrichedMonth compiles what its groups wrote: its rows are theirs.
        done = [e for e in events if e["event"] == "done"]
        counted = [
            e for e in done if e["task"] not in ("enriched.EnrichedGroup", "enriched.LeafPlan", "enriched.EnrichedRows")
        ]
        failed = {e["label"] for e in events if e["event"] == "failed"}
        held = {e["label"] for e in events if _is_withheld(e)}
        same = {e["label"] for e in events if e["event"] == "unchanged"} - {e["label"] for e in done}
        if not (done or failed or same):
            continue
        gates, warnings = sum(e["gates"] for e in done), sum(e["warnings"] for e in done)
        leaves = sum(e["files"] for e in done if e["task"] in ("enriched.EnrichedGroup", "enriched.Partition"))
        broken = sum(e.get("status") == "broken" for e in done)
        verdict = [f"{gates} passed"] if gates else []
        verdict += [lines.counted(warnings, "warning")] if warnings else []
        verdict += [f"{broken} BROKEN"] if broken else []
        verdict += [f"{len(held)} WITHHELD"] if held else []
        verdict += [f"{len(failed - held)} FAILED"] if failed - held else []
        rows.append(
            [
                stage,
                f"{len({e['label'] for e in counted}):,}",
                f"{len(same):,}",
                f"{sum(e['rows'] for e in counted if e['task'] not in COUNTS):,}",
                f"{leaves:,}" if stage == "enriched" else "-",
                f"{sum(e['seconds'] for e in done):.1f}",
                ", ".join(verdict) or "-",
            ]
        )
    names = ["stage", "built", "same", "rows", "leaves", "seconds", "gates"]
    sides = ["left", "right", "right", "right", "right", "right", "left"]
    if rows:
        lines.table(list(zip(names, sides, strict=True)), rows)


def _benchmarks(outcome: Outcome) -> None:
    """What share of the facts has a Medicare rate, by billing class and code type; from which release, or why none."""
    total: Counter[tuple[str, str]] = Counter()
    priced: Counter[tuple[str, str]] = Counter()
    origins: Counter[tuple[bool, str]] = Counter()
    for account in outcome.accounts:
        for billing_class, code_type, has_rate, origin, rows in account["benchmarks"]:
            kind = (billing_class or "-", code_type or "-")
            total[kind] += rows
            priced[kind] += rows if has_rate else 0
            origins[has_rate, origin] += rows
    if not total:
        return
    facts = total.total()
    shown = [[*k, f"{n:,}", f"{priced[k]:,}", _share(priced[k], n)] for k, n in sorted(total.items())]
    if len(shown) > 1:
        shown.append(["all", "", f"{facts:,}", f"{priced.total():,}", _share(priced.total(), facts)])
    names = ["billing class", "code type", "facts", "with a Medicare\nrate", "share"]
    lines.table(list(zip(names, ["left", "left", "right", "right", "right"], strict=True)), shown)
    most = sorted(origins.items(), key=lambda item: (not item[0][0], -item[1], item[0][1]))
    shown = [
        ["rate" if has_rate else "none", origin, f"{n:,}", _share(n, facts)] for (has_rate, origin), n in most[:MANY]
    ]
    rest = sum(n for _, n in most[MANY:])
    if rest:
        shown.append(["", f"and {len(most) - MANY:,} more", f"{rest:,}", _share(rest, facts)])
    names = ["", "Medicare release, or why there is no rate", "facts", "share"]
    lines.table(list(zip(names, ["left", "left", "right", "right"], strict=True)), shown)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"


def _warnings(outcome: Outcome) -> None:
    """What months are published without, and references that cannot be used: part of what the figures mean."""
    reasons = dict(outcome.skipped)
    warnings = [
        f"warning: {a['year_month']} is published WITHOUT raw/{name}: {reasons.get(f'raw/{name}', 'it could not be read')}"
        for a in outcome.accounts
        for name in a["skipped_files"]
    ]
    warnings += [
        f"warning: the reference {url} of raw/{name} cannot be used: {why}"
        for name, url, why in outcome.unusable_references
    ]
    warnings += [
        f"warning: another program had changed warehouse.duckdb: what it made is kept in {event['place']}/; {OWN_VIEWS}"
        for event in outcome.events
        if event["event"] == "set_aside"
    ]
    warnings += reference_warnings.by_kind(outcome.reference_warnings)
    for line in warnings[:MANY]:
        click.echo(lines.wrapped(line))
    _more(len(warnings), "status", err=False)


def _close(outcome: Outcome, *, brief: bool = False) -> None:
    """The sentences that a build ends with, after the line that says whether all is up to date."""
    found = closing.sentences(outcome, _command, brief=brief)
    if outcome.ok and not brief:
        but = ", but:" if any(one.is_gap for one in found) else "; to know:" if found else ""
        click.echo(f"the warehouse is up to date ({outcome.seconds:.1f} s){but}")
    elif found and not brief:
        click.echo("what to know of this build, worst first:")
    for one in found:
        click.echo(lines.wrapped(one.text))
        for line in one.more:
            click.echo(lines.wrapped(line, "  "))
        for line in one.commands:
            click.echo(f"  {line}")
    sys.stdout.flush()


def show_failures(outcome: Outcome) -> None:
    """What is broken, then what failed, then which months are blocked by it; what waits for that; what is withheld."""
    sys.stdout.flush()
    order = {"raw.SourceFile": 0, "facts.FactRate": 2}
    failures = sorted((e for e in outcome.failures if not _is_withheld(e)), key=lambda e: order.get(e["task"], 1))
    facts = [event["fact"] for event in failures if "fact" in event]
    shown: set[str] = set()
    alike: dict[str, list[str]] = {}
    for event in failures:
        text = event["error"].rstrip()
        if event["task"] == "facts.FactRate":  # what is wrong with its files was said once
            for fact in facts:
                text = text.replace(f": {fact}", " (above)")
        if event.get("kind") == "PublishError":  # one disk is full for all
            alike.setdefault(text.partition(": cannot be written: ")[2], []).append(event["label"])
            if len(alike[text.partition(": cannot be written: ")[2]]) > 1:
                continue
        if text in shown:
            continue
        shown.add(text)
        label = "" if event["label"] in text else f"{event['label']}: "
        if event.get("known"):
            click.echo(lines.wrapped(f"FAILED {label}{text}"), err=True)
        else:
            click.echo(f"FAILED {label}{text}", err=True)
            click.echo("  this is a fault of ratehouse; the trace above and this log are what to report:", err=True)
            click.echo(f"  {session.current().state}/logs/luigi.log", err=True)
    for labels in alike.values():
        if len(labels) > 1:
            click.echo(lines.wrapped(f"FAILED for the same reason: {', '.join(dict.fromkeys(labels[1:]))}"), err=True)
    for error in outcome.unlistable:
        click.echo(lines.wrapped(f"FAILED {error}"), err=True)
    _waiting(outcome)
    for month, name, why in outcome.withheld[:MANY]:
        click.echo(f"WITHHELD {month} {name}", err=True)
        click.echo(lines.wrapped(why, "  "), err=True)
    _more(len(outcome.withheld), "partitions")
    if outcome.withheld:
        place = f"{session.current().quarantine}/enriched"
        click.echo(lines.wrapped(f"the rows and the reason of each are under {place}", "  ", ""), err=True)


def _waiting(outcome: Outcome) -> None:
    """What is not up to date: in one line where something that failed is the cause, else each with its own."""
    failed = {e["label"] for e in outcome.failures}
    causes: dict[str, list[str]] = {}
    others = []
    for label, why in outcome.incomplete:
        cause = why.partition(": ")[0]
        if label in failed:
            continue
        if cause in failed:
            causes.setdefault(cause, []).append(label)
        else:
            others.append(f"not up to date: {label}: {why}")
    for cause, labels in causes.items():
        more = f" and {len(labels) - MANY:,} more (ratehouse status lists them)" if len(labels) > MANY else ""
        click.echo(lines.wrapped(f"waiting for {cause}: {', '.join(labels[:MANY])}{more}"), err=True)
    for line in others[:MANY]:
        click.echo(lines.wrapped(line), err=True)
    _more(len(others), "status")


def _is_withheld(event: dict) -> bool:
    return event.get("event") == "failed" and event.get("kind") == "WithheldPartition"


def _next(outcome: Outcome) -> None:
    if not outcome.ok:
        click.echo("next, once the cause is mended:", err=True)
        for month, name, _ in outcome.withheld[:MANY]:
            click.echo(f"  {_rerun(month, name)}", err=True)
        click.echo(f"  {_command('build')}", err=True)
        return
    click.echo("next:")
    for words in ("query 'SUMMARIZE fact_rate_enriched'", "status", "sources", "partitions", "docs"):
        click.echo(f"  {_command(words)}")


def _rerun(month: str, name: str) -> str:
    return _command(f"rerun {shlex.quote(name)} --month {month}")


def _command(words: str) -> str:
    return paths.command(words, session.current().path)


def _more(count: int, command: str, *, err: bool = True) -> None:
    if count > MANY:
        click.echo(f"  … and {count - MANY:,} more ({_command(command)} lists them)", err=err)
