"""Faults on purpose at every step of publishing: what a build then says, and that the next one mends it.

A sample, drawn with a seed, in every run of the tests; all of them in `make faults`.
"""

from __future__ import annotations

import functools
import json
import os
import random
import re
import shutil
import signal
import sys
from pathlib import Path

import pytest

import forked
import kit
from campaign import ALL, SEED
from sample_changes import change, change_back
from wholeness import look, nothing_counts_as_whole_that_is_not, stands_as, tables

MOMENTS = int(os.environ.get("RATEHOUSE_MOMENTS", "200"))
ERRNOS = ("ENOSPC", "EACCES", "EIO", "EMFILE")
LASTING = ("replace", "link", "remove", "rmdir", "rmtree", "write")  # what a kill before it leaves differs from before

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def undisturbed(small: Path) -> dict[str, str]:
    return tables(small)


def general(path: str) -> str:
    """A path as a regular expression: what holds a process's number, or a random word, stands for any."""
    path = re.sub(r"-\d+(?=[-/.]|$)", "-NUMBER", path)
    path = re.sub(r"[0-9a-f]{32}", "HASH", path) if "/.scratch/" in path else path
    return re.escape(path).replace("NUMBER", r"\d+").replace("HASH", "[0-9a-f]{32}") + "$"


def operations(server: forked.Server, root: Path, listing: Path) -> list[tuple[str, str]]:
    """(step, path as a regular expression) of every file operation of a build of the root, each once, in their order."""
    listing.unlink(missing_ok=True)
    assert server.build(root, f"record .* 1+ any {listing}").code == 0
    met = [json.loads(line) for line in listing.read_text().splitlines()]
    return list(dict.fromkeys((step, general(path)) for step, path in met if path.startswith(f"{root}/")))


def sampled(found: list, count: int) -> list:
    """All, or in a plain run of the tests a few, in their order."""
    if ALL:
        return found
    return [found[i] for i in sorted(random.Random(SEED).sample(range(len(found)), count))]


def test_killed_at_each_step_of_publishing_the_next_build_ends_as_an_undisturbed_one(server, small, tmp_path):
    root = tmp_path / "warehouse"

    def begin() -> None:
        shutil.rmtree(root, ignore_errors=True)
        if ALL:  # every table is built; else those of one changed rate, which takes a third of the time
            kit.small(root)
        else:
            kit.copy(small, root)
            kit.change_rate(root)

    begin()
    steps = [one for one in operations(server, root, tmp_path / "list") if one[0] in LASTING]
    undisturbed = tables(root)
    assert len(steps) > (250 if ALL else 60)
    begin()
    kept, met = tmp_path / "kept", 0
    # Each build goes on from where the one before it died, dies one step further, and is then mended in its copy.
    for step, path in sampled(steps, 6):
        shutil.rmtree(kept, ignore_errors=True)
        kit.copy(root, kept)
        ended = server.build(root, f"kill {step} 1 any {path}")
        assert ended.code in (0, -signal.SIGKILL), (step, path, ended.text)
        if ended.code == 0:  # what died before had come far enough to make this step needless
            shutil.rmtree(root)
            kept.rename(root)
            continue
        met += 1
        if met % 10 == 0:
            print(f"{met} of {len(steps)} steps, no problem", flush=True)  # with -s: hours may pass
        nothing_counts_as_whole_that_is_not(root, undisturbed)
        if ALL:
            shutil.rmtree(kept)
            kit.copy(root, kept)
            assert server.build(root).code == 0, (step, path)
            stands_as(root, undisturbed)
            shutil.rmtree(root)
            kept.rename(root)
    assert met > (0.7 * len(steps) if ALL else 2)
    print(f"{met} of {len(steps)} steps met")
    assert server.build(root).code == 0
    stands_as(root, undisturbed)


