"""Provider-registry (NPPES) files -> staged_nppes, staged_nppes_address.

Reads, told apart by content: NPI Registry API v2.1 answers (one, a list, or one a line), the monthly or weekly
`npidata_pfile`, its practice locations `pl_pfile`, a registry extract of 24 columns, the report of deactivated NPIs
(sheet or CSV), and zips that hold any of them. Files of any size stream. What must not come in: which source wins for
a provider, taxonomy descriptions of the NUCC code set (dim_npi.sql).

A record's date is its own (last update, deactivation, reactivation). The file's name gives only `release_date`: the
last eight digits in it, as in npidata_pfile_20050523-20250810.csv.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import polars as pl

from pipeline import tables
from pipeline.errors import SourceError, UnrecognisedFile
from pipeline.readers import delimited

# Measured on a 172 MB npidata_pfile: 1-64 MB differ by less than 10 %; the memory used is about ten blocks.
BLOCK_BYTES = 8 << 20
_WORKBOOK_PART = "[Content_Types].xml"

_ENTITY = {"1": "NPI-1", "2": "NPI-2", "NPI-1": "NPI-1", "NPI-2": "NPI-2"}
_SOLE = {"Y": "YES", "N": "NO", "YES": "YES", "NO": "NO"}
_ADDRESS = ("address_1", "address_2", "city", "state", "postal_code", "country_code")

_PFILE_SIGNS = ("NPI", "Entity Type Code", "Provider Enumeration Date")
_PFILE = {
    "npi": "NPI",
    "entity": "Entity Type Code",
    "replacement_npi": "Replacement NPI",
    "organization_name": "Provider Organization Name (Legal Business Name)",
    "last_name": "Provider Last Name (Legal Name)",
    "first_name": "Provider First Name",
    "middle_name": "Provider Middle Name",
    "name_prefix": "Provider Name Prefix Text",
    "name_suffix": "Provider Name Suffix Text",
    "credential": "Provider Credential Text",
    "other_organization_name": "Provider Other Organization Name",
    "enumeration_date": "Provider Enumeration Date",
    "last_updated": "Last Update Date",
    "deactivation_date": "NPI Deactivation Date",
    "reactivation_date": "NPI Reactivation Date",
    "sole_proprietor": "Is Sole Proprietor",
}
# Columns that older layouts lack.
_PFILE_LATER = {"certification_date": "Certification Date", "parent_organization_name": "Parent Organization LBN"}
_PFILE_ADDRESSES = {"LOCATION": "Practice Location", "MAILING": "Mailing"}
_PFILE_ADDRESS = {
    "address_1": "Provider First Line Business {} Address",
    "address_2": "Provider Second Line Business {} Address",
    "city": "Provider Business {} Address City Name",
    "state": "Provider Business {} Address State Name",
    "postal_code": "Provider Business {} Address Postal Code",
    "country_code": "Provider Business {} Address Country Code (If outside U.S.)",
    "telephone_number": "Provider Business {} Address Telephone Number",
    "fax_number": "Provider Business {} Address Fax Number",
}
_TAXONOMY = {
    "code": "Healthcare Provider Taxonomy Code_{}",
    "license": "Provider License Number_{}",
    "state": "Provider License Number State Code_{}",
    "switch": "Healthcare Provider Primary Taxonomy Switch_{}",
}
_LOCATIONS = {
    "npi": "NPI",
    "address_1": "Provider Secondary Practice Location Address- Address Line 1",
    "address_2": "Provider Secondary Practice Location Address-  Address Line 2",
    "city": "Provider Secondary Practice Location Address - City Name",
    "state": "Provider Secondary Practice Location Address - State Name",
    "postal_code": "Provider Secondary Practice Location Address - Postal Code",
    "country_code": "Provider Secondary Practice Location Address - Country Code (If outside U.S.)",
    "telephone_number": "Provider Secondary Practice Location Address - Telephone Number",
    "fax_number": "Provider Practice Location Address - Fax Number",
}
_EXTRACT = {
    "npi": "npi",
    "entity": "entity_type_code",
    "primary_taxonomy_code": "primary_taxonomy_code",
    "primary_specialty_desc": "primary_specialty_description",
    "first_name": "provider_first_name",
    "last_name": "provider_last_name",
    "credential": "provider_credential",
    "organization_name": "provider_organization_name",
    "other_organization_name": "provider_other_organization_name",
    "parent_organization_name": "parent_organization_name",
    "address_1": "practice_address_line_1",
    "address_2": "practice_address_line_2",
    "city": "practice_city",
    "state": "practice_state",
    "postal_code": "practice_zip_code",
    "telephone_number": "location_telephone_number",
    "last_updated": "last_updated",
    "deactivation_date": "deactivation_date",
    "deactivation_flag": "deactivation_flag",
}
_DEACTIVATED = {"npi": "NPI", "deactivation_date": "NPPES Deactivation Date"}

Frames = dict[str, pl.DataFrame]


@dataclass(frozen=True)
class _About:
    """Where a frame's rows come from: the raw file, and the member of a zip that names its release."""

    path: Path
    name: str

    @property
    def place(self) -> str:
        return str(self.path) if self.name == self.path.name else f"{self.path}!{self.name}"

    @property
    def release_date(self) -> str | None:
        found = re.findall(r"(?<!\d)(20\d\d)(0[1-9]|1[0-2])([0-3]\d)(?!\d)", self.name)
        return "-".join(found[-1]) if found else None


