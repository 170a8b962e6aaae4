"""Code sets -> staged_category, staged_category_label, staged_taxonomy.

Reads, told apart by their first line: RBCS (CMS's release and the layout of named columns), BETOS 2.0
(`code id "Set- Class-Group"`) with its two label files, the NUCC provider taxonomy. What must not come in: which
source or release applies, and cutting a history into periods (transforms).
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import polars as pl

from pipeline.errors import SourceError, UnrecognisedFile
from pipeline.readers.reference_files import delimited
from pipeline.readers.reference_files import parts as reference_parts
from pipeline.readers.reference_files.account import Account
from pipeline.readers.reference_files.parts import Frames, Part, feeding

# Layouts of RBCS: CMS's own (data.cms.gov, release 2022 on), and the one with spelled-out columns. Ours -> theirs.
_RBCS_CMS = {
    "proc_cd": "hcpcs_cd",
    "procedure_set": "rbcs_cat_desc",
    "procedure_class": "rbcs_subcat_desc",
    "procedure_group": "rbcs_family_desc",
    "major_indicator": "rbcs_major_ind",
    "code_added": "hcpcs_cd_add_dt",
    "code_ended": "hcpcs_cd_end_dt",
    "effective_from": "rbcs_assignment_eff_dt",
    "effective_to": "rbcs_assignment_end_dt",
}
_RBCS_NAMED = {
    "proc_cd": "hcpcs_code",
    "procedure_set": "rbcs_category",
    "procedure_class": "rbcs_subcategory",
    "procedure_group": "rbcs_family",
    "major_indicator": "rbcs_procedure",
    "code_added": "hcpcs_date_added",
    "code_ended": "hcpcs_date_ended",
    "effective_from": "rbcs_date_effective",
}
# CMS's documentation of the RBCS taxonomy: sixth character of the RBCS id.
_MAJOR = {"M": "Major", "O": "Other", "N": "Non-Procedure"}
_BETOS_LINE = re.compile(r'^([0-9A-Za-z]{5})\s+([A-Z]{2}\w*)\s+"(.*)"\s*$')
_UNDATED = "1900-01-01"
# What a file is likely to hold by its publisher's name for it: for one that cannot be read.
_NAMES = (
    ("nucc|taxonomy", ("staged_taxonomy",)),
    ("betos2_cat|lvl2|label", ("staged_category_label",)),
    ("rbcs|betos|betpuf", ("staged_category", "staged_category_label")),
)


def read(path: Path, account: Account | None = None) -> Frames:
    """The staged tables of one file of a code set, or of a zip that holds some; those it feeds only.

    Raises UnrecognisedFile where the first line is of no known layout, SourceError (with the line) for a missing
    column, a date or code that cannot be read, a code with two categories from the same day.
    """
    return reference_parts.read(path, _tables, account or Account(), reference_parts.named_by(_NAMES))


def _tables(part: Part, account: Account) -> Frames:
    path = part.path
    if part.is_workbook:
        raise UnrecognisedFile("is a workbook: code sets are read as text", place=path, remedy="take the .csv or .txt")
    text = part.text(account, "the file is empty")
    first = delimited.first_line(text)
    if _BETOS_LINE.match(first):
        with feeding("staged_category"):
            return {"staged_category": _betos(path, text)}
    columns = delimited.columns_of(first)
    if "betos_cat_name" in columns or "betos_level2_cat_name" in columns:
        with feeding("staged_category_label"):
            return {"staged_category_label": _betos_labels(path, text, columns)}
    for layout in (_RBCS_CMS, _RBCS_NAMED):
        if layout["proc_cd"] in columns and any(name.startswith("rbcs") for name in columns):
            with feeding("staged_category"):
                return {"staged_category": _rbcs(path, text, layout, account)}
    if {"code", "grouping"} <= set(columns) or {"code", "classification"} <= set(columns):
        with feeding("staged_taxonomy"):
            return {"staged_taxonomy": _nucc(path, text, columns, account)}
    raise UnrecognisedFile("not a code set that is known (RBCS, BETOS 2.0, NUCC taxonomy)", place=path)


def _date(data: pl.DataFrame, path: Path, column: str) -> pl.Expr:
    """ISO text of a column of dates, which CMS writes YYYY-MM-DD or M/D/YYYY."""
    text = pl.col(column)
    parsed = pl.coalesce(text.str.to_date("%Y-%m-%d", strict=False), text.str.to_date("%m/%d/%Y", strict=False))
    delimited.refuse(data, path, text.is_not_null() & parsed.is_null(), column, "is no date")
    return parsed.dt.to_string("%Y-%m-%d")


def _rbcs(path: Path, text: str, layout: dict[str, str], account: Account) -> pl.DataFrame:
    optional = {"effective_to", "major_indicator", "code_added", "code_ended"}
    data = delimited.frame(path, text)
    columns = data.columns
    delimited.require(path, columns, [c for ours, c in layout.items() if ours not in optional], "an RBCS file")
    dated = ("effective_from", "effective_to", "code_added", "code_ended")
    data = delimited.mended(data, path, (layout["proc_cd"], *(layout[c] for c in dated if c in layout)), account)
    code = pl.col(layout["proc_cd"]).str.to_uppercase().str.zfill(5)
    delimited.refuse(
        data, path, code.is_null() | ~code.str.contains(r"^[0-9A-Z]{5}$"), layout["proc_cd"], "is no HCPCS code"
    )
    for ours in ("procedure_set", "effective_from"):
        delimited.refuse(data, path, pl.col(layout[ours]).is_null(), layout[ours], "where a value is needed")
    found = {ours: theirs for ours, theirs in layout.items() if theirs in columns}
    dates = [ours for ours in ("effective_from", "effective_to", "code_added", "code_ended") if ours in found]
    staged = data.select(
        pl.lit("rbcs").alias("category_source"),
        code.alias("proc_cd"),
        *[_date(data, path, found[ours]).alias(ours) for ours in dates],
        *[pl.col(found[ours]).alias(ours) for ours in ("procedure_set", "procedure_class", "procedure_group")],
        pl.col(found["major_indicator"]).replace(_MAJOR).alias("major_indicator")
        if "major_indicator" in found
        else pl.lit(None, dtype=pl.String).alias("major_indicator"),
        pl.lit(path.name).alias("source_file"),
        pl.col("source_line").alias("source_row"),
    )
    # The file does not say its release: the latest day that any of its rows starts from tells two releases apart.
    starts = [c for c in ("effective_from", "code_added") if c in staged.columns]
    staged = staged.with_columns(release=pl.max_horizontal(pl.col(starts).max()))
    delimited.refuse_twice(staged, path, ["proc_cd", "effective_from"], "{proc_cd} {effective_from} is there twice")
    return delimited.staged(staged, "staged_category")


def _betos(path: Path, text: str) -> pl.DataFrame:
    """Set, class and group of `code id "Set- Class-Group"`.

    Sets hold no hyphen, classes and groups may. All codes of a two-letter prefix share their class, so without the
    label file the class is the longest start that their labels share, cut at its last hyphen.
    """
    rows, bad = [], None
    for number, line in enumerate(delimited.reader_lines(text), start=1):
        if not line.strip():
            continue
        match = _BETOS_LINE.match(line)
        parts = [" ".join(part.split()) for part in match[3].split("-", 1)] if match else []
        if len(parts) != 2 or "-" not in parts[1]:
            bad = bad or (number, line.strip())
            break
        rows.append((match[1].upper(), match[2][:2], parts[0], parts[1], number))
    if bad:
        raise SourceError(
            f'not a line of BETOS 2.0 (code id "Set- Class-Group"): {bad[1][:80]!r}',
            place=f"{path}:{bad[0]}",
            remedy="download the file again",
        )
    labels: dict[str, list[str]] = {}
    for _, prefix, _, rest, _ in rows:
        labels.setdefault(prefix, []).append(rest)
    classes = {}
    for prefix, rests in labels.items():
        # Character by character is what is wanted: these are labels, not paths.
        shared = os.path.commonprefix([rest.rsplit("-", 1)[0] + "-" for rest in rests])  # noqa: RUF071
        classes[prefix] = shared.rpartition("-")[0]
    staged = pl.DataFrame(
        [
            ("betos", code, _UNDATED, of_set, classes[prefix], rest[len(classes[prefix]) + 1 :].strip(), prefix, rest)
            + (path.name, number)
            for code, prefix, of_set, rest, number in rows
        ],
        schema=[
            *("category_source", "proc_cd", "effective_from", "procedure_set", "procedure_class", "procedure_group"),
            *("class_prefix", "class_and_group", "source_file", "source_row"),
        ],
        orient="row",
    )
    delimited.refuse_twice(staged, path, ["proc_cd"], "{proc_cd} is there twice")
    return delimited.staged(staged, "staged_category")


def _betos_labels(path: Path, text: str, columns: list[str]) -> pl.DataFrame:
    label = "betos_cat_name" if "betos_cat_name" in columns else "betos_level2_cat_name"
    delimited.require(path, columns, ["betos_code_start", label], "a BETOS 2.0 label file")
    data = delimited.frame(path, text)
    for column in ("betos_code_start", label):
        delimited.refuse(data, path, pl.col(column).is_null(), column, "where a value is needed")
    staged = data.select(
        category_source=pl.lit("betos"),
        prefix="betos_code_start",
        label=pl.col(label).str.replace_all(r"\s+", " "),
        source_file=pl.lit(path.name),
    )
    return delimited.staged(staged, "staged_category_label")


def _nucc(path: Path, text: str, columns: list[str], account: Account) -> pl.DataFrame:
    delimited.require(path, columns, ["code", "grouping", "classification", "specialization"], "a NUCC taxonomy")
    data = delimited.mended(delimited.frame(path, text), path, ("code",), account)
    bad = pl.col("code").is_null() | ~pl.col("code").str.contains(r"^[0-9A-Z]{9}X$")
    delimited.refuse(data, path, bad, "code", "is no taxonomy code")
    version = re.search(r"(\d{2})(\d)(?=\D*$)", path.stem)
    staged = data.select(
        taxonomy_code="code",
        grouping="grouping",
        classification="classification",
        specialization="specialization",
        display_name="display name" if "display name" in columns else pl.lit(None, dtype=pl.String),
        description=pl.concat_str("classification", "specialization", separator=", ", ignore_nulls=True),
        release=pl.lit(f"{version[1]}.{version[2]}" if version else None, dtype=pl.String),
        source_file=pl.lit(path.name),
        source_row="source_line",
    )
    delimited.refuse_twice(staged, path, ["taxonomy_code"], "{taxonomy_code} is there twice")
    return delimited.staged(staged, "staged_taxonomy")
