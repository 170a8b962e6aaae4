"""The kinds of machine-readable files of the transparency rule, by the one key that gives each away.

What belongs here: their names. What must not come in: reading any of them.
"""

from __future__ import annotations

KIND_OF_KEY = {
    "in_network": "an in-network file",
    "reporting_structure": "a table of contents",
    "out_of_network": "an allowed-amounts file",
    "drugs": "a prescription-drug file",
    "provider_groups": "a provider-reference file",
}
