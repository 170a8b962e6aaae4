"""`ratehouse toc | fetch`: from a payer's table of contents to files under raw/; the only commands that use the network.

What belongs here: the options of both commands, and what they print. What must not come in: requests and files
(`fetching`).
"""

from __future__ import annotations

import itertools
import json
import shlex
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import click

from pipeline import errors, paths, raw_kinds, session
from pipeline.cli import lines
from pipeline.fetching import addresses

MANY = 10
PLANS = 3  # named of a file; --json has them all
MATCH = click.option(
    "--match", metavar="TEXT", help="Only files with this in their address, description or a plan (any case)."
)
LIMIT = click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the first N of them.")


@click.command()
@click.argument("toc_name", metavar="TOC")
@MATCH
@LIMIT
@click.option("--no-sizes", is_flag=True, help="Do not ask the servers how large the files are.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def toc(toc_name: str, match: str | None, limit: int | None, no_sizes: bool, as_json: bool) -> None:
    """List the in-network files of a table of contents.

    TOC is a file or an address. Of each file: its plans, its size where the server tells it, and whether it is here.

    \b
    Example: ratehouse toc https://payer.example/2025-08-01_index.json --match ppo
    """
    from pipeline.fetching import batch

    with batch.fetching(session.current()) as fetcher:
        contents = _contents(toc_name, fetcher)
        files = list(itertools.islice(contents.matching(match), limit))
        with ThreadPoolExecutor(batch.THREADS) as pool:
            sizes = [None] * len(files) if no_sizes else list(pool.map(fetcher.client.size, [f.url for f in files]))
        here = _here(fetcher)
        rows = [
            {
                "url": file.url,
                "description": file.description,
                "plans": [plan._asdict() for plan in contents.plans(file)],
                "bytes": size,
                **dict(zip(("here", "by"), here(file.url), strict=True)),
            }
            for file, size in zip(files, sizes, strict=True)
        ]
    if as_json:
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=False))
    else:
        _show(rows)
    _say_oddities(contents.oddities)


def _show(rows: list[dict]) -> None:
    for row in rows:  # an address is never cut: it is there to be copied
        click.echo(row["url"])
        names = [plan["plan_name"] or plan["plan_id"] or "a plan without a name" for plan in row["plans"]]
        more = f" and {len(names) - PLANS:,} more" if len(names) > PLANS else ""
        plans = f"{lines.counted(len(names), 'plan')}: {', '.join(names[:PLANS])}{more}" if names else "no plans"
        size = "size unknown" if row["bytes"] is None else f"{row['bytes']:,} bytes"
        details = [row["description"] or "no description", size, plans]
        if row["here"]:
            details.append(
                f"here: {row['here']}" if row["by"] == "content" else f"perhaps here, by its name: {row['here']}"
            )
        click.echo(lines.wrapped("  ".join(details), "  "))
    total = sum(row["bytes"] or 0 for row in rows)
    here = sum(row["by"] == "content" for row in rows)
    click.echo(f"{lines.counted(len(rows), 'file')}, {here:,} here, {total:,} bytes as far as servers tell")


def _say_oddities(oddities: list[str]) -> None:
    for line in oddities[:MANY]:
        click.echo(lines.wrapped(f"warning: {line}"), err=True)
    if len(oddities) > MANY:
        click.echo(f"  … and {len(oddities) - MANY:,} more entries that cannot be read", err=True)


@click.command()
@click.argument("toc_name", metavar="[TOC]", required=False)
@click.option("--references", is_flag=True, help="Fetch the provider references that files define by address.")
@click.option("--state", metavar="STATE", help="The folder under raw/mrf; with --references only its files.")
@MATCH
@LIMIT
def fetch(toc_name: str | None, references: bool, state: str | None, match: str | None, limit: int | None) -> int:
    """Download in-network files, or the references they lack.

    Files of TOC (a file or an address) go into raw/mrf/STATE. What broke off is gone on with, what is here is not
    fetched again. Exit 1 when one failed; raw/fetched/ledger.jsonl says why, and the same command tries again.

    \b
    Example: ratehouse fetch 2025-08-01_index.json --state GA --match ppo
    Example: ratehouse fetch --references
    """
    from pipeline.fetching import batch
    from pipeline.readers import provider_references

    if bool(toc_name) == references:
        raise errors.UsageError("name a table of contents, or --references", remedy="ratehouse fetch --help")
    if state is not None and state not in raw_kinds.STATES | {raw_kinds.EVERYWHERE}:
        raise errors.UsageError(f"{state} is no state", remedy="write its USPS code, such as GA, or US")
    if toc_name and state is None:
        raise errors.UsageError(
            "it is not said under which state the rates are analysed",
            remedy="add --state GA (or another), or --state US",
        )
    root = session.current()
    with batch.fetching(root) as fetcher:
        if references:
            wanted = (url for url in _wanted_references(root, state) if (match or "").casefold() in url.casefold())
            urls, folder, check = list(itertools.islice(wanted, limit)), None, provider_references.read
        else:
            contents = _contents(toc_name, fetcher)
            urls = [file.url for file in itertools.islice(contents.matching(match), limit)]
            folder, check = root.mrf / state, lambda path: None
            _say_oddities(contents.oddities)
        outcomes: list[batch.Outcome] = []
        with _progress() as (on_bytes, on_end):
            fetcher.fetch(urls, folder, check, on_bytes, lambda one: (outcomes.append(one), on_end(one)))
    options = {"--state": state, "--match": match, "--limit": limit}
    words = ["fetch", toc_name or "--references"]
    words += [word for name, value in options.items() if value is not None for word in (name, str(value))]
    return _sum_up(outcomes, "reference" if references else "file", shlex.join(words))


