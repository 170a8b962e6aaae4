"""The quarter or year of a release, as a title, a heading or a publisher's file name spells it.

What belongs here: the spellings, and which of several texts decides. What must not come in: the layout of any file
(`medicare.physician`, `medicare.facility`), the choice between releases (`transforms`).

CMS's names that are understood, each as seen on its pages:

    2026 July Web Addendum B.07.13.26.csv   july-2026-opps-addendum-b.zip   508-Version-Jan-2025-ASC-AA.csv
    Addendum_B_07.2025.csv   2025-01 Web Addendum A.csv   2025 Q3, 3Q25, Quarter 3, 2025   20250401
    RVU25D.zip, rvu25a-updated-01_10_2025.zip   PPRRVU25_OCT.csv, PPRRVU2025_Oct.csv   OPPSCAP_Oct.csv
    2025 NFRM Addendum B.11122024.txt (a final rule's, in force from 1 January)

A day of posting (07.13.26, 11122024, 2024-10-02) is no release.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from pipeline import errors
from pipeline.readers.reference_files.account import RELEASE, Account

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
# As `raw_kinds.REFERENCES` has them, which a test holds: its words for people are no code of a reader.
FOLDERS = frozenset(("medicare", "wcfs", "geo", "codes", "pos", "nppes", "toc"))
_MONTH = (
    r"(?P<m>JAN(?:UARY)?|FEB(?:RUARY)?|MAR(?:CH)?|APR(?:IL)?|MAY|JUNE?|JULY?|AUG(?:UST)?|SEPT?(?:EMBER)?|OCT(?:OBER)?"
    r"|NOV(?:EMBER)?|DEC(?:EMBER)?)"
)
_GAP = r"[ _.,-]*"
_DATED = [
    re.compile(text)
    for text in (
        rf"(?<![A-Z]){_MONTH}{_GAP}(?:\d{{1,2}},? )?(?P<y>20\d\d)(?!\d)",
        rf"(?<!\d)(?P<y>20\d\d){_GAP}{_MONTH}(?![A-Z])",
        rf"(?<=[A-Z])(?P<y>\d\d){_GAP}{_MONTH}(?![A-Z])",  # PPRRVU25_OCT
        rf"(?<!\d)(?P<y>20\d\d){_GAP}Q(?:UARTER)?{_GAP}(?P<q>[1-4])(?!\d)",
        rf"(?<![A-Z0-9])Q(?:UARTER)?{_GAP}(?P<q>[1-4]){_GAP}(?:OF |CY )?(?P<y>20\d\d)(?!\d)",
        rf"(?<!\d)(?P<y>20\d\d){_GAP}(?P<q>[1-4])Q(?![A-Z0-9])",
        rf"(?<!\d)(?P<q>[1-4])Q{_GAP}(?P<y>(?:20)?\d\d)(?!\d)",
        rf"(?P<word>FIRST|SECOND|THIRD|FOURTH|1ST|2ND|3RD|4TH){_GAP}QUARTER{_GAP}(?:OF |CY )?(?P<y>20\d\d)(?!\d)",
        r"RVU(?P<y>\d\d)(?P<letter>[A-D])R?(?![A-Z])",
        r"EFFECTIVE\D{0,20}(?P<n>0?[1-9]|1[0-2])/\d{1,2}/(?P<y>20\d\d)(?!\d)",
        r"(?<!\d)(?<!\d[._-])(?P<n>0?[1-9]|1[0-2])[._-](?P<y>20\d\d)(?!\d)",  # 07.2025
        r"(?<!\d)(?P<y>20\d\d)[._-](?P<n>0[1-9]|1[0-2])(?![._-]?\d)",  # 2025-01
        r"(?<!\d)(?P<y>20\d\d)[._-]?(?P<n>01|04|07|10)[._-]?01(?!\d)",  # 20250401, a quarter's first day
        r"(?<!\d)(?P<y>20\d\d)(?P<n>0[1-9]|1[0-2])(?!\d)",
        r"(?<!\d)(?P<n>01|04|07|10)(?P<y>20\d\d)(?!\d)",
    )
]
_BARE_MONTH = re.compile(rf"(?<![A-Z]){_MONTH}(?![A-Z])")
_ORDINALS = {"FIRST": 1, "SECOND": 2, "THIRD": 3, "FOURTH": 4, "1ST": 1, "2ND": 2, "3RD": 3, "4TH": 4}
_NAMED_YEAR = re.compile(r"(?:CY|FY|FINAL|FOR|GPCI|ANES|WI) ?(20\d\d)(?!\d)|(?<![A-Z])(?:CY|FY) ?(\d\d)(?!\d)")
_FINAL_RULE = re.compile(r"(?<![A-Z])(NFRM|FINAL RULE|FR|FC)(?![A-Z])")


def names_of(path: Path) -> list[str]:
    """The names that a table goes by, the nearest first: its own without the ending, its folders', its zip's.

    Folders count below raw/<kind> and inside a zip (`…/RVU25D.zip!RVU25D/GPCI2025.csv`).
    """
    text = str(path)
    packed = re.search(r"\.(?:zip|gz)!", text, re.IGNORECASE)
    outside, inside = (text[: packed.end() - 1], text[packed.end() :]) if packed else (text, "")
    found = list(reversed(Path(inside).parts))
    parts = Path(outside).parts
    below = [n for n in range(1, len(parts)) if parts[n - 1] == "raw" and parts[n] in FOLDERS]
    found += reversed(parts[below[-1] + 1 :] if below else parts[-1:])
    return [re.sub(r"\.(csv|txt|tsv|dat|xlsx?|xlsm|zip|gz)", "", name, flags=re.IGNORECASE) for name in found]


def quarters_in(text: str, *, year: str | None = None) -> dict[tuple[str, int], str]:
    """(year, first month of the quarter) -> the words that say so, of every quarter that a text names.

    A month without a year counts where `year` is given, and nothing else names a quarter.
    """
    upper = text.upper()
    found: dict[tuple[str, int], str] = {}
    for pattern in _DATED:
        for hit in pattern.finditer(upper):
            of = hit.group("y")
            found.setdefault((of if len(of) == 4 else f"20{of}", _first_month(hit.groupdict())), hit.group(0).strip())
    if not found and year:
        for hit in _BARE_MONTH.finditer(upper):
            found.setdefault((year, _first_month(hit.groupdict())), hit.group(0))
    return found


def _first_month(groups: dict[str, str | None]) -> int:
    if groups.get("m"):
        month = MONTHS.index(groups["m"][:3]) + 1
    elif groups.get("n"):
        month = int(groups["n"])
    elif groups.get("letter"):
        month = "ABCD".index(groups["letter"]) * 3 + 1
    else:
        quarter = int(groups["q"]) if groups.get("q") else _ORDINALS[groups["word"]]
        month = quarter * 3 - 2
    return (month - 1) // 3 * 3 + 1


def years_in(text: str) -> set[str]:
    """The years that a text names: `CY 2025`, `for 2025`, GPCI2025, RVU25D, 25LOCCO; a bare 2025 where no other is."""
    upper = re.sub(r"(?<!\d)(\d{1,2})[./_-](\d{1,2})[./_-](20\d\d)(?!\d)", " ", text.upper()).replace("_", " ")
    named = {a or f"20{b}" for a, b in _NAMED_YEAR.findall(upper)}
    named |= {f"20{y}" for y in re.findall(r"RVU(\d\d)(?:[A-D]|(?=\D|$))|(?<!\d)(\d\d)LOCCO", upper) for y in y if y}
    if named:
        return named
    return set(re.findall(r"(?<!\d)20\d\d(?!\d)", upper))


def month_of(word: str, path: Path) -> int:
    """The number of a month by its name or the first three letters of it; SourceError when it is none."""
    if word[:3].upper() not in MONTHS:
        raise errors.SourceError(f"{word} is no month", place=path, remedy="its title should name the release's month")
    return MONTHS.index(word[:3].upper()) + 1


def year_of(text: str, path: Path) -> str:
    """The year of a yearly table: that of its text, which its own name must not contradict; else that of its names.

    SourceError when the first of them that names any names several, or when none does.
    """
    names = names_of(path)
    years = years_in(text)
    own = years_in(names[0])
    if not years & own:
        years = years | own  # a title and a name that contradict each other are refused
    for name in names[1:]:
        years = years or years_in(name)
    if len(years) != 1:
        raise errors.SourceError(
            f"does not say of which year it is ({', '.join(sorted(years)) or 'no year found'})",
            place=path,
            remedy=f"rename it so that its name carries the year, as in {path.stem} 2025{path.suffix}",
        )
    return years.pop()


def first_month(year: str, path: Path) -> int:
    """The month from which a yearly table holds: that of the quarterly release it came in (RVU25D), else January."""
    for name in names_of(path):
        months = [month for of, month in quarters_in(name) if of == year]
        if len(months) == 1:
            return months[0]
    return 1


def quarter_of(groups: Iterable[str], path: Path, account: Account) -> tuple[str, int]:
    """(year, first month) of a quarterly table: from `groups`, what it says inside (headings first), else from its names.

    SourceError when neither says, or when a name contradicts the year inside. Where two texts inside contradict each
    other, the first decides, and a warning says so.
    """
    texts = [text.upper() for text in groups if text]
    years = set().union(*(years_in(t) for t in texts if _NAMED_YEAR.search(t))) if texts else set()
    inside = next((found for t in texts if (found := quarters_in(t))), {})
    if not inside:
        inside = _final_rule(texts)
    if len(inside) == 1:
        (chosen, words), *_ = inside.items()
        _compare(chosen, words, years, path, account)
        return chosen
    if len(inside) > 1:
        raise _ambiguous(inside, path, "it says")
    year = next(iter(years)) if len(years) == 1 else None
    for name in names_of(path):
        named = quarters_in(name, year=year)
        if len(named) > 1:
            raise _ambiguous(named, path, f"the name {name} says")
        for chosen, words in named.items():
            if years - {chosen[0]}:
                raise errors.SourceError(
                    f"its text says {min(years)}, but {words.title()} is there too",
                    place=path,
                    remedy="keep the publisher's name of the file",
                )
            return chosen
        if _FINAL_RULE.search(name.upper().replace("_", " ").replace("-", " ")):
            return year or year_of("", path), 1
    year = year or year_of("", path)
    raise errors.SourceError(
        f"says {year}, but not from which quarter it holds",
        place=path,
        remedy=f"rename it so that its name carries the quarter, as in '{year} July {path.stem}{path.suffix}' "
        "(January, April, July or October: CMS's page and the name of its zip say which)",
    )


def _final_rule(texts: list[str]) -> dict[tuple[str, int], str]:
    """The release of a final rule's table, in force from 1 January: `Final CY 2025 …` in a heading, `final rule` in a title."""
    for n, text in enumerate(texts):
        hit = re.search(r"FINAL (?:CY )?(20\d\d)" if n == 0 else r"FINAL RULE\b.*?CY ?(20\d\d)", text)
        if hit:
            return {(hit.group(1), 1): hit.group(0)}
    return {}


def _compare(chosen: tuple[str, int], words: str, years: set[str], path: Path, account: Account) -> None:
    """Warn where the title's year or the file's own name speaks of another release than the one that was chosen."""
    others = sorted(years - {chosen[0]})
    if others:
        account.warn(RELEASE, f"{path.name}: the title says {others[0]}, a heading {words.title()}, which counts")
    named = quarters_in(names_of(path)[0], year=chosen[0])
    if named and chosen not in named:
        other = next(iter(named.values()))
        account.warn(RELEASE, f"{path.name}: its name says {other.title()}, its text {words.title()}, which counts")


def _ambiguous(found: dict[tuple[str, int], str], path: Path, who: str) -> errors.SourceError:
    return errors.SourceError(
        f"does not say from which quarter it holds: {who} {' and '.join(w.title() for w in found.values())}",
        place=path,
        remedy="rename it so that its name carries one quarter, as in '2025 July Addendum B.csv'",
    )