def read(path: Path) -> dict[str, pl.DataFrame | pl.LazyFrame]:
    """staged_nppes and staged_nppes_address of one registry file; large files as frames that stream.

    Raises UnrecognisedFile for a file of another kind (endpoints, other names, headers only, documents), SourceError
    with its place for one that is broken; a streamed frame raises it when its rows are read.
    """
    with path.open("rb") as file:
        head = file.read(1 << 16)
    if not head.strip():
        raise SourceError("the file is empty", place=path, remedy="download it again from its publisher")
    if zipfile.is_zipfile(path):
        return _zipped(path)
    about = _About(path, path.name)
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        return _answers(path.read_bytes(), about)
    frames = _delimited(about, head, lambda: path.open("rb"))
    if frames is None:
        raise UnrecognisedFile("not a registry file that is known", place=path)
    return frames


def _zipped(path: Path) -> dict[str, pl.DataFrame | pl.LazyFrame]:
    found: list[dict[str, pl.DataFrame | pl.LazyFrame]] = []
    with zipfile.ZipFile(path) as archive:
        names = [info.filename for info in archive.infolist() if not info.is_dir()]
        if _WORKBOOK_PART in names:
            return _deactivated_sheet(_About(path, path.name), path)
        for name in sorted(names):
            about = _About(path, Path(name).name)
            with archive.open(name) as member:
                head = member.read(1 << 16)
            if name.lower().endswith(".xlsx"):
                with archive.open(name) as member:
                    found.append(_deactivated_sheet(about, member.read()))
            elif head.lstrip()[:1] in (b"{", b"["):
                found.append(_answers(archive.read(name), about))
            else:
                frames = _delimited(about, head, lambda name=name: _open_member(path, name))
                found.extend([frames] if frames else [])
    if not found:
        raise UnrecognisedFile("a zip without any registry file that is known", place=path)
    merged = {}
    for table in ("staged_nppes", "staged_nppes_address"):
        parts = [frames[table].lazy() for frames in found if table in frames]
        if parts:
            merged[table] = pl.concat(parts)
    return merged


@contextmanager
def _open_member(path: Path, name: str) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(path) as archive, archive.open(name) as member:
        yield member


# Delimited files


