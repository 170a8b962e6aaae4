"""Data Docs: what the gates found, as a folder of pages that needs no network.

What belongs here: turning saved validation results into pages. GX renders each result; the frame around it, the style
and the index are ours, because GX's fetch scripts and styles from half a dozen hosts and stay empty without them.
What must not come in: checking (`gates.suites`), where results are kept.
"""

from __future__ import annotations

import functools
import hashlib
import html
import json
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipeline.gates.suites import CRITICAL, preload
from pipeline.paths import make_folder
from pipeline.storage import targets

FAILED, WARNED, PASSED = "failed", "warnings", "passed"
_MARK = {FAILED: "✗", WARNED: "!", PASSED: "✓"}
DRAFT = ".page"  # the name of a page that is being written
# Bump when the pages change though no result does.
_LAYOUT = "2"

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --bad: #c62828; --warn: #b26a00; --good: #2e7d32; }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a80; --warn: #ffb74d; --good: #81c784; } }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; padding: 0 1.5rem; max-width: 78rem; }
h1 { font-size: 1.5rem; margin: .3rem 0; } h2, h5 { font-size: 1.1rem; margin: 1.6rem 0 .4rem; } h6 { margin: 0; }
table { border-collapse: collapse; width: 100%; } td, th { border-bottom: 1px solid var(--line); padding: .35rem .6rem;
text-align: left; vertical-align: top; } th { font-weight: 600; } .n { text-align: right; white-space: nowrap; }
.table-bordered { width: auto; margin: .5rem 0; } .badge { font-family: ui-monospace, monospace; background: #8882;
border-radius: .25rem; padding: 0 .25rem; white-space: pre-wrap; }
.failed, .text-danger { color: var(--bad); } .warnings { color: var(--warn); } .passed, .text-success { color: var(--good); }
.fas { font-style: normal; font-weight: 700; } .fa-check-circle::before { content: "✓"; } .fa-times::before { content: "✗"; }
.fa-exclamation-triangle::before { content: "!"; } .m { width: 1.5rem; text-align: center; }
.of { overflow-wrap: anywhere; }
.table th:first-child { width: 4rem; } .table th:last-child { width: 12rem; }
[hidden], .ge-section > .row > .collapse { display: none; } .why { opacity: .75; } nav { margin-bottom: 1rem; }
"""


@dataclass(frozen=True)
class _Check:
    """One validation result as the index shows it."""

    table: str
    label: str
    state: str
    checked: int
    failed: list[str]
    when: str
    page: str


def build(results: Iterable[dict], suites: Path, out: Path, absent: Iterable[tuple[str, str, str]] = ()) -> Path:
    """Write the site into the folder `out` and return its index.html.

    results  what `gates.suites.Verdict.result` was, one for each check
    suites   folder of the suites, whose notes say what a table is
    absent   (source, missing or archived, what is kept of it) of sources whose raw file is not seen
    out      may be a link, or on a disk of its own. New pages come first, then the index that names them, and only then
             go the pages that it does not name: a reader finds a whole site at any time. The page of a result that has not
             changed has the name that it had, and is not rendered again.
    """
    pages, draft = make_folder(out / "checks"), out / DRAFT
    for left in [path for path in out.parent.iterdir() if path.name.startswith(f".{out.name}-")]:
        shutil.rmtree(left, ignore_errors=True)  # of an earlier version, which was killed
    checks = []
    for result in results:
        check = _summary(result)
        checks.append(check)
        if not (out / check.page).exists():
            _write(out / check.page, _page(check, result, _notes(suites, check.table)), draft)
    index = out / "index.html"
    _write(index, _index(checks, list(absent)), draft)
    named = {out / check.page for check in checks}
    for path in [path for path in pages.iterdir() if path not in named]:
        path.unlink()
    draft.unlink(missing_ok=True)  # of a build that was killed, where nothing was written since
    return index


def _write(path: Path, text: str, draft: Path) -> None:
    """Write a page whole or not at all."""
    draft.write_text(text, encoding="utf-8")
    targets.replace(draft, path)


def _summary(result: dict) -> _Check:
    failures = [r["expectation_config"] for r in result["results"] if not r["success"]]
    critical = [c for c in failures if c.get("severity", CRITICAL) == CRITICAL]
    run = result["meta"]["run_id"]
    table = result["suite_name"]
    label = re.sub(rf"^([^/]+/)*{re.escape(table)}_?", "", run["run_name"] or "")  # gold/fact_rate_2025-08: the month
    # The time of a check is no part of what it found: a page lives as long as the finding.
    content = json.dumps([_LAYOUT, label, result["results"]], sort_keys=True)
    # Of a raw file not its name, which may be of any length.
    of = hashlib.md5(label.encode()).hexdigest() if label.startswith("raw/") else label
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", f"{table}~{of}")[-120:]
    return _Check(
        table=table,
        label=label,
        state=FAILED if critical else WARNED if failures else PASSED,
        checked=len(result["results"]),
        failed=[c.get("description") or c["type"] for c in (critical or failures)],
        when=run["run_time"][:16].replace("T", " "),
        page=f"checks/{name}-{hashlib.md5(content.encode()).hexdigest()[:10]}.html",
    )


def _notes(suites: Path, table: str) -> str:
    path = suites / f"{table}.json"
    return json.loads(path.read_text(encoding="utf-8")).get("notes") or "" if path.exists() else ""


# ---- pages --------------------------------------------------------------------------------------------------------


def _frame(title: str, body: str) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _index(checks: list[_Check], absent: list[tuple[str, str, str]]) -> str:
    order = {FAILED: 0, WARNED: 1, PASSED: 2}
    rows = []
    for c in sorted(checks, key=lambda c: (order[c.state], c.table, c.label)):
        found = "<br>".join(html.escape(f) for f in c.failed)
        rows.append(
            f'<tr><td class="m {c.state}">{_MARK[c.state]}</td>'
            f'<td><a href="{html.escape(c.page)}">{html.escape(c.table)}</a></td><td class="of">{html.escape(c.label)}</td>'
            f'<td class="{c.state}">{c.state}</td><td>{found}</td><td class="n">{c.checked}</td>'
            f'<td class="n">{html.escape(c.when)}</td></tr>'
        )
    failed, warned, passed = (sum(c.state == state for c in checks) for state in order)
    heads = "<th></th><th>Table</th><th>Of</th><th>Result</th><th>Expectations that failed</th>"
    return _frame(
        "Ratehouse Data Docs",
        f"<h1>Data Docs</h1>\n<p>{len(checks)} checks: {failed} failed, {warned} with warnings, {passed} passed. A failed critical expectation blocks what it is about; "
        "a warning is reported only.</p>\n"
        f'<table><thead><tr>{heads}<th class="n">All</th><th class="n">Checked (UTC)</th></tr></thead>\n'
        f"<tbody>\n{chr(10).join(rows)}\n</tbody></table>{_absent(absent)}",
    )


def _absent(absent: list[tuple[str, str, str]]) -> str:
    """The sources whose raw files are not seen, as a table; nothing where there is none."""
    if not absent:
        return ""
    rows = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>\n" for row in absent)
    return (
        "\n<h2>Sources whose raw file is not seen</h2>\n<p>What was built of them stays until they are forgotten.</p>\n"
        f"<table><thead><tr><th>Source</th><th>Presence</th><th>Kept</th></tr></thead>\n<tbody>\n{rows}</tbody></table>"
    )


def _page(check: _Check, result: dict, notes: str) -> str:
    title = f"{check.table} {check.label}".strip()
    return _frame(
        title,
        '<nav><a href="../index.html">Data Docs</a></nav>\n'
        f"<h1>{html.escape(title)}</h1>\n<p>{html.escape(notes)}</p>\n"
        f'<p class="{check.state}">{_MARK[check.state]} {check.state}: '
        f"{check.checked} expectations, {sum(not r['success'] for r in result['results'])} failed.</p>\n"
        f"{_sections(result)}",
    )


@functools.cache
def _gx():
    """GX's renderers: (loads a result, renders it to a document, renders a document's section to HTML)."""
    preload()
    from great_expectations.core.expectation_validation_result import expectationSuiteValidationResultSchema
    from great_expectations.render.renderer import ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaSectionView

    return expectationSuiteValidationResultSchema, ValidationResultsPageRenderer(), DefaultJinjaSectionView()


def _sections(result: dict) -> str:
    """GX's rendering of a result, without its overview, which says what the frame says."""
    schema, renderer, view = _gx()
    document = renderer.render(schema.load(_with_examples(result))).to_json_dict()
    return "\n".join(
        view.render({"section": section, "section_loop": {"index": index}})
        for index, section in enumerate(document["sections"][1:], 1)
    )


