"""The folders directly under raw/: what each is for, which files its reader takes, and where a file belongs.

What belongs here: the one registry of these folders, and what follows from it by names alone. What must not come in:
looking at a folder (`raw_files`), reading a file (`readers`), tasks (`stages`).
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

# USPS: states, the District, territories and the military "states".
STATES = frozenset(
    """AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA
    RI SC SD TN TX UT VT VA WA WV WI WY DC AS GU MP PR VI FM MH PW AA AE AP""".split()
)
EVERYWHERE = "US"
STATE_FOLDERS = STATES | {EVERYWHERE}
_TEXT = (".csv", ".txt", ".tsv", ".tab", ".asc", ".dat")
# Readers of reference tables tell text, workbooks, zip and gzip by their content.
_TABLES = (*_TEXT, ".xlsx", ".xlsm", ".xls", ".xlsb", ".zip", ".gz")
# Endings of files that some reader takes, packed or as another program saves them: outside their folder nobody reads them.
DATA_ENDINGS = (".json", ".json.gz", ".zip", ".csv", ".csv.gz", ".txt", ".xlsx", ".xls", ".parquet", ".yml", ".yaml")
STATE_HINT = "a USPS code such as GA, or US for the whole country"


@dataclass(frozen=True)
class RawKind:
    """A folder directly under raw/.

    `purpose` is what goes there, in words; `endings` are those of the files that its reader takes, in lower case (a
    `by_content` reader is also given files without an ending); `typical` matches publishers' names of such files.
    `reader` is the module that reads reference files, each of which is staged alone: one
    of a folder that `gives_all` gives every table of its folder, `has_releases` says that a later release takes the place
    of an earlier one, `is_large` that its files are too large to be compared with their copies. Of a folder that is not `is_read`
    nothing reads the files yet. `laid_out` folders are made by `ratehouse init`, with a note.
    """

    folder: str
    purpose: str
    endings: tuple[str, ...] = ()
    typical: str | None = None
    reader: str | None = None
    gives_all: bool = False
    has_releases: bool = False
    is_large: bool = False
    is_read: bool = True
    laid_out: bool = True

    @property
    def reference(self) -> bool:
        """Whether it is a folder of reference files."""
        return self.reader is not None

    @property
    def by_content(self) -> bool:
        """Whether its reader tells a file by its content."""
        return self.reference

    def takes(self, name: str) -> bool:
        """Whether its reader takes a file of that name."""
        return name.lower().endswith(self.endings) or (self.by_content and ending(name) is None)

    def is_typical(self, name: str) -> bool:
        """Whether publishers name such files so."""
        return self.typical is not None and re.search(self.typical, name, re.IGNORECASE) is not None


def ending(name: str) -> str | None:
    """A file's ending in lower case; None where it has none: what follows the last dot of `Addendum B.07.13.26` is none."""
    found = re.search(r"(?<=[^.])(\.(?:[a-z_][a-z0-9_]{0,11}|7z))$", name.lower())
    return found[1] if found else None


