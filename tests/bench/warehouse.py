"""The whole pipeline on a generated warehouse, each figure beside its baseline of the same run: `make bench`.

What belongs here: which figures there are, how each is measured, its limit. What must not come in: a claim; what stands
in the table was measured. Every command that is measured runs as a process of its own (`process_tree`); the other ways
to write the same rows are in `baselines`.

    python tests/bench/warehouse.py                                        a few minutes
    python tests/bench/warehouse.py --folder DIR --facts 3000000 --leaves 138000 --month-facts 200000 --month-leaves 20000
    python tests/bench/warehouse.py --folder DIR --facts 3000000 --leaves 138000 --only nothing,rerun

With --folder what was generated, built and measured stays there: the same command goes on with what is missing, and
parts named by --only are measured again without building anew. A part that fails says so, the others go on.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import traceback
from pathlib import Path

import process_tree
import report
from report import Figure

CHECKOUT = Path(__file__).parents[2]
sys.path.insert(0, str(CHECKOUT))

import build_parts  # noqa: E402
import change_parts  # noqa: E402

# In this order: what changes the warehouse comes after what measures it as it was built.
PARTS = {
    "build": build_parts.build,
    "polars": build_parts.polars,
    "guidelines": build_parts.guidelines,
    "sorted": build_parts.sorted_file,
    "nothing": change_parts.nothing,
    "rerun": change_parts.rerun,
    "address": change_parts.address,
    "months": change_parts.months,
}
SIZE = ("facts", "leaves", "months", "providers", "month_facts", "month_leaves")


class Bench:
    """What the parts share: where things stand, what was asked for, what earlier parts found (`found`), commands."""

    def __init__(self, folder: Path, asked: argparse.Namespace):
        self.folder, self.asked = folder, asked
        self.root = folder / "warehouse"
        self._state = folder / "measured.json"
        kept = json.loads(self._state.read_text()) if self._state.exists() else {}
        size = {name: getattr(asked, name) for name in SIZE}
        if kept and kept["size"] != size:
            raise SystemExit(f"{folder}: holds another size: {kept['size']}; name another --folder")
        self.found: dict = kept.get("found", {})
        self.figures: dict[str, list[dict]] = kept.get("figures", {})
        self._kept = {"size": size, "found": self.found, "figures": self.figures}

    def save(self) -> None:
        """Keep what was found for the next run."""
        draft = self._state.with_suffix(".tmp")
        draft.write_text(json.dumps(self._kept, indent=1))
        os.replace(draft, self._state)

    def ratehouse(self, name: str, *words: str) -> process_tree.Watched:
        """Run the command; `name` is that of its log."""
        return self.python(name, "-m", "pipeline.cli", *words)

    def baseline(self, which: str, joined: Path) -> tuple[dict, process_tree.Watched]:
        """Run one of `baselines` in a folder that goes afterwards; what it printed, and how it went."""
        scratch = self.folder / f"baseline-{which}"
        shutil.rmtree(scratch, ignore_errors=True)
        try:
            watched = self.python(which, str(Path(__file__).parent / "baselines.py"), which, str(joined), str(scratch))
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return json.loads(watched.output.splitlines()[-1]), watched

    def python(self, name: str, *words: str) -> process_tree.Watched:
        """Run Python in a process of its own, with the settings of the checkout alone."""
        logs = self.folder / "logs"
        logs.mkdir(exist_ok=True)
        surroundings = {k: v for k, v in os.environ.items() if not k.startswith(("RATEHOUSE", "LUIGI"))}
        surroundings |= {"PYTHONPATH": str(CHECKOUT), "NO_COLOR": "1"}
        command = [sys.executable, *words]
        return process_tree.run(command, log=logs / f"{name}.txt", env=surroundings, cwd=CHECKOUT)


def say(text: str) -> None:
    """One line of what is being done."""
    print(text, flush=True)


def _title(asked: argparse.Namespace) -> str:
    title = f"{asked.facts:,} facts in {asked.leaves:,} leaves"
    return title + (f", {asked.months} months" if asked.months > 1 else "")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=int, default=300_000, help="[300,000]")
    parser.add_argument("--leaves", type=int, default=14_000, help="[14,000]")
    parser.add_argument("--months", type=int, default=1, help="months over which these are spread [1]")
    parser.add_argument("--providers", type=int, help="in the registry [a fiftieth of a month's facts]")
    parser.add_argument("--month-facts", type=int, default=6_000, help="a month of the part `months` [6,000]")
    parser.add_argument("--month-leaves", type=int, default=600, help="a month of the part `months` [600]")
    parser.add_argument("--workers", type=int, default=2, help="of every build [2]")
    parser.add_argument("--only", metavar="PART,…", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--folder", type=Path, help="keep everything here, and go on with it")
    parser.add_argument("--most-for-baselines", type=int, default=4_000_000, metavar="FACTS",
                        help="no Polars and no guidelines beside more: 3 million take Polars 7.5 GB [4,000,000]")  # fmt: skip
    parser.add_argument(
        "--readme", type=Path, metavar="FILE", help="also put the table into this file, between its marks"
    )
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "RESULTS.md", metavar="FILE")
    asked = parser.parse_args()
    asked.chosen = asked.only.split(",") if asked.only else list(PARTS)
    unknown = set(asked.chosen) - set(PARTS)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: no such part; there are {', '.join(PARTS)}")
    return asked


def _run(bench: Bench) -> list[str]:
    """Measure what was asked for and is not known yet; returns the parts that failed."""
    asked, failed = bench.asked, []
    chosen = list(asked.chosen)
    if "build" not in chosen and "build" not in bench.figures and set(chosen) - {"months"}:
        chosen.insert(0, "build")  # the others measure what it builds
    for name in (one for one in PARTS if one in chosen):
        if name in bench.figures and not (asked.only and name in asked.chosen):
            say(f"{name}: measured before")
            continue
        if name not in ("build", "months") and "build" not in bench.figures:
            say(f"{name}: not measured, there is no built warehouse")
            failed.append(name)
            continue
        say(f"{name}:")
        try:
            found = PARTS[name](bench)
        except Exception as problem:  # reported, and the run ends with 1: the other parts are worth their time
            bench.figures.pop(name, None)
            text = str(problem) if isinstance(problem, process_tree.CommandFailed) else traceback.format_exc()
            say(f"  FAILED: {text.strip()}")
            failed.append(name)
        else:
            bench.figures[name] = [one.to_dict() for one in found]
            for one in found:
                say(f"  {one.what}: {one.measured}" + (f"; {one.verdict}" if one.verdict else ""))
        bench.save()
    return failed


def _tell(bench: Bench, failed: list[str]) -> None:
    """Print the section and, when every part was measured or tried, write it."""
    asked = bench.asked
    figures = [Figure(**one) for name in PARTS for one in bench.figures.get(name, [])]
    figures += [Figure(name, f"part `{name}`", "FAILED", verdict="not measured") for name in failed]
    told = [f"--workers {asked.workers}", *bench.found.get("told", []), report.load()]
    text = report.section(_title(asked), figures, told)
    say("\n" + text)
    over = sum(one.verdict.startswith("over") for one in figures)
    say(
        f"{sum(one.verdict == 'PASS' for one in figures)} figures within their limits, {over} over, {len(failed)} parts failed"
    )
    if set(PARTS) <= {*bench.figures, *failed}:
        report.write(asked.results, _title(asked), text)
        say(f"written to {asked.results}")
        if asked.readme:
            report.quote(asked.readme, _title(asked), figures)
            say(f"and to {asked.readme}")


def main() -> int:
    """Measure; 1 when a part could not be measured. A figure over its limit is said in words, and is no failure."""
    asked = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # not without ending the command that is measured
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="ratehouse-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        bench = Bench(folder.resolve(), asked)
        failed = _run(bench)
        _tell(bench, failed)
    finally:
        if asked.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
