"""Counts warnings and rejected records while one in-network file is read, and how often numbered things occur.

What belongs here: counting and keeping receipts, in an order that follows from the file alone. What must not come in:
what is worth a warning or cannot be read (the callers').
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pipeline.readers.in_network.staging import Quarantine
from pipeline.readers.json_stream.positions import locate
from pipeline.readers.mrf_issues import Issue

_SNIPPET = 2000  # characters of a record that cannot be read


def json_path(*steps: str | int) -> str:
    """`in_network[3].negotiated_rates[0]` of its steps."""
    return "".join(f"[{s}]" if type(s) is int else f".{s}" for s in steps).removeprefix(".")


class SourceWarning(NamedTuple):
    """How often something of a kind (`mrf_issues`) was found in a file, and the first place: its JSON path, and
    what was found there where the kind does not say it."""

    kind: str
    count: int
    example: str


class Warnings:
    """What a person should know of a file: of each kind how often, and where it is found first."""

    def __init__(self):
        self._found: dict[Issue, tuple[int, tuple, str]] = {}

    def add(self, issue: Issue, place: tuple, where: str, times: int = 1, *, detail: str = "") -> None:
        """Count an issue so many times more; `where` is the JSON path of the first, `place` sorts as the file does.

        `detail` is what varies: the value that was found, or why it cannot be read. It is kept of the first alone.
        """
        count, *first = self._found.get(issue, (0, place, ""))
        example = f"{where}: {detail}" if detail else where
        self._found[issue] = (count + times, *(min(first, [place, example]) if count else (place, example)))

    def merge(self, other: Warnings) -> None:
        """Take over what another holds."""
        for issue, (times, place, example) in other._found.items():
            self.add(issue, place, example, times)

    def found(self) -> tuple[SourceWarning, ...]:
        """All of them, in the order of the file."""
        return tuple(
            SourceWarning(issue.kind, times, example)
            for issue, (times, _, example) in sorted(self._found.items(), key=lambda item: (item[1][1], item[0].kind))
        )


class Account:
    """What could not be read, and what is worth saying, of a file or of one item of it.

    rejected         rates that could not be read
    rejected_prices  price objects that could not
    """

    def __init__(self):
        self.warnings, self.quarantine = Warnings(), Quarantine()
        self.rejected = self.rejected_prices = 0
        self.section = 0  # of the file's keys, the one at hand
        self.pending_rejects: list[
            tuple[tuple, str, int, int]
        ] = []  # of the value that is read: path, reason, rates, prices

    def reject(self, path: tuple, reason: str, rates: int, prices: int = 0) -> None:
        """Count rates and price objects that cannot be read; `quarantine_rejects` keeps their record."""
        self.pending_rejects.append((path, reason, rates, prices))

    def quarantine_rejects(self, file: str, steps: tuple, text: str, offset: int) -> None:
        """Keep the records rejected since the last call: they stand in `text`, at their paths, which stands at the JSON
        path `steps` and at that byte of the file."""
        if not self.pending_rejects:
            return
        wanted: dict = {}
        for path, *_ in self.pending_rejects:
            node = wanted
            for step in path:
                node = node.setdefault(step, {})
        places = {(): (0, len(text)), **locate(text, 0, wanted)} if wanted else {(): (0, len(text))}
        for path, reason, rates, prices in self.pending_rejects:
            at, to = places[path]
            self.rejected += rates
            self.rejected_prices += prices
            self.quarantine.add(
                file=file,
                path=json_path(*steps, *path),
                offset=offset + (at if text.isascii() else len(text[:at].encode())),
                reason=reason,
                rates=rates,
                snippet=text[at : min(to, at + _SNIPPET)],
            )
        self.pending_rejects.clear()

    def merge(self, other: Account) -> None:
        """Take over what another holds."""
        self.warnings.merge(other.warnings)
        self.rejected += other.rejected
        self.rejected_prices += other.rejected_prices
        for record in other.quarantine:
            self.quarantine.add(**record)


class Column:
    """A growing column of numbers, a row for each numbered thing."""

    def __init__(self, kind: Any, fill: Any = 0):
        self._fill = fill
        self.values = self._filled(1024, np.dtype(kind))

    def ensure(self, rows: int) -> np.ndarray:
        """The column, at least so many rows of it."""
        if rows > len(self.values):
            former = self.values
            self.values = self._filled(max(rows, 2 * len(former)), former.dtype)
            self.values[: len(former)] = former
        return self.values

    def _filled(self, rows: int, kind: np.dtype) -> np.ndarray:
        # Memory that is not written to costs nothing.
        return np.full(rows, self._fill, kind) if self._fill else np.zeros(rows, kind)


class Tally:
    """How often numbered things occur, and in which order they came."""

    def __init__(self):
        self._times, self._turn, self._turns = Column(np.int64), Column(np.int32, -1), 0

    def add(self, numbers: np.ndarray, times: np.ndarray | int = 1) -> None:
        """Count things in the order of the file, each so many times."""
        if not len(numbers):
            return
        rows = int(numbers.max()) + 1
        turn = self._turn.ensure(rows)
        unseen = numbers[turn[numbers] < 0]
        if len(unseen):
            found, first = np.unique(unseen, return_index=True)
            turn[found[np.argsort(first)]] = np.arange(self._turns, self._turns + len(found))
            self._turns += len(found)
        np.add.at(self._times.ensure(rows), numbers, times)

    def tables(self, rows: int) -> tuple[np.ndarray, np.ndarray, int]:
        """For compiled code to count in: how often each came, its turn (-1 before it comes), and the next turn, which is
        to be told to `counted`."""
        return self._times.ensure(rows), self._turn.ensure(rows), self._turns

    def counted(self, turns: int) -> None:
        """Take in what was counted in `tables`."""
        self._turns = turns

    def ensure(self, rows: int) -> np.ndarray:
        """How often each came, at least so many of them."""
        return self._times.ensure(rows)

    def has_seen(self, numbers: np.ndarray) -> np.ndarray:
        """Whether each of these came, be it 0 times."""
        return self._turn.ensure(int(numbers.max(initial=-1)) + 1)[numbers] >= 0

    def first_seen_order(self) -> np.ndarray:
        """Those that came, the first one first."""
        came = np.flatnonzero(self._turn.values >= 0)
        return came[np.argsort(self._turn.values[came])]
