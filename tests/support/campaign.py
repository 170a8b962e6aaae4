"""How much of campaigns runs: a sample, drawn with a seed, in every run of the tests; all with RATEHOUSE_CAMPAIGN, as `make faults` sets it."""

from __future__ import annotations

import os

ALL = "RATEHOUSE_CAMPAIGN" in os.environ  # set by `make faults`
SEED = int(os.environ.get("RATEHOUSE_SEED", "20250801"))
