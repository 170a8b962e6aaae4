"""Updates the times of published files in stamps and manifests where only the time changed, so that the next build need
not hash them again.

What belongs here: rewriting them. What must not come in: whether a file is as it was published (`targets`), writing a file of a table.
"""

from __future__ import annotations

import dataclasses
import re

from pipeline.leaves import manifest, writing
from pipeline.paths import Root
from pipeline.storage import stamps, targets
from pipeline.storage.stamps import Stamp
from pipeline.storage.targets import PublishedFile

_MONTH = re.compile(r"[/\\]year_month=(\d{4}-\d\d)[/\\][^/\\]+$")


def record_times(root: Root) -> None:
    """Put on record the time of each file that was read for its time and found as it was published. To be called under
    the lock, when nobody else writes. If it is killed, the next build reads what is left once more.
    """
    touched = targets.touched()
    if not touched:
        return
    interrupted = targets.was_interrupted(root)
    for label in stamps.labels(root):
        stamp = stamps.read(root, label)
        if stamp is not None:
            _restamp(root, label, stamp, touched)
    for month in sorted({found[1] for path in touched if (found := _MONTH.search(path))}):
        _relist(root, month, touched)
    if not interrupted:
        targets.clear_folder(root.scratch)
    targets.clear_caches()


def _restamp(root: Root, label: str, stamp: Stamp, touched: dict) -> None:
    """Write a stamp anew when a file of it has another time."""
    parts = {name: _timed(root, part, touched) for name, part in stamp.parts.items()}
    notes = stamp.notes
    if label == "warehouse":
        size, _, sha256 = seen = touched.get(str(root.catalog), (0, 0, ""))
        if (size, sha256) == (notes["file"][0], notes["sha256"]):
            notes = {**notes, "file": list(seen[:2])}
    if (parts, notes) != (stamp.parts, stamp.notes):
        stamps.write(root, label, Stamp(stamp.basis, parts, stamp.gates, notes))


def _timed(root: Root, part: PublishedFile, touched: dict) -> PublishedFile:
    size, mtime_ns, sha256 = touched.get(str(root.path / part.path), (0, 0, ""))
    return dataclasses.replace(part, mtime_ns=mtime_ns) if (size, sha256) == (part.bytes, part.sha256) else part


def _relist(root: Root, month: str, touched: dict) -> None:
    """Write a month's manifest, then its stamp, anew; what was written of the month's leaves stays the same."""
    label = f"gold/fact_rate_enriched/year_month={month}"
    stamp = stamps.read(root, label)
    if stamp is None or targets.file_hash(manifest.manifest(root, month)) != stamp.notes["manifest"]:
        return
    if digest := writing.list_with_times(root, month, touched):
        notes = {**stamp.notes, "manifest": digest, "written_as": manifest.written_as(stamp.notes)}
        stamps.write(root, label, Stamp(stamp.basis, stamp.parts, stamp.gates, notes))
