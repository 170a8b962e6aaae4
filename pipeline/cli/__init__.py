"""What a person types and reads: the `ratehouse` command. No building of tables.

What belongs here: commands, their words, how a result or an error is printed. Errors of ours are printed without a
trace: a noun, a fact, a next step. What must not come in: anything that another program would want to call.
"""

from __future__ import annotations

import configparser
import contextlib
import difflib
import importlib
import os
import sys
import warnings
from pathlib import Path
from typing import ClassVar, TextIO

import click

from pipeline import __version__, errors

# Commands that need no warehouse yet.
WITHOUT_ROOT = {"init", "sample"}
SIGINT_EXIT = 130


class Commands(click.Group):
    """The commands, in the order in which a newcomer needs them, each imported when it is asked for."""

    PLACES: ClassVar[dict[str, str]] = {
        "init": "start",
        "sample": "start",
        "import-star": "star",
        "toc": "fetch",
        "fetch": "fetch",
        "build": "build",
        "status": "show",
        "why": "show",
        "rerun": "build",
        "partitions": "show",
        "stats": "stats",
        "sources": "show",
        "archive": "let_go",
        "forget": "let_go",
        "query": "query",
        "verify": "verify",
        "docs": "show",
        "geocode": "geocode",
        "scheduler": "scheduler",
        "dashboard": "scheduler",
    }

    def list_commands(self, ctx):
        return list(self.PLACES)

    def get_command(self, ctx, name):
        if name not in self.PLACES:
            return None
        module = importlib.import_module(f"pipeline.cli.{self.PLACES[name]}")
        return getattr(module, name.replace("-", "_"))

    def parse_args(self, ctx, args):
        return super().parse_args(ctx, _root_first(args))

    def resolve_command(self, ctx, args):
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in self.PLACES:
            near = difflib.get_close_matches(name, self.PLACES, 1, 0.4) or ["--help"]
            raise errors.UsageError(f"{name} is no command", remedy=f"do you mean: ratehouse {near[0]}")
        return super().resolve_command(ctx, args)


def _root_first(args: list[str]) -> list[str]:
    """The arguments with `--root DIR` before the command, wherever it was written; what follows `--` stays as it is."""
    end = args.index("--") if "--" in args else len(args)
    for at, word in enumerate(args[:end]):
        if word == "--root" and at + 1 < end:
            return [*args[at : at + 2], *args[:at], *args[at + 2 :]]
        if word.startswith("--root="):
            return [word, *args[:at], *args[at + 1 :]]
    return args


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--root",
    metavar="DIR",
    help="The warehouse: the folder that holds raw/. [default: RATEHOUSE_ROOT, luigi.cfg, data]",
)
@click.version_option(__version__, prog_name="ratehouse")
@click.pass_context
def group(ctx: click.Context, root: str | None) -> None:
    """Make payers' published rates and public reference data into a Parquet warehouse, and keep it up to date.

    \b
    Example: ratehouse --root data build
    """
    from pipeline import session, settings

    if ctx.invoked_subcommand in WITHOUT_ROOT or any(a in ("-h", "--help") for a in sys.argv[1:]):
        settings.load()
    else:
        session.choose_root(root)
        if note := settings.overlooked():
            from pipeline.cli.lines import wrapped

            click.echo(wrapped(f"note: {note}"), err=True)


def _import_luigi() -> None:
    """Import Luigi, which then reads the current folder's luigi.cfg: from our own folder, for that one may be another
    project's, and broken (`settings.load` reads those that count)."""
    with warnings.catch_warnings(action="ignore"), contextlib.chdir(Path(__file__).parent):
        importlib.import_module("luigi")  # it warns of LUIGI_CONFIG_PATH; we say it in our own words


def _unreadable_settings(problem: Exception) -> errors.SettingsError:
    """Luigi reads the file in LUIGI_CONFIG_PATH when it is imported, and says less of what is wrong with it."""
    path = os.environ.get("LUIGI_CONFIG_PATH", "")
    try:
        configparser.ConfigParser(interpolation=None).read(path, encoding="utf-8")
    except (UnicodeDecodeError, configparser.Error) as found:
        return errors.SettingsError.unreadable(path, found)
    return errors.SettingsError(f"Luigi's settings cannot be read: {problem}", remedy="mend luigi.cfg")


def _open_what_is_closed() -> None:
    """Whoever closed stdout or stderr (`>&-`) wants to read nothing there; commands print all the same."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115


def _takes_no_more(stream: TextIO) -> bool:
    """Whether a stream refuses a line break: only trying tells, for Python drops what it could not write."""
    try:
        stream.write("\n")
        stream.flush()
    except OSError:
        return True
    return False


def _say_that_nothing_can_be_printed(problem: OSError) -> None:
    """Say on stderr why stdout took no more, and print nothing further, nor what is still to be printed when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with contextlib.suppress(OSError):
        click.echo(f"error: what the command says cannot be printed: {problem.strerror}", err=True)
        sys.stderr.flush()
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


ON_WINDOWS = (
    "error: Ratehouse does not run on Windows itself: install WSL (in PowerShell:\n"
    "  wsl --install), then set Ratehouse up and run it in the Linux that it brings"
)


def main() -> None:
    """The console script: runs a command, prints our errors as such, exits with their code."""
    if sys.platform == "win32":  # before anything is imported that Windows lacks
        print(ON_WINDOWS, file=sys.stderr)
        sys.exit(2)
    _open_what_is_closed()
    try:
        try:  # every command needs Luigi, which reads settings when it is imported
            _import_luigi()
        except (configparser.Error, UnicodeDecodeError) as problem:
            raise _unreadable_settings(problem) from problem
        code = group.main(prog_name="ratehouse", standalone_mode=False)
        sys.stdout.flush()
    except errors.RatehouseError as error:
        from pipeline.cli.lines import wrapped

        click.echo(wrapped(f"error: {error}"), err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped; what was published stays. To go on: run the same command again", err=True)
        sys.stdout.flush()
        os._exit(SIGINT_EXIT)  # all is tidied up; taking apart the modules of Great Expectations takes another second
    except BrokenPipeError:  # the reader of our output left
        sys.stderr.close()
        sys.exit(1)
    except OSError as problem:
        if not _takes_no_more(sys.stdout):
            raise  # it is about something else: a fork, a socket
        _say_that_nothing_can_be_printed(problem)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)