def _delimited(about: _About, head: bytes, source: Callable) -> dict[str, pl.LazyFrame] | None:
    """The streaming frames of a CSV file by its header; None where the header is of no known kind."""
    line = head.split(b"\n", 1)[0].removeprefix(b"\xef\xbb\xbf")
    if b"," not in line or b"\0" in line:
        return None
    columns = [name.strip() for name in next(csv.reader([line.decode("utf-8", "replace").rstrip("\r")]))]
    if len(head) < 1 << 16 and not head[len(line) :].strip(b"\xef\xbb\xbf\r\n"):
        return None  # the header file that accompanies each monthly file
    if _has_most(columns, _PFILE_SIGNS):
        needed = [*_PFILE.values(), _TAXONOMY["code"].format(1), _TAXONOMY["switch"].format(1)]
        needed += [text.format(kind) for kind in _PFILE_ADDRESSES.values() for text in _PFILE_ADDRESS.values()]
        wanted = [name for name in columns if name in needed or name in _PFILE_LATER.values() or _is_taxonomy(name)]
        parse, kind = _monthly, "an npidata file"
    elif _has_most(columns, list(_LOCATIONS.values())[:3]):
        needed, parse, kind = list(_LOCATIONS.values()), _locations, "a practice-location file"
        wanted = needed
    elif _has_most(columns, ("npi", "entity_type_code", "primary_taxonomy_code")):
        needed, parse, kind = list(_EXTRACT.values()), _extract, "a registry extract"
        wanted = needed
    elif columns[:2] == list(_DEACTIVATED.values()):
        needed, parse, kind = list(_DEACTIVATED.values()), _deactivated, "a report of deactivated NPIs"
        wanted = needed
    else:
        return None
    delimited.require(about.place, columns, needed, kind)
    made = {_locations: ("staged_nppes_address",), _deactivated: ("staged_nppes",)}
    return {
        table: _stream(table, about, source, columns, wanted, parse)
        for table in made.get(parse, ("staged_nppes", "staged_nppes_address"))
    }


def _has_most(columns: list[str], signs: tuple[str, ...] | list[str]) -> bool:
    return sum(sign in columns for sign in signs) >= 2


def _is_taxonomy(name: str) -> bool:
    stem, _, number = name.rpartition("_")
    return number.isdigit() and f"{stem}_{{}}" in _TAXONOMY.values()


def _stream(table: str, about: _About, source: Callable, columns: list[str], wanted: list[str], parse: Callable):
    """A LazyFrame that reads the file anew each time it is collected, a block at a time."""
    from polars.io.plugins import register_io_source

    def batches(with_columns, predicate, n_rows, batch_size) -> Iterator[pl.DataFrame]:
        for raw in _blocks(about, source, columns, wanted):
            data = parse(raw, about, table)
            if with_columns is not None:
                data = data.select(with_columns)
            if predicate is not None:
                data = data.filter(predicate)
            if n_rows is not None:
                data = data.head(n_rows)
                n_rows -= data.height
            yield data
            if n_rows == 0:
                return

    return register_io_source(batches, schema=tables.get(table).polars_schema())


def _blocks(about: _About, source: Callable, columns: list[str], wanted: list[str]) -> Iterator[pl.DataFrame]:
    """Blocks of a CSV file as trimmed text, blank and masked values as null, with `source_row` from 1."""
    import pyarrow as pa
    import pyarrow.csv as pacsv

    done = 0
    with source() as file:
        try:
            reader = pacsv.open_csv(
                file,
                read_options=pacsv.ReadOptions(block_size=BLOCK_BYTES, column_names=columns, skip_rows=1),
                convert_options=pacsv.ConvertOptions(
                    include_columns=wanted,
                    column_types={name: pa.string() for name in wanted},
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=True,
                    # <UNAVAIL> is what CMS writes over identifiers that it masks (NPPES dissemination notice).
                    null_values=["", "<UNAVAIL>"],
                ),
            )
            for batch in reader:
                data = pl.from_arrow(batch)
                yield data.select(pl.all().str.strip_chars().replace("", None)).with_columns(
                    source_row=pl.int_range(done + 1, done + data.height + 1, dtype=pl.Int64)
                )
                done += data.height
        except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
            raise SourceError(
                f"not readable as CSV: {error}",
                place=f"{about.place}:{done + 2}",
                remedy="the line is the first of the block that holds the fault: download the file again",
            ) from error
        except (zipfile.BadZipFile, EOFError) as error:
            raise SourceError(f"the zip is broken: {error}", place=about.place, remedy="download it again") from error


