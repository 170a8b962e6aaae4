"""Tells the kind and the month of a machine-readable file of the transparency rule from its first keys.

What belongs here: such looks. What must not come in: a verdict on a file (`in_network.read` and the other readers give it).
"""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.readers import mrf_dates
from pipeline.readers.json_stream.decompression import opened

KIND_OF_KEY = {
    "in_network": "an in-network file",
    "reporting_structure": "a table of contents",
    "out_of_network": "an allowed-amounts file",
    "drugs": "a prescription-drug file",
    "provider_groups": "a provider-reference file",
}

_UPDATED = re.compile(rb'"last_updated_on"\s*:\s*"([^"\\]{4,100})"')
_KEPT = 256  # bytes of a piece that are looked at again with the next: more than the key and its value take


def month(path: Path) -> str | None:
    """The month that a file says it is of, by its text; None when it says none. SourceError where it cannot be unpacked."""
    before = b""
    with opened(path) as pieces:
        for piece in pieces:
            before += piece
            if found := _UPDATED.search(before):
                return mrf_dates.month(found[1].decode(errors="replace"))[0]
            before = before[-_KEPT:]
    return None
