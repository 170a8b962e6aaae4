"""What facts say of each other, and of who is paid, found the slow, obvious way.

What belongs here: plain grouping over `plain_facts`. What must not come in: anything of `pipeline`.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from plain_facts import IDENTITY, Fact


def variants(facts: dict[str, Fact]) -> dict[str, tuple[int, float, float, str | None]]:
    """By fact: how many agree with it in all but the amount, the least and the most of these, and whether a file has two."""
    alike: dict[tuple, list[str]] = defaultdict(list)
    for uid, fact in facts.items():
        known = fact.columns | {"owner": fact.columns["pg_members_uid"] or fact.columns["pg_uid"]}
        alike[tuple(known[name] for name in IDENTITY if name != "rate_text")].append(uid)
    found = {}
    for uids in alike.values():
        amounts = [facts[uid].columns["negotiated_rate"] for uid in uids]
        files = Counter(batch for uid in uids for batch in set(facts[uid].batches))
        scope = None if len(uids) == 1 else "file" if max(files.values()) > 1 else "files"
        found |= dict.fromkeys(uids, (len(uids), min(amounts), max(amounts), scope))
    return found


def tin(fact: Fact, npi: str | None) -> tuple[str | None, str | None, int | None]:
    """The TIN (value, type) under which an NPI, or nobody, stands in the fact's group, and how many the group has."""
    if fact.members is None:
        return None, None, None
    tins = {(kind, value) for kind, value, _ in fact.members if value.strip("0")}
    of_npi = {(kind, value) for kind, value, one in fact.members if one == (npi or "0") and value.strip("0")}
    chosen = min(of_npi) if of_npi else next(iter(tins)) if len(tins) == 1 else (None, None)
    return chosen[1], chosen[0], len(tins)


def flags(fact: Fact, count: int) -> set[str]:
    """The flags that follow from the fact and the number of its variants alone."""
    columns = fact.columns
    rate, kind, expires = columns["negotiated_rate"], columns["negotiated_type"], columns["expiration_date"]
    holds = {
        "zero": rate == 0,
        "negative": rate < 0,
        "percentage": kind == "percentage",
        "per_diem": kind == "per diem",
        "expired": expires is not None and expires[:7] < columns["year_month"],
        "variants": count > 1,
    }
    return {name for name, held in holds.items() if held}


OF_FACT_ALONE = frozenset({"zero", "negative", "percentage", "per_diem", "expired", "variants"})