def _finish(data: pl.DataFrame, table: str, about: _About, kind: str) -> pl.DataFrame:
    """The table's columns in their order, those the source lacks as null, with provenance."""
    schema = tables.get(table).polars_schema()
    given = {"source_kind": kind, "source_file": about.path.name, "release_date": about.release_date}
    data = data.with_columns(pl.lit(v, dtype=pl.String).alias(k) for k, v in given.items())
    missing = [pl.lit(None, dtype=kind).alias(name) for name, kind in schema.items() if name not in data.columns]
    return data.with_columns(missing).select(schema.names()).cast(schema)


def _dates(data: pl.DataFrame, about: _About, columns: list[str], form: str) -> pl.DataFrame:
    """Those columns as YYYY-MM-DD; SourceError for a text that is no date of that form."""
    parsed = data.with_columns(pl.col(columns).str.to_date(form, strict=False).dt.to_string("%Y-%m-%d"))
    for name in columns:
        if parsed[name].null_count() > data[name].null_count():
            bad = data.filter(parsed[name].is_null() & data[name].is_not_null()).row(0, named=True)
            raise SourceError(
                f"{name} {bad[name]!r} is no date of the form {form}",
                place=f"{about.place}:{bad['source_row'] + 1}",
                remedy="download the file again; a date must not be changed by a spreadsheet",
            )
    return parsed


def _numbered(data: pl.DataFrame, about: _About) -> pl.DataFrame:
    """The rows, refused where one has no NPI of ten digits."""
    bad = data.filter(~pl.col("npi").str.contains(r"^\d{10}$").fill_null(False))
    if bad.height:
        row = bad.row(0, named=True)
        raise SourceError(
            f"{row['npi']!r} is no NPI of ten digits",
            place=f"{about.place}:{row['source_row'] + 1}",
            remedy="download the file again",
        )
    return data


def _dated(data: pl.DataFrame) -> pl.DataFrame:
    """status and source_date of records with their update, deactivation and reactivation dates.

    Deactivated is who has a deactivation date and no reactivation on or after it.
    """
    for name in ("last_updated", "deactivation_date", "reactivation_date"):
        if name not in data.columns:
            data = data.with_columns(pl.lit(None, dtype=pl.String).alias(name))
    ended, again = pl.col("deactivation_date"), pl.col("reactivation_date")
    return data.with_columns(
        status=pl.when(ended.is_not_null() & (again.is_null() | (again < ended)))
        .then(pl.lit("D"))
        .otherwise(pl.lit("A")),
        source_date=pl.max_horizontal("last_updated", ended, again),
    )


