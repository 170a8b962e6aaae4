"""What a build ends with: a table by stage, the accounts by month, what failed, and the next commands."""

from __future__ import annotations

import shlex
import sys

import click

from pipeline import paths
from pipeline.building import Outcome
from pipeline.cli.progress import STAGES

MANY = 10


def show(outcome: Outcome) -> None:
    """Print how a build ended; failures go to standard error."""
    if outcome.nothing_to_do:
        facts = sum(a["facts"] for a in outcome.accounts)
        click.echo(f"nothing to do: {len(outcome.accounts)} months, {facts:,} facts are up to date")
        _passed_over(outcome)
        return
    _stages(outcome)
    _accounts(outcome)
    _passed_over(outcome)
    _failures(outcome)
    _next(outcome)


def show_rerun(outcome: Outcome, month: str, name: str) -> None:
    """Print how the rerun of a leaf ended."""
    if outcome.ok:
        built = any(e["event"] == "done" and e["task"] == "enriched.Partition" for e in outcome.events)
        what = "is published" if built else "was up to date already"
        click.echo(f"{name} of {month} {what} ({outcome.seconds:.1f} s)")
        return
    _failures(outcome)


def _table(title: str, columns: list[tuple[str, str]], rows: list[list[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name, side in columns:
        table.add_column(name, justify=side, no_wrap=True)
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 80, highlight=False, markup=False).print(table)


def _stages(outcome: Outcome) -> None:
    rows = []
    for stage in STAGES:
        events = [e for e in outcome.events if e.get("task", "").split(".")[0] == stage]
        # EnrichedMonth compiles what its groups wrote: its rows are theirs.
        done = [e for e in events if e["event"] == "done"]
        counted = [e for e in done if e["task"] not in ("enriched.EnrichedGroup", "enriched.LeafPlan", "enriched.FactRateEnriched")]
        failed = {e["label"] for e in events if e["event"] == "failed"}
        same = {e["label"] for e in events if e["event"] == "unchanged"} - {e["label"] for e in done}
        if not (done or failed or same):
            continue
        gates, warnings = sum(e["gates"] for e in done), sum(e["warnings"] for e in done)
        leaves = sum(e["files"] for e in done if e["task"] in ("enriched.EnrichedGroup", "enriched.Partition"))
        verdict = f"{gates} passed" if gates else "-"
        if warnings:
            verdict += f", {warnings} warnings"
        if failed:
            verdict += f", {len(failed)} FAILED"
        rows.append(
            [
                stage,
                f"{len({e['label'] for e in counted}):,}",
                f"{len(same):,}",
                f"{sum(e['rows'] for e in counted):,}",
                f"{leaves:,}" if stage == "enriched" else "-",
                f"{sum(e['seconds'] for e in done):.1f}",
                verdict,
            ]
        )
    names = ["stage", "built", "same", "rows", "leaves", "seconds", "gates"]
    sides = ["left", "right", "right", "right", "right", "right", "left"]
    _table("", list(zip(names, sides, strict=True)), rows)


def _accounts(outcome: Outcome) -> None:
    names = ["month", "rates\nread", "=\nfacts", "+ dupli-\ncates", "+ re-\njected", "+ corrected\naway", "leaves", "with-\nheld"]
    rows = [
        [
            a["year_month"],
            f"{a['rates_read']:,}",
            f"{a['rate_facts']:,}",
            f"{a['duplicates']:,}",
            f"{a['rejected']:,}",
            f"{a['corrected_away']:,}",
            f"{a['leaves']:,}",
            f"{a['withheld_leaves']:,}",
        ]
        for a in outcome.accounts
    ]
    if len(rows) > 1:
        keys = ["rates_read", "rate_facts", "duplicates", "rejected", "corrected_away", "leaves", "withheld_leaves"]
        rows.append(["all", *(f"{sum(a[k] for a in outcome.accounts):,}" for k in keys)])
    _table("", [(n, "left" if n == "month" else "right") for n in names], rows)
    for account in outcome.accounts:
        if account["star_facts"]:
            click.echo(f"{account['year_month']} has {account['star_facts']:,} facts more, from star schemas alone")
        for name in account["skipped_files"]:
            click.echo(f"warning: {account['year_month']} was published WITHOUT {name}, which cannot be read")


def _passed_over(outcome: Outcome) -> None:
    for name, why in outcome.passed_over[:MANY]:
        click.echo(f"passed over: {name}: {why}")
    _more(len(outcome.passed_over))


def _failures(outcome: Outcome) -> None:
    sys.stdout.flush()
    shown = set()
    for event in outcome.failures:
        text = event["error"].rstrip()
        if text in shown:
            continue
        shown.add(text)
        if not event.get("known"):
            text += "\n  this is a fault of ratehouse; the trace above and data/.state/logs/luigi.log are what to report"
        label = "" if event["label"] in text else f"{event['label']}: "
        click.echo(f"FAILED {label}{text}", err=True)
    for month, name, why in outcome.withheld[:MANY]:
        click.echo(f"WITHHELD {month} {name}\n  {why}", err=True)
    _more(len(outcome.withheld))
    waiting = [(label, why) for label, why in outcome.incomplete if label not in {e["label"] for e in outcome.failures}]
    for label, why in waiting[:MANY]:
        click.echo(f"not up to date: {label}: {why}", err=True)
    _more(len(waiting))


def _next(outcome: Outcome) -> None:
    root = paths.current()
    if outcome.withheld or outcome.failures or outcome.incomplete:
        click.echo("next, once the cause is mended:", err=True)
        for month, name, _ in outcome.withheld[:MANY]:
            click.echo(f"  ratehouse --root {shlex.quote(str(root.path))} rerun {shlex.quote(name)} --month {month}", err=True)
        click.echo(f"  ratehouse --root {shlex.quote(str(root.path))} build", err=True)
        return
    click.echo(f"the warehouse is up to date ({outcome.seconds:.1f} s); next:")
    click.echo(f"  duckdb {root.catalog} 'SELECT * FROM fact_rate_enriched LIMIT 5'")
    click.echo("  ratehouse status · ratehouse sources · ratehouse partitions · make docs")


def _more(count: int) -> None:
    if count > MANY:
        click.echo(f"  … and {count - MANY:,} more (ratehouse status lists them)", err=True)
