"""`ratehouse stats`: what the leaves cost, and what another depth of keys would."""

from __future__ import annotations

import dataclasses
import json

import click

from pipeline import session
from pipeline.cli import lines
from pipeline.operations.leaf_stats import Depth, Stats

QUANTILES = ("least", "10 %", "median", "90 %", "99 %", "most")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def stats(as_json: bool) -> None:
    """Say what the leaves take, and what another depth would.

    Sizes and rows of the leaves as published, by the manifests; and in numbers what each prefix of the seven keys
    ([partitioning] keys) would cost and save for this warehouse, with an advice.

    \b
    Example: ratehouse stats --json
    """
    from pipeline.operations import leaf_stats, status

    status.begin()
    root = session.current()
    found = leaf_stats.measure(root)
    if as_json:
        _print_json(found)
        return
    _months(found)
    _leaves(found)
    _depths(found)
    for line in _advice(found):
        click.echo(lines.wrapped(line))


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
    rows = [[m.month, f"{m.leaves:,}", f"{m.rows:,}", _size(m.bytes), _size(m.sorted_bytes), _times(m.bytes, m.sorted_bytes)]
            for m in found.months]  # fmt: skip
    if len(found.months) > 1:
        total = [sum(getattr(m, name) for m in found.months) for name in ("leaves", "rows", "bytes", "sorted_bytes")]
        rows.append(
            ["all", f"{total[0]:,}", f"{total[1]:,}", _size(total[2]), _size(total[3]), _times(total[2], total[3])]
        )
    names = ("month", "leaves", "rows", "tree", "in one\nsorted file", "times")
    lines.table([(n, "left" if n == "month" else "right") for n in names], rows)


def _leaves(found: Stats) -> None:
    rows = [["rows a leaf", *(f"{n:,}" for n in found.leaf_rows)], ["bytes a leaf", *map(_size, found.leaf_bytes)]]
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
                _size(one.bytes),
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
        + f". The {len(now.keys)} keys of now are estimated at {_size(now.bytes)}, and take {_size(now.actual_bytes)}."
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
    changes = [f"{now.leaves:,} leaves become {advised.leaves:,}", f"{_size(now.bytes)} become {_size(advised.bytes)}"]
    changes.append(f"{now.seconds:,.1f} worker seconds become {advised.seconds:,.1f}")
    more = (
        f"A reader of one leaf of now then reads a file of {advised.rows[2]:,} rows (median), sorted by all seven keys."
    )
    if len(advised.keys) > len(now.keys):
        more = f"A leaf then holds {advised.rows[2]:,} rows (median), and fewer rows are read to answer for one."
    return [f"Advice: {keys}: {reason}. {', '.join(changes)}. {more}"]


def _size(count: float) -> str:
    """`812 B`, `15.3 KB`, `2,154 MB`."""
    if count < 1_000:
        return f"{count:.0f} B"
    if count < 1_000_000:
        return f"{count / 1_000:.1f} KB"
    return f"{count / 1_000_000:,.1f} MB" if count < 100_000_000 else f"{count / 1_000_000:,.0f} MB"


def _times(count: int, whole: int) -> str:
    return f"{count / max(1, whole):.1f}"