def _addresses(data: pl.DataFrame) -> pl.DataFrame:
    """Rows of npi, purpose, position and address parts with their hash, type and numbers as the registry words them.

    A row without any part of an address is none. Country is US where the publisher leaves it blank (its column is
    "if outside U.S."); telephone 5125550000 becomes 512-555-0000 and 78701-1234 becomes 787011234, as API answers are.
    """
    parts = [name for name in _ADDRESS if name != "country_code"]
    data = data.filter(~pl.all_horizontal(pl.col(parts).is_null()))
    data = data.with_columns(
        pl.col("country_code").fill_null("US"),
        pl.col("postal_code").str.replace(r"^(\d{5})-(\d{4})$", "${1}${2}"),
        pl.col("telephone_number", "fax_number").str.replace(r"^(\d{3})(\d{3})(\d{4})$", "$1-$2-$3"),
    )
    # naming.address_hash over whole columns (a test holds the two together): Python's split takes \x1c-\x1f for blanks, a regular expression does not.
    plain = [
        pl.col(name).fill_null("").str.to_uppercase().str.replace_all(r"[\s\x1c-\x1f]+", " ").str.strip_chars(" ")
        for name in _ADDRESS
    ]
    texts = data.select(pl.concat_str(plain, separator="|")).to_series()
    hashes = [hashlib.md5(text.encode()).hexdigest() for text in texts]
    data = data.with_columns(address_hash=pl.Series(hashes, dtype=pl.String))
    if "address_type" not in data.columns:
        at_home = pl.col("country_code") == "US"
        data = data.with_columns(address_type=pl.when(at_home).then(pl.lit("DOM")).otherwise(pl.lit("FGN")))
    return data


def _monthly(raw: pl.DataFrame, about: _About, table: str) -> pl.DataFrame:
    """npidata_pfile, monthly or weekly, of 330 columns."""
    provenance = ["npi", "source_row", "source_date"]
    names = {theirs: ours for ours, theirs in (_PFILE | _PFILE_LATER).items() if theirs in raw.columns}
    data = _numbered(raw.rename(names), about)
    dates = [n for n in data.columns if n in tables.get("staged_nppes").columns and n.endswith("_date")]
    data = _dated(_dates(data, about, [*dates, "last_updated"], "%m/%d/%Y"))
    if table == "staged_nppes_address":
        found = [
            data.select(
                *provenance,
                *[pl.col(text.format(words)).alias(ours) for ours, text in _PFILE_ADDRESS.items()],
                address_purpose=pl.lit(purpose),
                position=pl.lit(1),
            )
            for purpose, words in _PFILE_ADDRESSES.items()
        ]
        return _finish(_addresses(pl.concat(found)), table, about, "monthly")
    data = data.with_columns(
        enumeration_type=pl.col("entity").replace_strict(_ENTITY, default=None, return_dtype=pl.String),
        sole_proprietor=pl.col("sole_proprietor").replace_strict(_SOLE, default=None, return_dtype=pl.String),
        **_primary_taxonomy(raw.columns),
    )
    return _finish(data, table, about, "monthly")


def _primary_taxonomy(columns: list[str]) -> dict[str, pl.Expr]:
    """Code, state and licence of the taxonomy whose switch is Y, the first of them; else of the only one listed."""
    numbers = sorted(int(n.rpartition("_")[2]) for n in columns if n.startswith(_TAXONOMY["code"][:-2]))

    def column(what: str, number: int) -> pl.Expr:
        name = _TAXONOMY[what].format(number)
        return pl.col(name) if name in columns else pl.lit(None, dtype=pl.String)

    listed = pl.sum_horizontal(column("code", n).is_not_null() for n in numbers)
    switched = pl.any_horizontal(column("switch", n).eq("Y").fill_null(False) for n in numbers)

    def chosen(what: str) -> pl.Expr:
        by_switch = pl.lit(None, dtype=pl.String)
        for n in reversed(numbers):
            by_switch = pl.when(column("switch", n) == "Y").then(column(what, n)).otherwise(by_switch)
        alone = pl.coalesce(column(what, n) for n in numbers)
        return pl.when(switched).then(by_switch).when(listed == 1).then(alone)

    return {f"primary_taxonomy_{what}": chosen(what) for what in ("code", "state", "license")}


def _locations(raw: pl.DataFrame, about: _About, table: str) -> pl.DataFrame:
    """pl_pfile: practice locations beside the primary one."""
    data = _numbered(raw.rename({theirs: ours for ours, theirs in _LOCATIONS.items()}), about).with_columns(
        address_purpose=pl.lit("LOCATION"), position=pl.lit(2), source_date=pl.lit(about.release_date, dtype=pl.String)
    )
    return _finish(_addresses(data), table, about, "locations")


