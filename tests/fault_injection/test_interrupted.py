"""Builds that are asked to stop, doubled, or lose a worker or their scheduler: each says so, and the next one completes."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import signal
import time
from pathlib import Path

import pytest

import browser
import kit
from campaign import ALL, SEED
from wholeness import nothing_counts_as_whole_that_is_not, stands_as, tables

pytestmark = pytest.mark.slow
STOP_SECONDS = 2.0 if ALL else 15.0  # `make faults` runs alone; other tests share the machine
GO_ON = "what was published stays. To go on: run the same command again"


@pytest.fixture(scope="module")
def undisturbed(small: Path) -> dict[str, str]:
    return tables(small)


def children(pid: int) -> list[int]:
    """The processes that a process forked and that are at work."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            _, _, rest = stat.read_text().rpartition(") ")
        except OSError:  # it ended
            continue
        state, parent = rest.split()[:2]
        if int(parent) == pid and state != "Z":
            found.append(int(stat.parent.name))
    return found


def wait_for(condition, seconds: float = 60.0):
    """The first true value of the condition."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return value


@pytest.mark.parametrize("number", [signal.SIGTERM, *([signal.SIGINT] if ALL else [])])
def test_a_build_that_is_asked_to_stop_does_and_says_how_to_go_on(server, undisturbed, number, tmp_path):
    root = kit.small(tmp_path / "warehouse")
    draw = random.Random(SEED + number)
    stamps = root / ".state" / "stamps"
    for at in range(20 if ALL else 1):
        shutil.rmtree(root)
        kit.small(root)
        running = server.begin(root, "build", "--local-scheduler", "--workers", str(2 - at % 2))
        stands = draw.randint(1, 25)  # of some thirty
        wait_for(lambda: len(list(stamps.rglob("*.json"))) >= stands)  # noqa: B023  asked here and now
        time.sleep(draw.uniform(0, 0.1))
        forked_ = children(running.pid)
        os.kill(running.pid, number)
        asked = time.monotonic()
        ended = running.end()
        assert time.monotonic() - asked < STOP_SECONDS
        assert ended.code == 130, ended.text
        assert "Traceback" not in ended.text
        assert re.search(rf"built until then: [\d,]+ tables?, [\d,]+ (leaf|leaves)\n+stopped; {GO_ON}\n$", ended.text)
        assert not [pid for pid in forked_ if Path(f"/proc/{pid}").exists()]
        assert not (root / ".scratch").exists()
        nothing_counts_as_whole_that_is_not(root, undisturbed)
        assert server.build(root).code == 0
        stands_as(root, undisturbed)


def test_a_second_build_is_told_who_is_at_work_and_since_when(server, undisturbed, tmp_path):
    root = kit.small(tmp_path / "warehouse")
    first = server.begin(root, "build", "--local-scheduler", "--workers", "1")
    wait_for((root / ".state" / "stamps").exists)
    second = server.build(root)
    assert second.code == 1
    said = " ".join(second.text.split())
    assert re.search(
        rf"a build is at work here: process {first.pid} on \S+ since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d "
        "wait for it to end, or stop that process; then run the same command again",
        said,
    )
    assert "Traceback" not in second.text
    assert server.run(root, "partitions").code == 0  # who looks is not held up
    assert first.end().code == 0
    stands_as(root, undisturbed)


def test_a_worker_killed_for_memory_is_reported_and_the_next_build_completes(server, undisturbed, tmp_path):
    root = kit.small(tmp_path / "warehouse")
    for place in ("gold/fact_rate_2025-08.parquet", "payer_slug=", "stamps/bench/")[: 3 if ALL else 1]:
        shutil.rmtree(root)
        kit.small(root)
        ended = server.build(root, f"kill (replace|link) 1 worker {re.escape(str(root))}/.*{place}", workers=2)
        assert ended.code == 1, ended.text
        assert "Traceback" not in ended.text
        said = " ".join(ended.text.split())
        assert "the process that built it was killed (-9) if the system did so for want of memory: lower" in said
        nothing_counts_as_whole_that_is_not(root, undisturbed)
        assert server.build(root, workers=2).code == 0
        stands_as(root, undisturbed)


@pytest.mark.skipif(not ALL, reason="waits for the scheduler: make faults")
@pytest.mark.parametrize("again", [True, False])
def test_a_scheduler_that_is_killed_costs_no_more_than_another_build(server, undisturbed, again, tmp_path):
    root, port = kit.small(tmp_path / "warehouse"), browser.free_port()
    with open(root / "luigi.cfg", "a", encoding="utf-8") as settings:
        settings.write(f"[core]\nscheduler_port = {port}\n")
    with browser.scheduler(tmp_path / "luigid", port):
        running = server.begin(root, "build", "--workers", "1")
        wait_for((root / "dims" / "dim_npi.parquet").exists)
    with browser.scheduler(tmp_path / "again", port) if again else contextlib.nullcontext():
        ended = running.end()
        assert f"scheduler: http://127.0.0.1:{port}" in ended.text
        assert "Traceback" not in ended.text
        assert ended.code == 0 or "run the same command again" in ended.text or "next, once the cause" in ended.text
        nothing_counts_as_whole_that_is_not(root, undisturbed)
        assert server.run(root, "build", "--workers", "1").code == 0
    stands_as(root, undisturbed)
