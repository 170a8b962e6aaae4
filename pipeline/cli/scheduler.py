"""`ratehouse scheduler` and `ratehouse dashboard`: Luigi's central scheduler from the command line.

What belongs here: the two commands and what they print. What must not come in: how a scheduler is run or found
(`pipeline.tasks.scheduler`).
"""

from __future__ import annotations

import webbrowser

import click

from pipeline import errors, session
from pipeline.tasks import scheduler as luigid

# Beside the warehouse's .state, which a build owns: the scheduler writes whenever it likes.
FOLDER = ".luigi"


@click.command()
def scheduler() -> None:
    """Run Luigi's scheduler, for this machine only, until Ctrl-C.

    Its state and log are in .luigi under the warehouse root. Builds use it when it is there, those of other
    warehouses too. The address is [core] scheduler_host and scheduler_port of luigi.cfg.

    \b
    Example: ratehouse scheduler
    """
    url = luigid.dashboard_url()
    folder = session.current().path / FOLDER
    click.echo(f"scheduler at {url} (Ctrl-C stops it; state and log in {folder})")
    luigid.start(folder, url)


@click.command()
@click.option("--no-open", is_flag=True, help="Print the address only.")
def dashboard(no_open: bool) -> None:
    """Print and open the address of the scheduler's dashboard.

    Exit 1 when no scheduler answers.

    \b
    Example: ratehouse dashboard
    """
    url = luigid.dashboard_url()
    if not luigid.address_answers(url):
        raise errors.RatehouseError(
            "no scheduler answers there, so there is no dashboard to show", place=url, remedy="make scheduler"
        )
    click.echo(url)
    if not no_open:
        webbrowser.open(url)