def _extract(raw: pl.DataFrame, about: _About, table: str) -> pl.DataFrame:
    """The registry extract: one line a provider, its practice address, its flag of deactivation."""
    data = _numbered(raw.rename({theirs: ours for ours, theirs in _EXTRACT.items()}), about)
    data = _dated(_dates(data, about, ["last_updated", "deactivation_date"], "%Y-%m-%d"))
    # The extract has no reactivation date: its own flag says who is deactivated.
    flagged = pl.col("deactivation_flag") == "1"
    data = data.with_columns(status=pl.when(flagged).then(pl.lit("D")).otherwise(pl.lit("A")))
    if table == "staged_nppes_address":
        data = data.with_columns(
            address_purpose=pl.lit("LOCATION"),
            position=pl.lit(1),
            country_code=pl.lit(None, dtype=pl.String),
            fax_number=pl.lit(None, dtype=pl.String),
        )
        return _finish(_addresses(data), table, about, "extract")
    kind = pl.col("entity").replace_strict(_ENTITY, default=None, return_dtype=pl.String)
    return _finish(data.with_columns(enumeration_type=kind), table, about, "extract")


def _deactivated(raw: pl.DataFrame, about: _About, table: str) -> pl.DataFrame:
    """The report of deactivated NPIs: number and date."""
    data = _numbered(raw.rename({theirs: ours for ours, theirs in _DEACTIVATED.items()}), about)
    return _finish(_dated(_dates(data, about, ["deactivation_date"], "%m/%d/%Y")), table, about, "deactivation")


def _deactivated_sheet(about: _About, source: Path | bytes) -> dict[str, pl.DataFrame]:
    names, sheets = delimited.sheet(source)
    for name in names:
        data = sheets[name]
        for row in range(min(3, data.height)):  # a title stands above the header
            if [v for v in data.row(row) if v] != list(_DEACTIVATED.values()):
                continue
            body = delimited.headed(data, row)
            raw = body.select(
                pl.col("npi").alias("NPI"),
                pl.col("nppes deactivation date").alias("NPPES Deactivation Date"),
                source_row=pl.col("source_line") - 1,
            )
            return {"staged_nppes": _deactivated(raw, about, "staged_nppes")}
    raise UnrecognisedFile("a workbook without the columns NPI and NPPES Deactivation Date", place=about.place)


# Answers of the NPI Registry API


def _answers(data: bytes, about: _About) -> Frames:
    """Both staged tables of API answers; a provider that stands in the file twice is kept as last updated."""
    records: list[dict] = []
    for answer in _documents(data, about):
        if "Errors" in answer:
            said = "; ".join(str(e.get("description")) for e in answer["Errors"])
            raise SourceError(f"the registry answered with an error: {said}", place=about.place, remedy="ask it again")
        if "results" in answer:
            records.extend(answer["results"])
        elif "number" in answer and "basic" in answer:
            records.append(answer)
        else:
            raise UnrecognisedFile("JSON, but no answer of the NPI Registry (no results)", place=about.place)
    providers, addresses = [], []
    for row, record in enumerate(records, start=1):
        try:
            provider = _provider(record, row)
            addresses.extend(_listed_addresses(record, provider))
        except (KeyError, TypeError, AttributeError) as error:
            raise SourceError(
                f"record {row} is not one of the NPI Registry API v2.1: {error!r}",
                place=about.place,
                remedy="ask the registry again with version=2.1",
            ) from error
        providers.append(provider)
    fields = dict.fromkeys(tables.get("staged_nppes").columns, pl.String) | {"source_row": pl.Int64}
    data = _numbered(pl.DataFrame(providers, schema=fields), about)
    dates = ["enumeration_date", "last_updated", "certification_date", "deactivation_date", "reactivation_date"]
    answered = data["status"]
    data = _dated(_dates(data, about, dates, "%Y-%m-%d")).with_columns(status=answered.fill_null("A"))
    # One provider may stand in several answers: the latest record of it, then the one listed last.
    data = data.sort("npi", "source_date", "source_row", nulls_last=False).unique(
        "npi", keep="last", maintain_order=True
    )
    fields = dict.fromkeys(tables.get("staged_nppes_address").columns, pl.String)
    fields |= {"source_row": pl.Int64, "position": pl.Int64}
    listed = pl.DataFrame(addresses, schema=fields).drop("source_date")
    listed = listed.join(data.select("npi", "source_row", "source_date"), on=["npi", "source_row"], validate="m:1")
    listed = _addresses(listed).sort("npi", "address_purpose", "position")
    return {
        "staged_nppes": _finish(data, "staged_nppes", about, "api"),
        "staged_nppes_address": _finish(listed, "staged_nppes_address", about, "api"),
    }


