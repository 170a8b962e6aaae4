"""The registry's CSV files -> staged rows, a block at a time, each file read once however large it is.

What belongs here: the layouts of the monthly and weekly `npidata_pfile` of 330 columns and of its practice locations
`pl_pfile` (NPPES Data Dissemination readme), of a registry extract of 24 columns, of the report of deactivated NPIs;
cutting a file into blocks. What must not come in: zips and sheets (`nppes.read`), rules that other kinds share
(`nppes.records`).
"""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, TYPE_CHECKING

import polars as pl

from pipeline.errors import SourceError
from pipeline.readers import limits
from pipeline.readers.nppes import records as rules
from pipeline.readers.nppes.records import About, Frames
from pipeline.readers.reference_files import delimited

# Measured on a 1 GB npidata_pfile: blocks of 2 MB are taken apart in the least time, but rows are made of 32,768 at a time
# in two thirds of the time that they take from each block alone.
BLOCK_BYTES, BLOCK_ROWS = limits.MOST_LINE, 1 << 15
# Blocks made into rows side by side, while the next is parsed; more of them wait for the same two cores.
_ABREAST = 2

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
DEACTIVATED = {"npi": "NPI", "deactivation_date": "NPPES Deactivation Date"}


if TYPE_CHECKING:
    import pyarrow as pa

Open = Callable[[], IO[bytes]]
Parse = Callable[[pl.DataFrame, About], Frames]


def read(about: About, head: bytes, source: Open) -> Iterator[Frames] | None:
    """The staged rows of a CSV file, told by its header; None where that is of no known kind, or no row follows it.

    `head` is the file's beginning, `source` opens it. Raises SourceError for a missing column at once, for a row that
    cannot be read when it is come to.
    """
    line = head.split(b"\n", 1)[0].removeprefix(b"\xef\xbb\xbf")
    if b"," not in line or b"\0" in line:
        return None
    columns = [name.strip() for name in next(csv.reader([line.decode("utf-8", "replace").rstrip("\r")]))]
    if len(head) < 1 << 16 and not head[len(line) :].strip(b"\xef\xbb\xbf\r\n"):
        return None  # the header file that accompanies each monthly file
    layout = _layout(columns)
    if layout is None:
        return None
    kind, needed, wanted, parse = layout
    delimited.require(about.place, columns, needed, kind)
    return _rows(about, source, columns, wanted, parse)


def _layout(columns: list[str]) -> tuple[str, list[str], list[str], Parse] | None:
    """What a header's file is called, the columns it must have, those that are read, and what makes rows of them."""
    if _has_most(columns, _PFILE_SIGNS):
        needed = [*_PFILE.values(), _TAXONOMY["code"].format(1), _TAXONOMY["switch"].format(1)]
        needed += [text.format(kind) for kind in _PFILE_ADDRESSES.values() for text in _PFILE_ADDRESS.values()]
        wanted = [name for name in columns if name in needed or name in _PFILE_LATER.values() or _is_taxonomy(name)]
        return "an npidata file", needed, wanted, _monthly
    if _has_most(columns, list(_LOCATIONS.values())[:3]):
        needed, parse, kind = list(_LOCATIONS.values()), _locations, "a practice-location file"
    elif _has_most(columns, ("npi", "entity_type_code", "primary_taxonomy_code")):
        needed, parse, kind = list(_EXTRACT.values()), _extract, "a registry extract"
    elif columns[:2] == list(DEACTIVATED.values()):
        needed, parse, kind = list(DEACTIVATED.values()), deactivated, "a report of deactivated NPIs"
    else:
        return None
    return kind, needed, needed, parse


def _has_most(columns: list[str], signs: tuple[str, ...] | list[str]) -> bool:
    return sum(sign in columns for sign in signs) >= 2


def _is_taxonomy(name: str) -> bool:
    stem, _, number = name.rpartition("_")
    return number.isdigit() and f"{stem}_{{}}" in _TAXONOMY.values()


def _rows(about: About, source: Open, columns: list[str], wanted: list[str], parse: Parse) -> Iterator[Frames]:
    """Each block's rows, in the order of the file."""
    pending: deque[Future[Frames]] = deque()
    with ThreadPoolExecutor(_ABREAST) as pool:
        try:
            for done, block in _together(_blocks(about, source, columns, wanted)):
                pending.append(pool.submit(lambda block, done: parse(_trimmed(block, done), about), block, done))
                if len(pending) > _ABREAST:
                    yield pending.popleft().result()
        except SourceError:
            for rows in pending:  # what is wrong in an earlier block is said first
                rows.result()
            raise
        while pending:
            yield pending.popleft().result()


