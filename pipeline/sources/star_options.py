"""What `import-star` was told of a star schema and its files do not say: kept beside them.

What belongs here: keeping and telling that. What must not come in: the files themselves (`readers.star`).
"""

from __future__ import annotations

import json

from pipeline import errors
from pipeline.paths import Root
from pipeline.storage import targets

CLASSES = ("professional", "institutional", "both")


def billing_class(root: Root, star: str) -> str | None:
    """The billing class of its facts that have none; None where none was told.

    SourceError where what was kept cannot be read: without it the facts would lose their class.
    """
    path = root.star_options(star)
    try:
        told = json.loads(path.read_text(encoding="utf-8"))["billing_class"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError) as problem:
        told = f"{type(problem).__name__}: {problem}"
    if told not in CLASSES:
        raise errors.SourceError(
            f"does not say a billing class ({told})",
            place=path,
            remedy="remove it, then name the class again: ratehouse import-star DIR --billing-class CLASS",
        )
    return told


def keep_billing_class(root: Root, star: str, told: str) -> None:
    """Remember the billing class of its facts that have none."""
    text = json.dumps({"billing_class": told}) + "\n"
    targets.write_text(root, root.star_options(star), text)