def _documents(data: bytes, about: _About) -> list[dict]:
    """The JSON objects of a file: one, a list, or one a line."""
    try:
        parsed = json.loads(data)
    except UnicodeDecodeError as error:
        raise SourceError(f"not UTF-8: {error}", place=about.place, remedy="ask the registry again") from error
    except json.JSONDecodeError as whole:
        try:
            parsed = [json.loads(line) for line in data.splitlines() if line.strip()]
        except json.JSONDecodeError:
            raise SourceError(
                f"not JSON: {whole.msg}",
                place=f"{about.place}:{whole.lineno}",
                remedy="the answer may be cut off: ask the registry again",
                offset=whole.pos,
            ) from whole
    parsed = parsed if isinstance(parsed, list) else [parsed]
    if not all(isinstance(answer, dict) for answer in parsed):
        raise UnrecognisedFile("JSON, but no answer of the NPI Registry", place=about.place)
    return parsed


def _text(value: object) -> str | None:
    """A field as trimmed text; null for blank and for the registry's `--`."""
    text = "" if value is None else str(value).strip()
    return None if text in ("", "--") else text


def _provider(record: dict, row: int) -> dict[str, str | int | None]:
    basic = record["basic"]
    primary = next((t for t in record["taxonomies"] if t.get("primary")), None)
    if primary is None:
        primary = record["taxonomies"][0] if len(record["taxonomies"]) == 1 else {}
    others = [n["organization_name"] for n in record.get("other_names", []) if n.get("organization_name")]
    fields = {
        name: _text(basic.get(name))
        for name in (
            "first_name middle_name last_name name_prefix name_suffix organization_name credential enumeration_date "
            "last_updated certification_date deactivation_date reactivation_date replacement_npi status"
        ).split()
    }
    return fields | {
        "npi": _text(record["number"]),
        "source_row": row,
        "enumeration_type": _ENTITY.get(record["enumeration_type"]),
        "sole_proprietor": _SOLE.get(basic.get("sole_proprietor")),
        "other_organization_name": _text(others[0]) if others else None,
        "parent_organization_name": _text(basic.get("parent_organization_legal_business_name")),
        **{f"primary_taxonomy_{ours}": _text(primary.get(ours)) for ours in ("code", "desc", "state", "license")},
    }


def _listed_addresses(record: dict, provider: dict) -> list[dict[str, str | int | None]]:
    """Addresses, then further practice locations, numbered within their purpose; a further location is never first."""
    rows, counts = [], {}
    for further, address in [(0, a) for a in record["addresses"]] + [
        (1, a) for a in record.get("practiceLocations", [])
    ]:
        purpose = address["address_purpose"]
        counts[purpose] = max(counts.get(purpose, 0), further) + 1
        fields = {
            name: _text(address.get(name)) for name in (*_ADDRESS, "address_type", "telephone_number", "fax_number")
        }
        rows.append(
            fields
            | {"npi": provider["npi"], "source_row": provider["source_row"], "address_purpose": purpose}
            | {"position": counts[purpose]}
        )
    return rows