def _with_examples(result: dict) -> dict:
    """A result in the words of the suite, with the rows that an SQL expectation returned.

    GX puts text into HTML as it is, so data is escaped here, and text of ours may be HTML.
    """
    return {**result, "results": [_one(r) for r in result["results"]]}


def _one(result: dict) -> dict:
    config, found = result["expectation_config"], result["result"]
    description = html.escape(config.get("description") or config["type"])
    why = html.escape(f"{config.get('notes') or ''} ({config.get('severity', CRITICAL)})")
    rows = (found.get("details") or {}).get("unexpected_rows") or []
    words = f'{description} <span class="why">{why}</span>{_rows(rows)}'
    return {**result, "result": _escaped(found), "expectation_config": {**config, "description": words}}


def _rows(rows: list[dict]) -> str:
    if not rows:
        return ""
    heads = "".join(f"<th>{html.escape(name)}</th>" for name in rows[0])
    cells = "".join("<tr>" + "".join(f"<td>{html.escape(str(v))}</td>" for v in r.values()) + "</tr>" for r in rows)
    return f'<table class="table-bordered"><thead><tr>{heads}</tr></thead><tbody>{cells}</tbody></table>'


def _escaped(value: object) -> object:
    if isinstance(value, str):
        return html.escape(value)
    if isinstance(value, dict):
        return {k: _escaped(v) for k, v in value.items()}
    return [_escaped(v) for v in value] if isinstance(value, list) else value