def _sum_up(outcomes: list, noun: str, again: str) -> int:
    """Say how many came, which failed and why, and the next command; the exit status."""
    counts = {state: [o for o in outcomes if o.state == state] for state in ("fetched", "here", "failed")}
    size = sum(o.bytes or 0 for o in counts["fetched"])
    click.echo(
        f"{lines.counted(len(counts['fetched']), noun)} fetched ({size:,} bytes), "
        f"{len(counts['here']):,} here already, {len(counts['failed']):,} failed"
    )
    sys.stdout.flush()
    for one in counts["failed"][:MANY]:
        click.echo(f"FAILED {one.url}", err=True)
        click.echo(lines.wrapped(one.reason, "  ", ""), err=True)
    root = session.current()
    if counts["failed"]:
        if len(counts["failed"]) > MANY:
            click.echo(f"  … and {len(counts['failed']) - MANY:,} more ({root.ledger} has them)", err=True)
        click.echo("next, to try these again:", err=True)
        click.echo(f"  {paths.command(again, root.path)}", err=True)
        return 1
    if counts["fetched"]:
        click.echo(f"next:\n  {paths.command('build', root.path)}")
    return 0


def _contents(name: str, fetcher):
    """A table of contents, fetched into raw/toc when an address is given; UsageError when there is no such file."""
    from pipeline.readers import toc as reader

    if not addresses.is_address(name):
        if not Path(name).is_file():
            raise errors.UsageError("no such file", place=name, remedy="name a table of contents, or its address")
        return reader.read(Path(name))
    found, contents = [], []
    with _progress() as (on_bytes, _):
        fetcher.fetch(
            [name], session.current().toc, lambda path: contents.append(reader.read(path)), on_bytes, found.append
        )
    if found[0].path is None:
        raise errors.FetchError(found[0].reason, place=name, remedy="look at what the address answers")
    return contents[0] if contents else reader.read(found[0].path)  # it was here


def _here(fetcher):
    """What tells of an address where its file stands, and whether by `content` or by `name` alone."""
    from pipeline.sources import listing

    listing.clear_caches()
    named = {name.rpartition("/")[2]: f"raw/mrf/{name}" for name in listing.in_network_files()}

    def here(url: str) -> tuple[str | None, str | None]:
        if not addresses.is_address(url):
            return None, None
        line = fetcher.unchanged(url)
        if line:
            return line["file"], "content"
        name = named.get(addresses.file_name(url))
        return (name, "name") if name else (None, None)

    return here


def _wanted_references(root: paths.Root, state: str | None) -> Iterator[str]:
    """The addresses of references that nothing usable stands for here, each once."""
    from pipeline.fetching.reference_lookup import ReferenceLookup
    from pipeline.readers import provider_references
    from pipeline.stages import ingest

    ingest.clear_caches()
    given: set[str] = set()
    for task in ingest.in_network():
        if state not in (None, task.state) or not task.is_seen:
            continue
        known = task.web_references()
        if known is None:  # it was not read yet, or is another file by now
            try:
                known = ReferenceLookup(root, task.file, list(provider_references.locations(task.file)))
            except errors.SourceError as problem:
                click.echo(lines.wrapped(f"warning: {problem}"), err=True)
                continue
        for url in known.urls:
            found = known.find(url)
            useless = found and url in task.unusable_references and found[0].is_relative_to(root.fetched)
            if (not found or useless) and url not in given:
                given.add(url)
                yield url


@contextmanager
def _progress() -> Iterator[tuple]:
    """(told, say): bars of what is on its way on a terminal, a line for each end when piped."""
    if not sys.stderr.isatty():
        yield lambda url, done, total: None, _say
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(20), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, transient=True) as bars:
        tasks: dict[str, int] = {}

        def on_bytes(url: str, done: int, total: int | None) -> None:
            name = addresses.identity(url)
            if name not in tasks:
                tasks[name] = bars.add_task(lines.shortened(addresses.file_name(url), 30), total=total)
            bars.update(tasks[name], completed=done, total=total)

        def on_end(one) -> None:
            name = addresses.identity(one.url)
            if name in tasks:
                bars.remove_task(tasks.pop(name))
            bars.console.print(_line(one), markup=False, highlight=False)

        yield on_bytes, on_end


def _say(one) -> None:
    click.echo(_line(one), err=True)


def _line(one) -> str:
    """How an address ended, as a line of at most 80 columns."""
    rest = one.reason if one.path is None else f"{one.bytes:,} bytes"
    name = addresses.file_name(one.url) if addresses.is_address(one.url) else one.url
    label = lines.shortened(name, 45)
    room = lines.WIDTH - len(label) - 11
    word = "FAILED" if one.path is None else one.state
    return f"{word:<8} {label}  {rest if len(rest) <= room else rest[: room - 1] + '…'}"
