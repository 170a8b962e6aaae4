"""`ratehouse stats`: what the leaves cost, and what another depth of keys would; with `--disk`, what everything takes.

What belongs here: the command, and printing what `operations.leaf_stats` found. What must not come in: measuring; what
`--disk` prints (`cli.disk`).
"""

from __future__ import annotations

import dataclasses
import json

import click

from pipeline import session
from pipeline.cli import lines
from pipeline.operations.leaf_stats import Depth, Stats

QUANTILES = ("least", "10 %", "median", "90 %", "99 %", "most")


@click.command()
@click.option("--disk", is_flag=True, help="What each part of the warehouse takes on disk, and what may go.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def stats(disk: bool, as_json: bool) -> int:
    """Say what the leaves take, and what another depth would.

    Sizes and rows of the leaves as published, by the manifests; and in numbers what each prefix of the seven keys
    ([partitioning] keys) would cost and save for this warehouse, with an advice.

    With --disk: files and bytes of every part of the warehouse, each file once, and which command removes what is not
    needed. Exit 1 where something may not be looked into.

    \b
    Example: ratehouse stats --disk
    """
    from pipeline.operations import leaf_stats, status

    root = session.current()
    if disk:
        from pipeline.cli import disk as of_disk
        from pipeline.operations import disk_use

        return of_disk.show(disk_use.measure(root), as_json=as_json)
    status.begin()
    found = leaf_stats.measure(root)
    if as_json:
        _print_json(found)
        return 0
    _months(found)
    _leaves(found)
    _depths(found)
    for line in _advice(found):
        click.echo(lines.wrapped(line))
    return 0


def _print_json(found: Stats) -> None:
    rows = [{"kind": "month", **dataclasses.asdict(one)} for one in found.months]
    shares = {"rows": found.leaf_rows, "bytes": found.leaf_bytes}
    rows += [
        {"kind": "leaf", "of": name, **dict(zip(QUANTILES, values, strict=True))} for name, values in shares.items()
    ]
    rows += [{"kind": "footer", "looked_into": found.looked_into, "share": round(found.footer_share, 4)}]
    rows += [
        {
            **{"kind": "depth", **dataclasses.asdict(one)},
            "rows": dict(zip(QUANTILES, one.rows, strict=True)),
            "seconds": round(one.seconds, 3),
            "trials": found.trials,
            "timed_leaves": found.timed,
            "now": one.actual_bytes is not None,
            "advised": len(one.keys) == found.advised,
        }
        for one in found.depths
    ]
    for row in rows:
        click.echo(json.dumps(row, ensure_ascii=False))


def _months(found: Stats) -> None:
    rows = [[m.month, f"{m.leaves:,}", f"{m.rows:,}", lines.size(m.bytes), lines.size(m.sorted_bytes), _times(m.bytes, m.sorted_bytes)]
            for m in found.months]  # fmt: skip
    if len(found.months) > 1:
        total = [sum(getattr(m, name) for m in found.months) for name in ("leaves", "rows", "bytes", "sorted_bytes")]
        rows.append(
            [
                "all",
                f"{total[0]:,}",
                f"{total[1]:,}",
                lines.size(total[2]),
                lines.size(total[3]),
                _times(total[2], total[3]),
            ]
        )
    names = ("month", "leaves", "rows", "tree", "in one\nsorted file", "times")
    lines.table([(n, "left" if n == "month" else "right") for n in names], rows)


def _leaves(found: Stats) -> None:
    rows = [["rows a leaf", *(f"{n:,}" for n in found.leaf_rows)], ["bytes a leaf", *map(lines.size, found.leaf_bytes)]]
    lines.table([("", "left"), *((name, "right") for name in QUANTILES)], rows)
    looked = f"footers: {100 * found.footer_share:.0f} % of the bytes, of {lines.counted(found.looked_into, 'leaf', 'leaves')} looked into"
    click.echo(lines.wrapped(looked) + "\n")


def _depths(found: Stats) -> None:
    whole = sum(m.sorted_bytes for m in found.months)
    rows = []
    for number, one in enumerate(found.depths, 1):
        mark = "now" if one.actual_bytes is not None else ""
        rows.append(
            [
                f"{number} {one.keys[-1]}",
                f"{one.leaves:,}",
                f"{one.rows[2]:,}",
                f"{one.rows[-1]:,}",
                lines.size(one.bytes),
                _times(one.bytes, whole),
                f"{one.seconds:,.1f}",
                mark,
            ]
        )
    names = ("keys, up to", "leaves", "median\nrows", "most\nrows", "tree,\nabout", "times", "worker\nseconds", "")
    lines.table([(n, "right" if n and n != "keys, up to" else "left") for n in names], rows)


def _advice(found: Stats) -> list[str]:
    now = next(one for one in found.depths if one.actual_bytes is not None)
    sentence = (
        f"Estimated: rows of each leaf counted, bytes and seconds by encoding {found.trials} slices of these rows"
        + (f", and what {found.timed:,} leaves took beside that by the journal" if found.timed else "")
        + f". The {len(now.keys)} keys of now are estimated at {lines.size(now.bytes)}, and take {lines.size(now.actual_bytes)}."
    )
    advised = found.depths[found.advised - 1]
    return [sentence, *_verdict(found, now, advised)]


def _verdict(found: Stats, now: Depth, advised: Depth) -> list[str]:
    from pipeline.operations.leaf_stats import MOST_TIMES

    whole = sum(m.sorted_bytes for m in found.months)
    keys = f"[partitioning] keys = {', '.join(advised.keys)}"
    if advised == now:
        return [f"Advice: leave {keys}."]
    reason = f"the deepest whose tree is at most {MOST_TIMES:.0f} times one sorted file"
    if advised.bytes > MOST_TIMES * whole:
        reason = f"no depth keeps to {MOST_TIMES:.0f} times one sorted file, and this one is nearest"
    changes = [
        f"{now.leaves:,} leaves become {advised.leaves:,}",
        f"{lines.size(now.bytes)} become {lines.size(advised.bytes)}",
    ]
    changes.append(f"{now.seconds:,.1f} worker seconds become {advised.seconds:,.1f}")
    more = (
        f"A reader of one leaf of now then reads a file of {advised.rows[2]:,} rows (median), sorted by all seven keys."
    )
    if len(advised.keys) > len(now.keys):
        more = f"A leaf then holds {advised.rows[2]:,} rows (median), and fewer rows are read to answer for one."
    return [f"Advice: {keys}: {reason}. {', '.join(changes)}. {more}"]


def _times(count: int, whole: int) -> str:
    return f"{count / max(1, whole):.1f}"
