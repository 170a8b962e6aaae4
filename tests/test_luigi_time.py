"""What a build puts on record of Luigi's own time: not the time that tasks take, and not nothing."""

from __future__ import annotations

import time

import luigi
import pytest

from pipeline.luigi_time import Watch


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
