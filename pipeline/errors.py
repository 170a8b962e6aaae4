"""Every refusal by name: a noun, a fact and a next step.

What belongs here: exceptions that a person can act on. The command line prints them without a traceback,
the journal and the dashboard carry their text. What must not come in: anything that decides or repairs.
"""

from __future__ import annotations

import configparser
import errno
import os
import textwrap
from collections.abc import Sequence

DASHBOARD_COLUMNS = 70
# Of an OSError: this process, or the system, has too many files open; it says nothing of the one that was to be opened.
TOO_MANY_FILES = (errno.EMFILE, errno.ENFILE)


def is_systems(problem: BaseException) -> bool:
    """Whether an exception is the system's own refusal (EACCES, EIO, ESTALE, …), not a library's word on content."""
    return isinstance(problem, OSError) and problem.errno is not None and problem.errno not in TOO_MANY_FILES


class RatehouseError(Exception):
    """Base of all refusals.

    `fact` says what is wrong, `place` where (a file, with line, byte or column when known), `remedy` what to
    do next; the last line of the message is the remedy, a command to paste where there is one.
    """

    exit_code = 1

    def __init__(self, fact: str, *, place: str | os.PathLike | None = None, remedy: str | None = None):
        self.fact, self.place, self.remedy = fact, (None if place is None else os.fspath(place)), remedy
        super().__init__(fact, self.place, remedy)

    def __str__(self) -> str:
        head = f"{self.place}: {self.fact}" if self.place else self.fact
        return f"{head}\n  {self.remedy}" if self.remedy else head

    def on_dashboard(self) -> str:
        """The message for Luigi's dashboard, whose box shows 70 columns and wraps nothing: what is wrong comes first.

        An indented line of a remedy is a command to paste, and stays whole.
        """
        message = [self.fact, *([self.place] if self.place else []), *(self.remedy or "").splitlines()]
        lines = []
        for line in message:
            whole = line.startswith(" ")
            lines += (
                [line]
                if whole
                else textwrap.wrap(line, DASHBOARD_COLUMNS, break_long_words=False, break_on_hyphens=False)
            )
        return "\n".join(lines)

    def __reduce__(self):  # crosses process borders whole
        return (_rebuild, (type(self), self.fact, self.place, self.remedy, self.__dict__))


def _rebuild(kind, fact, place, remedy, state):
    error = kind.__new__(kind)
    error.__dict__.update(state)
    Exception.__init__(error, fact, place, remedy)
    return error


class UsageError(RatehouseError):
    """The command's words are wrong: an unknown month, partition, table or folder."""

    exit_code = 2


class SettingsError(RatehouseError):
    """luigi.cfg cannot be read, or names something that is not a setting."""

    exit_code = 2

    @classmethod
    def unreadable(cls, path: str | os.PathLike, problem: UnicodeDecodeError | configparser.Error) -> SettingsError:
        """What to say of a settings file that is no UTF-8, or cannot be parsed."""
        if isinstance(problem, UnicodeDecodeError):
            line = problem.object[: problem.start].count(b"\n") + 1
            fact, remedy = f"is not UTF-8: it holds the byte 0x{problem.object[problem.start]:02x}", "save it as UTF-8"
            return cls(fact, place=f"{os.fspath(path)}:{line}", remedy=remedy)
        facts = {
            configparser.MissingSectionHeaderError: "no [section] comes before this line",
            configparser.DuplicateOptionError: "this setting is given twice",
            configparser.DuplicateSectionError: "this section is given twice",
        }
        line = getattr(problem, "lineno", None) or problem.errors[0][0]
        fact = facts.get(type(problem), "this is no `name = value`")
        return cls(f"cannot be parsed: {fact}", place=f"{os.fspath(path)}:{line}", remedy="mend that line")


class RootError(RatehouseError):
    """The warehouse root does not exist or is not one."""

    exit_code = 2


class PathError(RatehouseError):
    """A file or folder has a name that a library cannot be given."""

    exit_code = 2


class SharedNameError(RatehouseError):
    """Two files would have one name on a file system that folds case, or Unicode forms."""


class LockedError(RatehouseError):
    """Another build holds this warehouse."""


class SchedulerGone(RatehouseError):
    """The central scheduler that served a build stopped answering, and did not come back."""


class SourceError(RatehouseError):
    """A source file is broken or is not what its folder says.

    `offset` is the byte (of the decompressed text) at which reading stopped, `header` what was read before,
    `quarantine` the first records that could not be read, `feeds` the staged tables that a reference file would have
    given (None where that is not known).
    """

    quarantine: Sequence[dict] = ()
    feeds: Sequence[str] | None = None

    def __init__(self, fact: str, *, place=None, remedy=None, offset: int | None = None, header: dict | None = None):
        super().__init__(fact, place=place, remedy=remedy)
        self.offset, self.header = offset, header or {}


class UnreadableSource(SourceError):
    """The system does not let a source file be opened or read, or it is gone: nothing is known of its content."""


class ChangedSource(SourceError):
    """A source file is another one than when reading it began: of neither is anything known."""

    def __init__(self, place: str | os.PathLike, **more):
        super().__init__(
            "was changed, replaced or removed while it was read: nothing of it was published",
            place=place,
            remedy="once it is whole, run the same command again: it reads the file as it is then",
            **more,
        )


class ChangedInputs(RatehouseError):
    """What a table is made of changed after it was built, while the table waited to be built of it."""

    def __init__(self, place: str | os.PathLike):
        super().__init__(
            "what it is made of changed while the build ran: nothing of it was published",
            place=place,
            remedy="once no raw file is written any more, run the same command again",
        )


class UnrecognisedFile(SourceError):
    """A file in a reference folder is of no known kind; it is named and passed over.

    `is_telling` marks a fact that a person must read even where the file is one of many in a zip.
    """

    is_telling = False


class CopyOfFile(UnrecognisedFile):
    """A reference file is a copy, in another form, of one that is read."""


class ProposedRule(UnrecognisedFile):
    """A reference file is of a proposed rule, which is never in force."""


class BlockedMonth(RatehouseError):
    """A month is not built because a source of it is broken, or because it is not known which of them count."""


class MissingSources(RatehouseError):
    """Nothing can be built: there is no source, or the record of one is lost."""


class AccountsError(RatehouseError):
    """What was read is not what was made of it: a fault of ours, which holds back what it is about."""

    def __init__(self, fact: str, *, place: str | os.PathLike | None = None, remedy: str | None = None):
        super().__init__(
            f"the accounts do not add up: {fact}",
            place=place,
            remedy=remedy or "this is a fault of ratehouse: nothing was published; report it with this file",
        )


class CorrectionError(RatehouseError):
    """A correction cannot be read, or matches nothing."""


class DeclarationError(RatehouseError):
    """A declaration of what files do not say cannot be read, contradicts another, or matches no file."""


class GateError(RatehouseError):
    """A draft failed a critical expectation of its suite and was not published."""


class WithheldPartition(RatehouseError):
    """Rows of one leaf failed a critical expectation; the leaf is in quarantine."""


class CatalogError(RatehouseError):
    """A reader cannot open warehouse.duckdb, or would get the rows of another folder."""


class WorkerKilled(RatehouseError):
    """A process that built a table is gone without a word: killed, most often by the system for want of memory."""


class PublishError(RatehouseError):
    """A file could not be written or replaced: disk full, no permission."""


class FetchError(RatehouseError):
    """An address did not give its file. `status` is the HTTP status of the answer, where there was one."""

    status: int | None = None


class MemoryLimitError(RatehouseError):
    """A table cannot be built within the memory that the settings allow."""
