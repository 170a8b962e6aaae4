"""Luigi's worker as a build uses it: Luigi's own time is told from that of tasks, and what is settled gets no process."""

from __future__ import annotations

import time
from pathlib import Path
from typing import ClassVar

import luigi
import luigi.scheduler
import pytest

from pipeline.tasks.worker import Watch


class Sleeping(luigi.Task):
    """Takes a known time."""

    number = luigi.IntParameter()
    done = False

    def complete(self):
        return self.done

    def run(self):
        time.sleep(0.3)
        self.done = True


class SlowToAsk(Sleeping):
    """Takes its time to say whether it is complete: that is scheduling."""

    def complete(self):
        time.sleep(0.2)
        return super().complete()


@pytest.mark.parametrize(("kind", "least", "most"), [(Sleeping, 0.0, 0.25), (SlowToAsk, 0.4, 0.9)])
def test_the_time_of_tasks_is_not_luigis_and_the_time_of_asking_is(kind, least, most):
    watch, began = Watch(), time.monotonic()
    assert luigi.build(
        [kind(number=1), kind(number=2)], watch, local_scheduler=True, no_lock=True, log_level="CRITICAL"
    )
    own = time.monotonic() - began - watch.waited
    assert watch.tasks == 2
    assert watch.waited >= 0.6
    assert least <= own < most


class Settled(luigi.Task):
    """Was stale when it was scheduled; when its turn comes it owes something, or nothing any more."""

    folder = luigi.Parameter()
    owes = luigi.BoolParameter()

    @property
    def mark(self) -> Path:
        return Path(self.folder) / f"owes-{self.owes}"

    def complete(self):
        return self.mark.exists()

    def skip_if_current(self):
        if not self.owes:
            self.mark.write_text("settled")
        return not self.owes

    def run(self):
        self.mark.write_text("ran")


class Above(luigi.Task):
    """Waits for both."""

    folder = luigi.Parameter()

    def requires(self):
        return [Settled(folder=self.folder, owes=False), Settled(folder=self.folder, owes=True)]

    def complete(self):
        return (Path(self.folder) / "above").exists()

    def run(self):
        (Path(self.folder) / "above").touch()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_task_that_owes_nothing_when_its_turn_comes_is_done_without_being_run(workers, tmp_path):
    watch = Watch()
    options = {"workers": workers, "local_scheduler": True, "no_lock": True, "log_level": "CRITICAL"}
    assert luigi.build([Above(folder=str(tmp_path))], watch, **options)
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {
        "owes-False": "settled",
        "owes-True": "ran",
        "above": "",
    }
    assert (watch.settled, watch.tasks) == (1, 2)


class Noted(luigi.Task):
    """Notes that it is done in a file that all share."""

    folder = luigi.Parameter()
    number = luigi.IntParameter(default=0)

    @property
    def notes(self) -> Path:
        return Path(self.folder) / "notes"

    def note(self) -> None:
        time.sleep(0.2)
        with open(self.notes, "a") as file:
            file.write(f"{self.task_id}\n")

    def complete(self):
        return self.notes.exists() and self.task_id in self.notes.read_text().split()

    run = note


class Follows(Noted):
    """Waits for another, and goes before what is only looked at."""

    priority = 1

    def requires(self):
        return [Noted(folder=self.folder)]


class LookedAt(Noted):
    """Owes nothing, which takes a while to see."""

    priority = -1

    def skip_if_current(self):
        self.note()
        return True


def test_what_is_only_looked_at_does_not_hold_up_what_waits_for_an_ended_task(tmp_path):
    folder = str(tmp_path)
    tasks = [Follows(folder=folder), *(LookedAt(folder=folder, number=n) for n in range(6))]
    options = {"workers": 2, "local_scheduler": True, "no_lock": True, "log_level": "CRITICAL"}
    assert luigi.build(tasks, Watch(), **options)
    order = [line.partition("_")[0] for line in tasks[0].notes.read_text().split()]
    assert sorted(order) == ["Follows", *["LookedAt"] * 6, "Noted"]
    assert order[-1] == "LookedAt", order


class Asked(luigi.Task):
    """One of a chain, which counts how often it is asked."""

    number = luigi.IntParameter()
    asked: ClassVar[list[int]] = []
    done: ClassVar[set[int]] = set()

    def requires(self):
        return [Asked(number=self.number - 1)] if self.number else []

    def complete(self):
        self.asked.append(self.number)
        return self.number in self.done

    def run(self):
        self.done.add(self.number)


def test_what_several_need_is_walked_through_once():
    worker = Watch().create_worker(luigi.scheduler.Scheduler(), 1)
    for number in (3, 2, 1, 0):
        assert worker.add(Asked(number=number))
    assert Asked.asked == [3, 2, 1, 0]
    assert worker.run()
    assert Asked.done == {0, 1, 2, 3}