def _together(blocks: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Blocks joined to BLOCK_ROWS or more, and how many rows came before; those before a fault come before it is raised."""
    import pyarrow as pa

    done, held = 0, []
    try:
        for block in blocks:
            held.append(block)
            if sum(one.num_rows for one in held) >= BLOCK_ROWS:
                joined, held = pa.concat_batches(held), []
                yield done, joined
                done += joined.num_rows
    except SourceError:
        if held:
            yield done, pa.concat_batches(held)
        raise
    if held:
        yield done, pa.concat_batches(held)


def _blocks(about: About, source: Open, columns: list[str], wanted: list[str]) -> Iterator[pa.RecordBatch]:
    """Blocks of a CSV file as text, empty and masked values as null."""
    import pyarrow as pa
    import pyarrow.csv as pacsv

    done = 0
    with source() as file:
        try:
            reader = pacsv.open_csv(
                file,
                read_options=pacsv.ReadOptions(
                    block_size=BLOCK_BYTES, column_names=columns, skip_rows=1, use_threads=False
                ),
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
                yield batch
                done += batch.num_rows
        except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
            if "straddling" in str(error):
                raise SourceError(
                    f"has a line of more than {limits.megabytes(limits.MOST_LINE)}, the most that is read of a line",
                    place=f"{about.place}:{done + 2}",
                    remedy="it is that line or one behind it, mostly where a quotation mark is not closed: mend it, or "
                    "download the file again",
                ) from error
            recoded = "UTF8" in str(error)
            raise SourceError(
                f"not readable as CSV: {error}",
                place=f"{about.place}:{done + 2}",
                remedy="the line is the first of the block that holds the fault: "
                + ("save the file as UTF-8, or download it again" if recoded else "download the file again"),
            ) from error
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise SourceError(f"the zip is broken: {error}", place=about.place, remedy="download it again") from error


def _trimmed(batch: pa.RecordBatch, done: int) -> pl.DataFrame:
    """A block's texts trimmed, blank ones as null, with `source_row` from 1 of the file."""
    # Most columns hold nothing in most blocks: a null of its own costs less than making a column of it and trimming it.
    rows = batch.num_rows
    names = batch.schema.names
    filled = [n for n, column in zip(names, batch.columns, strict=True) if column.null_count < rows]
    padded = {name for name in filled if _has_padded(batch.column(name))}
    data = pl.from_arrow(batch.select([*filled, *([] if filled else batch.schema.names[:1])]))
    return data.select(
        *[
            _text(name, name in padded) if name in filled else pl.lit(None, dtype=pl.String).alias(name)
            for name in names
        ],
        source_row=pl.int_range(done + 1, done + rows + 1, dtype=pl.Int64),
    )


def _has_padded(column: pa.StringArray) -> bool:
    """Whether a text may begin or end with a blank; where none does, trimming it is spared."""
    import numpy as np

    _, ends, data = column.buffers()
    bounds = np.frombuffer(ends, dtype=np.int32)[column.offset : column.offset + len(column) + 1]
    bounds = bounds[np.flatnonzero(np.diff(bounds, append=bounds[-1] + 1))]  # of the texts that hold anything
    held = np.frombuffer(data, dtype=np.uint8)
    edges = np.concatenate([held[bounds[:-1]], held[bounds[1:] - 1]])
    # Every blank of ASCII is below "!"; those beyond ASCII are told from letters by the trimming itself.
    return bool(((edges <= 0x20) | (edges >= 0x80)).any())


def _text(name: str, padded: bool) -> pl.Expr:
    text = pl.col(name)
    if not padded:
        return text
    trimmed = text.str.strip_chars()
    return pl.when(trimmed.str.len_bytes() > 0).then(trimmed).alias(name)


def _monthly(raw: pl.DataFrame, about: About) -> Frames:
    """npidata_pfile, monthly or weekly, of 330 columns."""
    names = {theirs: ours for ours, theirs in (_PFILE | _PFILE_LATER).items() if theirs in raw.columns}
    data = rules.numbered(raw.rename(names), about)
    of_day = [name for name in names.values() if name.endswith("_date")]
    data = rules.dated(rules.dates(data, about, [*of_day, "last_updated"], "%m/%d/%Y"))
    found = [
        data.select(
            *("npi", "source_row", "source_date"),
            *[pl.col(text.format(words)).alias(ours) for ours, text in _PFILE_ADDRESS.items()],
            address_purpose=pl.lit(purpose),
            position=pl.lit(1),
        )
        for purpose, words in _PFILE_ADDRESSES.items()
    ]
    providers = data.with_columns(
        enumeration_type=pl.col("entity").replace_strict(rules.ENTITY, default=None, return_dtype=pl.String),
        sole_proprietor=pl.col("sole_proprietor").replace_strict(rules.SOLE, default=None, return_dtype=pl.String),
        **_primary_taxonomy(data),
    )
    return {
        "staged_nppes": rules.finish(providers, "staged_nppes", about, "monthly"),
        "staged_nppes_address": rules.finish(
            rules.addresses(pl.concat(found)), "staged_nppes_address", about, "monthly"
        ),
    }


def _primary_taxonomy(data: pl.DataFrame) -> dict[str, pl.Expr]:
    """Code, state and licence of the taxonomy whose switch is Y, the first of them; else of the only one listed."""
    filled = {column.name for column in data.iter_columns() if column.null_count() < data.height}
    stems = {text[:-3]: what for what, text in _TAXONOMY.items()}
    numbers = sorted({int(n.rpartition("_")[2]) for n in filled if n.rpartition("_")[0] in stems})

    def column(what: str, number: int) -> pl.Expr:
        name = _TAXONOMY[what].format(number)
        return pl.col(name) if name in filled else pl.lit(None, dtype=pl.String)

    if not numbers:
        return {f"primary_taxonomy_{what}": pl.lit(None, dtype=pl.String) for what in ("code", "state", "license")}
    listed = pl.sum_horizontal(column("code", n).is_not_null() for n in numbers)
    switched = pl.any_horizontal(column("switch", n).eq("Y").fill_null(False) for n in numbers)

    def chosen(what: str) -> pl.Expr:
        by_switch = pl.lit(None, dtype=pl.String)
        for n in reversed(numbers):
            by_switch = pl.when(column("switch", n) == "Y").then(column(what, n)).otherwise(by_switch)
        alone = pl.coalesce(column(what, n) for n in numbers)
        return pl.when(switched).then(by_switch).when(listed == 1).then(alone)

    licence = chosen("license")
    return {
        "primary_taxonomy_code": chosen("code"),
        "primary_taxonomy_state": chosen("state"),
        "primary_taxonomy_license": pl.when(~licence.str.contains(rules.MASKED)).then(licence),
    }


def _locations(raw: pl.DataFrame, about: About) -> Frames:
    """pl_pfile: practice locations beside the primary one."""
    data = rules.numbered(raw.rename({theirs: ours for ours, theirs in _LOCATIONS.items()}), about).with_columns(
        address_purpose=pl.lit("LOCATION"), position=pl.lit(2), source_date=pl.lit(about.release_date, dtype=pl.String)
    )
    return {"staged_nppes_address": rules.finish(rules.addresses(data), "staged_nppes_address", about, "locations")}


def _extract(raw: pl.DataFrame, about: About) -> Frames:
    """The registry extract: one line a provider, its practice address, its flag of deactivation."""
    data = rules.numbered(raw.rename({theirs: ours for ours, theirs in _EXTRACT.items()}), about)
    data = rules.dated(rules.dates(data, about, ["last_updated", "deactivation_date"], "%Y-%m-%d"))
    # The extract has no reactivation date: its own flag says who is deactivated.
    flagged = pl.col("deactivation_flag") == "1"
    data = data.with_columns(
        status=pl.when(flagged).then(pl.lit("D")).otherwise(pl.lit("A")),
        enumeration_type=pl.col("entity").replace_strict(rules.ENTITY, default=None, return_dtype=pl.String),
    )
    listed = data.with_columns(
        address_purpose=pl.lit("LOCATION"),
        position=pl.lit(1),
        country_code=pl.lit(None, dtype=pl.String),
        fax_number=pl.lit(None, dtype=pl.String),
    )
    return {
        "staged_nppes": rules.finish(data, "staged_nppes", about, "extract"),
        "staged_nppes_address": rules.finish(rules.addresses(listed), "staged_nppes_address", about, "extract"),
    }


def deactivated(raw: pl.DataFrame, about: About) -> Frames:
    """The report of deactivated NPIs: number and date, under the report's own headings, with `source_row`."""
    data = rules.numbered(raw.rename({theirs: ours for ours, theirs in DEACTIVATED.items()}), about)
    data = rules.dated(rules.dates(data, about, ["deactivation_date"], "%m/%d/%Y"))
    return {"staged_nppes": rules.finish(data, "staged_nppes", about, "deactivation")}
