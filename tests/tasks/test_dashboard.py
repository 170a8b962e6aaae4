"""What a person sees on Luigi's dashboard, in a real browser against a real luigid; and the address it stands at."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from luigi.rpc import RemoteScheduler

import browser
import kit
from pipeline import errors, session, settings
from pipeline.operations import build
from pipeline.tasks import scheduler as luigid

RED = "rgb(221, 75, 57)"  # AdminLTE's bg-red
REASON = "payer_slug=acme/state=GA: negotiated_rate < 0 in 1 of 12 rows"

# A table that builds and a leaf that is refused, named as the stages name theirs.
TASKS = f"""
import luigi
from pipeline import errors

class DimCode(luigi.Task):
    task_namespace = "dims"
    root = luigi.Parameter()
    done = False

    def complete(self):
        return self.done

    def run(self):
        self.done = True

class Partition(luigi.Task):
    task_namespace = "enriched"
    root = luigi.Parameter()
    month = luigi.Parameter()
    partition = luigi.Parameter()

    def run(self):
        raise errors.WithheldPartition({REASON!r}, remedy="ratehouse rerun 'payer_slug=acme/state=GA'")

    def complete(self):
        return False

    def on_failure(self, exception):
        return str(exception)
"""


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    with browser.scheduler(tmp_path_factory.mktemp("luigid")) as url:
        yield url


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with browser.page(tmp_path_factory.mktemp("chromium") / "profile") as opened:
        yield opened


def run_tasks(folder: Path, url: str) -> int:
    """Run both tasks through the scheduler in a process of their own, as a build would; returns the exit status."""
    (folder / "two_tasks.py").write_text(TASKS)
    code = (
        "import sys, luigi, two_tasks as t; sys.exit(not luigi.build([t.DimCode(root='a-1'),"
        " t.Partition(root='a-1', month='2025-08', partition='payer_slug=acme/state=GA')], scheduler_url=sys.argv[1]))"
    )
    command = [sys.executable, "-c", code, url]
    paths = {"PYTHONPATH": f"{folder}:{browser.REPOSITORY}", "LUIGI_CONFIG_PATH": str(browser.REPOSITORY / "luigi.cfg")}
    return subprocess.run(command, cwd=folder, env=paths, capture_output=True, timeout=120).returncode


@pytest.mark.browser
def test_a_failed_task_is_red_and_says_why(scheduler, page, tmp_path):
    assert run_tasks(tmp_path, scheduler) == 1

    page.open(f"{scheduler}static/visualiser/index.html")
    page.wait("document.querySelectorAll('#taskTable tbody tr').length == 2")
    names = page.texts("#taskTable tbody tr td:nth-child(2)")
    assert sorted(names) == ["dims.DimCode", "enriched.Partition"]
    failed = "#taskTable tbody tr:has(.showError)"
    assert page.texts(f"{failed} td:nth-child(2)") == ["enriched.Partition"]
    assert page.style(f"{failed} .status-icon", "backgroundColor") == RED
    assert "payer_slug=acme/state=GA" in page.text(f"{failed} td:nth-child(3)")
    page.screenshot(tmp_path / "tasks.png")

    page.click(f"{failed} .showError")
    page.wait("document.querySelector('#errorModal .modal-body')?.innerText.includes('negotiated_rate')")
    page.wait("getComputedStyle(document.querySelector('#errorModal')).opacity == 1")
    assert REASON in page.text("#errorModal .modal-body")
    assert page.screenshot(tmp_path / "reason.png").stat().st_size > 10_000


def test_the_scheduler_answers_at_its_address(scheduler):
    assert luigid.address_answers(scheduler)


def test_nothing_answers_at_a_free_port_and_asking_is_cheap():
    started = time.monotonic()
    assert not luigid.address_answers(f"http://127.0.0.1:{browser.free_port()}/")
    assert time.monotonic() - started < 1


def test_another_server_on_the_port_is_not_taken_for_the_scheduler():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{other.server_port}/"
        try:
            assert not luigid.address_answers(url)
        finally:
            other.shutdown()
            thread.join()


@pytest.mark.parametrize("url", ["127.0.0.1:8082", "ftp://127.0.0.1/", "http://127.0.0.1:port/", "http://"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(errors.SettingsError, match="is no address"):
        luigid.address_answers(url)


@pytest.mark.parametrize("url", ["http://0.0.0.0:8082/", "http://192.0.2.1:8082/", "https://127.0.0.1:8082/"])
def test_the_scheduler_is_started_for_this_machine_alone(url, tmp_path):
    with pytest.raises(errors.SettingsError, match="this machine alone"):
        luigid.start(tmp_path, url)
    assert list(tmp_path.iterdir()) == []


def test_a_second_scheduler_is_refused(scheduler, tmp_path):
    with pytest.raises(errors.RatehouseError, match="running there already"):
        luigid.start(tmp_path, scheduler)


def test_what_failed_is_still_there_when_the_scheduler_was_stopped_and_started_again(tmp_path):
    folder = tmp_path / "luigid"
    with browser.scheduler(folder) as url:
        assert run_tasks(tmp_path, url) == 1
    with browser.scheduler(folder) as url:
        failed = RemoteScheduler(url).task_list("FAILED", "")
    assert [task["name"] for task in failed.values()] == ["enriched.Partition"]


def test_the_scheduler_log_does_not_grow_with_every_request(tmp_path):
    with browser.scheduler(tmp_path) as url:
        assert luigid.address_answers(url)
    log = (tmp_path / "state" / "scheduler.log").read_text()
    assert "Saved state" in log
    assert "HEAD /" not in log


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux tells which addresses are listened on")
def test_the_scheduler_listens_on_loopback_only(scheduler):
    port = int(scheduler.rstrip("/").rpartition(":")[2])
    listening = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:] if Path(table).exists() else ():
            _, local, _, state, *_ = line.split()
            address, _, number = local.rpartition(":")
            if int(number, 16) == port and state == "0A":  # listening
                listening.add(address)
    assert listening == {"0100007F"}  # 127.0.0.1 in the kernel's spelling


# ---- builds through it ------------------------------------------------------------------------------------------


def build_through(root: Path, url: str, *, local: bool = False) -> build.Outcome:
    """Build in this process while a scheduler answers."""
    session.use(root)
    settings.load(root)
    settings.override("core", "scheduler_port", url.rstrip("/").rpartition(":")[2])
    settings.override("build", "workers", "1")
    return build.build(None, workers=1, local_scheduler=local, started=lambda _: None)


@pytest.mark.slow
def test_two_warehouses_share_a_scheduler_without_harm(scheduler, tmp_path):
    """Both are called `warehouse` and hold the same file, so that only their ids tell their tasks apart."""
    roots = [kit.small(tmp_path / name / "warehouse") for name in ("one", "two")]
    config = tmp_path / "luigi.cfg"
    config.write_text(f"[core]\nscheduler_port = {scheduler.rstrip('/').rpartition(':')[2]}\n")
    with ThreadPoolExecutor() as pool:  # at the same time
        said = [*pool.map(lambda root: kit.ratehouse(root, "build", env={"LUIGI_CONFIG_PATH": str(config)}), roots)]
    for one, root in zip(said, roots, strict=True):
        assert one.returncode == 0, one.stderr
        assert one.stderr.startswith(f"building {root} with 2 workers\nscheduler: {scheduler}\n")
    first, second = map(kit.contents, roots)
    assert first == second
    assert len(list((roots[0] / "gold" / "fact_rate_enriched").rglob("*.parquet"))) > 0

    fact, other = roots[0] / "gold" / "fact_rate_2025-08.parquet", kit.parquet_files(roots[1])
    before, outcome = kit.parquet_files(roots[0]), None
    for _ in range(2):  # the second time within seconds of the first, when luigid still has every task as done
        kit.change_rate(roots[0])
        built = time.monotonic()
        outcome = build_through(roots[0], scheduler)
        assert outcome.ok
        assert outcome.scheduler == scheduler
        after = kit.parquet_files(roots[0])
        changed = kit.rewritten(before, after)
        assert fact.relative_to(roots[0]).as_posix() in changed
        assert len([name for name in changed if name.startswith("gold/fact_rate_enriched/")]) == 1
        before = after
    assert time.monotonic() - built < 10
    assert kit.rewritten(other, kit.parquet_files(roots[1])) == set()
    names = {task["name"] for task in RemoteScheduler(scheduler).task_list("DONE", "").values()}
    assert {"facts.FactRate", "dims.DimCode", "enriched.EnrichedMonth", "warehouse.Warehouse"} <= names

    # And when no scheduler answers, or none is wanted, a build has one of its own.
    config.write_text(f"[core]\nscheduler_port = {browser.free_port()}\n")
    kit.change_rate(roots[1])
    said = kit.ratehouse(roots[1], "build", env={"LUIGI_CONFIG_PATH": str(config)})
    assert said.returncode == 0, said.stderr
    assert "\nscheduler: its own (`make scheduler` starts one that has a dashboard)\n" in said.stderr
    kit.change_rate(roots[1])
    assert build_through(roots[1], scheduler, local=True).scheduler == "local"
