"""`python -m pipeline.cli.kept ROOT`: tells `make clean` which rows would be lost, because their raw file is gone.

What belongs here: naming them. What must not come in: removing anything.
"""

from __future__ import annotations

import sys

from pipeline import errors, session

MANY = 20


def main(root: str) -> int:
    """Exit 1, with the names of the sources that could not be built again, when there are any."""
    from pipeline.operations import letting_go, records, status

    warehouse = session.choose_root(root)
    status.begin()
    kept = [one.name for one in letting_go.missing() if one.rows] + records.lost(warehouse)
    if not kept:
        return 0
    print(f"{root}: these sources were built and are not seen, and could not be built again:", file=sys.stderr)
    for name in kept[:MANY]:
        print(f"  {name}", file=sys.stderr)
    if len(kept) > MANY:
        print(f"  … and {len(kept) - MANY:,} more", file=sys.stderr)
    print("nothing removed; to remove their rows, too: make clean FORCE=1", file=sys.stderr)
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1]))
    except errors.RatehouseError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