@pytest.mark.skipif(not ALL, reason="make faults; test_crash has a dozen of them")
def test_killed_at_200_random_moments_of_the_sample(server, sample, tmp_path):
    draw, here = random.Random(SEED), str(sample)
    wanted = {False: tables(sample)}
    other = kit.copy(sample, tmp_path / "undisturbed")
    change(other)
    assert kit.build(other).ok
    wanted[True] = tables(other)
    kills, changed = 0, False
    while kills < MOMENTS:
        (change_back if changed else change)(sample)
        changed = not changed
        for _ in range(10):
            plan = f"kill .* {draw.randint(1, 1_500)} any {re.escape(here)}/"
            ended = server.build(sample, plan, "--forget-missing")
            assert ended.code in (0, -signal.SIGKILL), ended.text
            kills += ended.code != 0
            if ended.code and kills % 10 == 0:
                print(f"{kills} of {MOMENTS} moments, no problem", flush=True)
            nothing_counts_as_whole_that_is_not(sample, wanted[changed])
            if not ended.code:
                break
        assert server.build(sample, "", "--forget-missing").code == 0
        stands_as(sample, wanted[changed])
    print(f"{kills} random moments")


def test_a_refused_operation_is_one_clear_message_and_the_next_build_completes(server, small, tmp_path):
    root = kit.copy(small, tmp_path / "warehouse")
    kit.change_rate(root)
    found = operations(server, root, tmp_path / "list")
    undisturbed = tables(root)
    # What a tree's removal meets is refused file by file: the removal as a whole is no call of the system's.
    found = [one for one in found if one[0] != "rmtree"]
    cases = [(one, ERRNOS[i % len(ERRNOS)]) for i, one in enumerate(found)]
    problems = []
    # In a random order, so that a run that is broken off has seen a sample of them all.
    drawn = sampled(cases, 4)
    random.Random(SEED).shuffle(drawn)
    for number, ((step, path), code) in enumerate(drawn, 1):
        shutil.rmtree(root)
        kit.copy(small, root)
        kit.change_rate(root)
        ended = server.build(root, f"{code} {step} 1+ any {path}")
        try:
            look(root)
            nothing_counts_as_whole_that_is_not(root, undisturbed)
            said_clearly(ended, code)
            again = server.build(root)
            assert again.code == 0, again.text
            stands_as(root, undisturbed)
        except AssertionError as problem:
            problems.append(f"{code} {step} {path}: {problem}\n{ended.text}")
            print(problems[-1], flush=True)  # with -s it is seen while the others run
            if not ALL:
                raise
        if number % 10 == 0:
            print(f"{number} of {len(drawn)} refusals, {len(problems)} problems", flush=True)
    print(f"{len(cases)} refusals")
    assert problems == []


@pytest.mark.parametrize("plan", ["EIO mkdir 1+ any /leaves-", "ENOSPC replace 1+ any /code_versions"])
def test_what_is_refused_outside_of_publishing_is_said_as_clearly(server, small, plan, tmp_path):
    root = kit.copy(small, tmp_path / "warehouse")
    kit.change_rate(root)
    (root / ".state" / "code_versions.json").unlink(missing_ok=True)
    ended = server.build(root, plan)
    assert ended.code == 1
    said_clearly(ended, plan.partition(" ")[0])
    assert server.build(root).code == 0


@pytest.mark.skipif(not ALL or sys.platform == "win32", reason="make faults")
@pytest.mark.parametrize("limit", [11, 14, 17, 20, 22])
def test_a_limit_of_open_files_that_is_too_low_is_said_as_clearly(undisturbed, limit, tmp_path):
    import resource

    root = kit.small(tmp_path / "warehouse")
    bound = functools.partial(resource.setrlimit, resource.RLIMIT_NOFILE, (limit, limit))
    said = kit.ratehouse(root, "build", "--local-scheduler", "--workers", "1", preexec_fn=bound)
    said_clearly(forked.Said(said.returncode, said.stdout + said.stderr), "EMFILE")
    assert said.returncode == 1 or limit > 11
    nothing_counts_as_whole_that_is_not(root, undisturbed)
    assert kit.ratehouse(root, "build", "--local-scheduler").returncode == 0
    stands_as(root, undisturbed)


def said_clearly(ended: forked.Said, code: str) -> None:
    """A build that was refused an operation ended well, for it could do without, or said what was refused and what to do."""
    import errno

    assert "Traceback" not in ended.text, ended.text
    assert ended.code in (0, 1)
    if ended.code == 1:
        said = " ".join(ended.text.split())
        assert os.strerror(getattr(errno, code)) in said
        assert "run the same command again" in said
