"""A change of the sample's sources, and its taking back, on which builds are interrupted."""

from __future__ import annotations

import shutil
from pathlib import Path

import kit

EDITED = "TX/2025-08_tupelo-vine_tx_in-network-rates.json"
ADDED = "TX/2025-09_tupelo-vine_tx_in-network-rates.json"


def change(root: Path) -> None:
    """A payer's new name and one new price in August, which move its leaves; and a new month."""
    path = root / "raw" / "mrf" / EDITED
    text = path.read_text(encoding="utf-8")
    september = text.replace('"last_updated_on":"2025-08-05"', '"last_updated_on":"2025-09-05"')
    (root / "raw" / "mrf" / ADDED).write_text(september, encoding="utf-8")
    number = text.split('"negotiated_rate":')[1].split(",")[0]
    text = text.replace('"Tupelo & Vine Mutual"', '"Tupelo and Vine"').replace(f":{number},", ":4321.09,", 1)
    path.write_text(text, encoding="utf-8")


def change_back(root: Path) -> None:
    """The sources as they were."""
    shutil.copy2(kit.SAMPLE / "mrf" / EDITED, root / "raw" / "mrf" / EDITED)
    (root / "raw" / "mrf" / ADDED).unlink()