KINDS = {
    kind.folder: kind
    for kind in (
        RawKind(
            "mrf",
            """in-network files: mrf/<STATE>/*.json[.gz|.zip]; <STATE> is a USPS code such as GA, or US. Provider references that
they define by web address: mrf/<STATE>/references/""",
            (".json", ".json.gz", ".zip"),
            r"in[-_ ]?network|allowed[-_ ]amount|negotiated",
        ),
        RawKind(
            "nppes",
            "the provider registry: npidata_pfile CSVs or ZIPs, NPI Registry API answers",
            (*_TEXT, ".json", ".jsonl", ".ndjson", ".zip", ".xlsx", ".xlsm"),
            r"nppes|npidata|npi_?registry|pl_pfile",
            reader="pipeline.readers.nppes.read",
            gives_all=True,
            has_releases=True,
            is_large=True,
        ),
        RawKind(
            "medicare",
            "fee schedules: RVU, GPCI, ZIP to locality, OPPS, ASC, wage index files",
            _TABLES,
            r"rvu\d|pprrvu|gpci|locco|^anes|oppscap|zip5|addend(um|a)|wage.?index|\bopps\b|\basc\b",
            reader="pipeline.readers.medicare.read",
            has_releases=True,
        ),
        RawKind(
            "codes",
            "RBCS or BETOS 2.0, NUCC taxonomy",
            _TABLES,
            r"rbcs|betos|betpuf|nucc|taxonomy",
            reader="pipeline.readers.codes",
        ),
        RawKind(
            "geo",
            "ZIP to county and CBSA, GeoNames, CBSA delineation, census geocoder results",
            _TABLES,
            r"zip_(cbsa|county)|cbsa|geonames|geocode|dim_zip",
            reader="pipeline.readers.geo",
        ),
        RawKind(
            "pos",
            "place-of-service codes",
            _TABLES,
            r"\bpos_codes|place.of.service",
            reader="pipeline.readers.pos",
            gives_all=True,
        ),
        RawKind(
            "wcfs",
            "workers' compensation schedules",
            _TABLES,
            r"wcfs|workers.?.?comp",
            reader="pipeline.readers.wcfs",
            gives_all=True,
            has_releases=True,
        ),
        RawKind(
            "toc",
            """payers' tables of contents (index files), which say which plans use which in-network file. `ratehouse toc` and
`ratehouse fetch` keep here those that they were given by address""",
            (".json", ".json.gz", ".zip"),
            r"table.?of.?contents|[_-]index\.json",
            reader="pipeline.readers.toc_rows",
            gives_all=True,
            is_large=True,
        ),
        RawKind(
            "corrections",
            """known publisher errors, *.yml: a list of corrections, such as

    - id: acme-cents
      months: [2025-08]
      match: {code: "99213", negotiated_rate: 15000}
      action: amend                # or drop, without a set
      set: {negotiated_rate: 150}
      reason: amounts in cents
      publisher: told on 2025-08-20
      status: open

`match` compares columns of fact_rate as they were published, fact_uid among them; text is in quotes. One that
matches no rate is an error. The accounts of a build say how many rates were corrected away""",
            (".yml", ".yaml"),
            r"correct|fix|errat",
        ),
        RawKind(
            "declarations",
            """what in-network files should have said of themselves, *.yml: a list of declarations, such as

    - files: "GA/acme_*.json.gz"   # paths under raw/mrf; * stands for any characters but /
      set:
        last_updated_on: 2026-02-04
        reporting_entity_name: Acme Health
        billing_class: professional
        billing_class_where: {billing_class: institutional, setting: null, service_code: null}
      reason: the header has neither date nor payer, and calls physicians' fees institutional
      source: the payer's page of 2026-02-06

`set` has one of these keys or several. Without `billing_class_where` the class is that of every rate of the file. One that
matches no file, and two that set the same of one file, are errors""",
            (".yml", ".yaml"),
            r"declar",
        ),
        RawKind("star", "star schemas that `ratehouse import-star` brought", (".parquet",), laid_out=False),
        RawKind("fetched", "what `ratehouse fetch` keeps for itself", laid_out=False),
        RawKind("utilization", "CMS's utilisation of services", is_read=False, laid_out=False),
    )
}
REFERENCES = tuple(kind.folder for kind in KINDS.values() if kind.reference)


def state_of(folders: list[str]) -> str | None:
    """The first of some folders' names that is a state's, in its own spelling; None where none is."""
    return next((name.upper() for name in folders if name.upper() in STATE_FOLDERS), None)


def nearest_kind(folder: str, name: str) -> RawKind | None:
    """The kind whose folder was meant, so far as it takes a file of that name; None where none is near."""
    near = difflib.get_close_matches(folder.lower(), [k.folder for k in KINDS.values() if k.is_read], 3, 0.65)
    return next((KINDS[one] for one in near if KINDS[one].takes(name) and one != "fetched"), None)


def folders_for(name: str) -> tuple[str, ...]:
    """The folders, but mrf and what commands fill, whose readers take files of a name's ending; those of reference files where
    none does."""
    taking = (k.folder for k in KINDS.values() if k.is_read and k.laid_out and name.lower().endswith(k.endings))
    return tuple(folder for folder in taking if folder != "mrf") or REFERENCES


def right_place(path: str) -> str | None:
    """The folder in which a file (its path under raw/) would be read, as `raw/mrf/GA/`; None where several would do."""
    *folders, name = path.split("/")
    inside = folders[1:] if folders[:1] == ["mrf"] else folders
    kind = next((found for folder in inside if (found := nearest_kind(folder, name))), None)
    if kind is None or kind.folder == "mrf":
        kind = next((k for k in KINDS.values() if k.is_typical(name) and k.takes(name)), kind)
    if kind is None or kind.folder == "mrf":
        state = state_of(inside)
        if KINDS["mrf"].takes(name):
            return f"raw/mrf/{state or '<STATE>'}/"
    if kind is None:
        taking = [k for k in KINDS.values() if k.is_read and name.lower().endswith(k.endings) and k.folder != "fetched"]
        kind = taking[0] if len(taking) == 1 else None
    return f"raw/{kind.folder}/" if kind else None
