"""The parameters of tasks: each is checked wherever it comes from (the `luigi` command, a settings file, our own commands).

What belongs here: what a warehouse, a month, a raw file, a star schema and a partition may be called in a parameter. What must not come
in: which of them there are (`raw`, `facts`, `leaves.manifest`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

import luigi

from pipeline import errors, partition, session


class RootParameter(luigi.Parameter):
    """The short id of the warehouse, so that two of them can share one scheduler; this process's own by default."""

    def has_task_value(self, task_name, param_name):
        return True

    def task_value(self, task_name, param_name):
        return session.current().id

    def normalize(self, value):
        if value != session.current().id:
            raise errors.RootError(
                f"this process serves the warehouse {session.current().id}, not {value}",
                place=session.current().path,
                remedy="set RATEHOUSE_ROOT to the folder of that warehouse",
            )
        return value


class MonthParameter(luigi.Parameter):
    """A month, YYYY-MM."""

    def normalize(self, value: str) -> str:
        """The month itself; UsageError for what is none."""
        return partition.month(value)


class NameParameter(luigi.Parameter):
    """A raw file or a star schema by its path in a folder under raw/.

    kind    what it is, in words
    listed  gives those there are: where a person names one, it must be one of them
    """

    def __init__(self, kind: str, listed: Callable[[], Iterable[str]], **more):
        super().__init__(**more)
        self._kind, self._listed = kind, listed

    def parse(self, text: str) -> str:
        """The path of one that there is; UsageError with the nearest ones for any other."""
        if text not in set(self._listed()):
            raise self._unknown(text)
        return self.normalize(text)

    def normalize(self, value: str) -> str:
        """The path itself; UsageError for one that leads out of its folder."""
        if not isinstance(value, str) or "\0" in value or {"", ".", ".."}.intersection(value.split("/")):
            raise self._unknown(value)
        return value

    def _unknown(self, value: object) -> errors.UsageError:
        near = partition.nearest(str(value), self._listed())
        remedy = "do you mean:\n  " + "\n  ".join(near) if near else "there is none yet"
        return errors.UsageError(f"is no {self._kind} of this warehouse", place=str(value), remedy=remedy)


class KeyParameter(luigi.Parameter):
    """The value of a partition's key, as it stands in the name of its folder."""

    def normalize(self, value: str) -> str:
        """The value itself; UsageError for one that no folder has."""
        encoded = partition.as_encoded(value) if isinstance(value, str) else None
        if encoded != value:
            raise errors.UsageError(
                "is no value of a partition's key as its folder has it",
                place=str(value),
                remedy=f"do you mean {encoded}?" if encoded else "ratehouse partitions lists what there is",
            )
        return value


class PartitionParameter(luigi.Parameter):
    """A partition as it is printed, by some or all of the seven keys in their order."""

    def normalize(self, value: str) -> str:
        """The partition itself; UsageError for what is none."""
        named = [piece.partition("=") for piece in value.split("/")]
        right = all(sign for _, sign, _ in named)
        right = right and tuple(name for name, _, _ in named) == partition.KEYS[: len(named)]
        if not right or not all(partition.is_encoded(value) for _, _, value in named):
            raise errors.UsageError(
                "is no partition", place=value, remedy="give it as `ratehouse partitions` prints it"
            )
        return value


class _Plain(logging.Filter):
    """Has `luigi` print a refusal of ours in its own words: the trace of a mistyped parameter says nothing more."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, errors.RatehouseError) and record.getMessage() == "Uncaught exception in luigi":
            record.msg, record.args, record.exc_info, record.exc_text = f"error: {error}", (), None, None
        return True


logging.getLogger("luigi-interface").addFilter(_Plain())
