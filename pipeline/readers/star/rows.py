"""The rows of a star schema that somebody else made -> typed tables of `staged_star`.

What belongs here: the SELECTs that turn its files into our tables. What must not come in: which file is which table
(`star.layout`), what may not be in one (`star.checks`), choosing between sources.
"""

from __future__ import annotations

from pipeline import tables
from pipeline.readers.star.layout import TABLES, Star, columns_of
from pipeline.storage import duck

_SQL_TYPES = {"text": "VARCHAR", "number": "DOUBLE", "id": "VARCHAR", "list": "VARCHAR[]"}


def views(star: Star, prefix: str = "given", billing_class: str | None = None) -> dict[str, str]:
    """View name -> SELECT: `<prefix>_<table>` with all columns of `columns_of` (null where the file lacks one) and
    `place`, the row's number in its file; and `<prefix>_facts`, the facts in our columns and spelling.

    A fact's name of the payer and group id come by the guidelines' joins where its own file lacks them; `billing_class` is
    that of facts that have none.
    """
    found = {}
    for table in TABLES:
        file = star.files.get(table)
        pieces = []
        for column in columns_of(table):
            given = duck.identifier(file.columns[column.name]) if file and column.name in file.columns else "NULL"
            pieces.append(f"CAST({given} AS {_SQL_TYPES[column.kind]}) AS {duck.identifier(column.name)}")
        if file:
            scanned = duck.parquet_files(file.path, numbered=True)
            found[f"{prefix}_{table}"] = f"SELECT {', '.join(pieces)}, file_row_number AS place FROM {scanned}"
        else:
            found[f"{prefix}_{table}"] = f"SELECT {', '.join(pieces)}, CAST(NULL AS BIGINT) AS place WHERE FALSE"
    found[f"{prefix}_facts"] = _facts(star, prefix, billing_class)
    return found


def _facts(star: Star, prefix: str, billing_class: str | None) -> str:
    given = star.files["fact_rate"].columns
    name, raw, joins = "f.reporting_entity_name", "f.provider_group_id_raw", ""
    if "payer_slug" in given and "dim_payer" in star.files:
        name = f"coalesce({name}, p.reporting_entity_name)"
        joins += f""" LEFT JOIN (SELECT payer_slug, min(reporting_entity_name) AS reporting_entity_name
            FROM {prefix}_dim_payer GROUP BY payer_slug) AS p ON p.payer_slug = f.payer_slug"""
    if "provider_group_id_raw" not in given:
        raw = "g.provider_group_id_raw"
        joins += f""" LEFT JOIN (SELECT pg_uid, min(provider_group_id_raw) AS provider_group_id_raw
            FROM {prefix}_dim_provider_group GROUP BY pg_uid) AS g ON g.pg_uid = f.pg_uid"""
    return f"""
SELECT f.fact_uid, f.state, f.year_month, {name} AS reporting_entity_name,
  coalesce(nullif(lower(trim(f.billing_class)), ''), {duck.literal(billing_class)}) AS billing_class, upper(trim(f.code_type)) AS code_type, upper(trim(f.code)) AS code,
  f.pg_uid, f.pos_set_id, lower(trim(f.negotiated_type)) AS negotiated_type,
  lower(trim(f.negotiation_arrangement)) AS negotiation_arrangement, f.negotiated_rate,
  CASE WHEN f.expiration_date NOT LIKE '9999%' THEN f.expiration_date END AS expiration_date,
  {raw} AS provider_group_id_raw, f.billing_code_modifiers, f.additional_information, f.setting,
  f.severity_of_illness, f.network_names, f.contained_codes_uid, f.pg_members_uid
FROM {prefix}_fact_rate AS f{joins}"""


# Staged table -> SELECT over the given views. Variables: batch_id (the id), first_month and last_month of the facts.
# Of rows that share a key the first in the order of their own values is taken, whatever their order in the file; of
# addresses, whose order says which is the main one, the first in the file.
STAGED = {
    "star_code": """
        SELECT upper(trim(code_type)) AS code_type, upper(trim(code)) AS code, code_desc, name
        FROM given_dim_code WHERE code_type IS NOT NULL AND code IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY upper(trim(code_type)), upper(trim(code))
          ORDER BY code_desc NULLS LAST, name NULLS LAST) = 1""",
    "star_code_cat": """
        SELECT upper(trim(proc_cd)) AS proc_cd, procedure_set, procedure_class, procedure_group
        FROM given_dim_code_cat WHERE proc_cd IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY upper(trim(proc_cd))
          ORDER BY procedure_set NULLS LAST, procedure_class NULLS LAST, procedure_group NULLS LAST) = 1""",
    "star_payer": """
        SELECT reporting_entity_name, slugify(reporting_entity_name) AS payer_slug, reporting_entity_type, version
        FROM (
          SELECT reporting_entity_name, reporting_entity_type, version FROM given_dim_payer
          UNION ALL
          SELECT DISTINCT reporting_entity_name, NULL, NULL FROM given_facts
        )
        WHERE reporting_entity_name IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY reporting_entity_name
          ORDER BY reporting_entity_type NULLS LAST, version NULLS LAST) = 1""",
    # The guide's own slip is mended here: ['n', 'u', 'l'] is no code. The MD5 of '' is the empty set, listed or not.
    "star_pos_set": """
        SELECT pos_set_id, pos_members
        FROM (
          SELECT pos_set_id, list_sort(list_distinct(list_filter(
            coalesce(pos_members, []), lambda pos: regexp_full_match(pos, '[0-9]{2}|CSTM-00')))) AS pos_members
          FROM given_dim_pos_set
          UNION ALL
          SELECT DISTINCT pos_set_id, []::VARCHAR[] FROM given_facts WHERE pos_set_id = md5('')
        )
        WHERE pos_set_id IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY pos_set_id ORDER BY pos_members) = 1""",
    "star_tin": """
        SELECT tin_type, tin_value, business_name
        FROM (
          SELECT tin_type, tin_value, business_name FROM given_dim_tin
          UNION ALL
          SELECT tin_type, tin_value, NULL FROM given_xref_group_tin
        )
        WHERE tin_type IS NOT NULL AND tin_value IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY tin_type, tin_value ORDER BY business_name NULLS LAST) = 1""",
    "star_npi": """
        WITH listed AS (
          SELECT * EXCLUDE (place), coalesce(enumeration_type, status, first_name, last_name, organization_name,
            primary_taxonomy_code, last_updated) IS NOT NULL AS described
          FROM given_dim_npi
          UNION ALL BY NAME
          SELECT DISTINCT npi, FALSE AS described FROM given_xref_group_npi
        )
        SELECT * REPLACE (
          CASE upper(status) WHEN 'ACTIVE' THEN 'A' WHEN 'DEACTIVATED' THEN 'D' ELSE status END AS status)
        FROM listed WHERE npi IS NOT NULL AND npi <> '0'
        QUALIFY row_number() OVER (PARTITION BY npi ORDER BY described DESC, last_updated DESC NULLS LAST,
          status NULLS LAST, primary_taxonomy_code NULLS LAST, to_json(listed)::VARCHAR) = 1""",
    "star_npi_address": """
        WITH first AS (
          FROM given_dim_npi_address
          WHERE npi IS NOT NULL AND address_purpose IS NOT NULL AND address_hash IS NOT NULL
          QUALIFY row_number() OVER (PARTITION BY npi, address_purpose, address_hash ORDER BY place) = 1
        )
        SELECT *, row_number() OVER (PARTITION BY npi, address_purpose ORDER BY place) AS position FROM first""",
    # What the guidelines fill in where a place is not known says nothing of where it is.
    "star_npi_address_geolocation": """
        SELECT npi, address_hash,
          CASE WHEN latitude <> 0 OR longitude <> 0 THEN latitude END AS latitude,
          CASE WHEN latitude <> 0 OR longitude <> 0 THEN longitude END AS longitude,
          nullif(county_name, 'Unknown') AS county_name, nullif(county_fips, '00000') AS county_fips,
          nullif(stat_area_name, 'Unknown') AS stat_area_name, nullif(stat_area_code, '00000') AS stat_area_code,
          nullif(matched_address, 'Not Geocoded') AS matched_address
        FROM given_dim_npi_address_geolocation
        WHERE npi IS NOT NULL AND address_hash IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY npi, address_hash ORDER BY latitude NULLS LAST, longitude NULLS LAST,
          county_fips NULLS LAST, stat_area_code NULLS LAST, stat_area_name NULLS LAST, county_name NULLS LAST,
          matched_address NULLS LAST) = 1""",
}
# The same of one month (variable year_month). A group belongs to the payer and month whose facts name it.
_GROUPS = """
        WITH named AS (
          SELECT slugify(reporting_entity_name) AS payer_slug, pg_uid, min(provider_group_id_raw) AS provider_group_id_raw,
            min(pg_members_uid) AS pg_members_uid, min(network_names) AS network_names
          FROM given_facts WHERE year_month = getvariable('year_month')
          GROUP BY ALL
        ), npis AS (
          SELECT DISTINCT n.payer_slug, n.pg_uid, x.npi
          FROM given_xref_group_npi AS x JOIN named AS n USING (pg_uid)
          WHERE x.npi <> '0' AND coalesce(x.year_month, getvariable('year_month')) = getvariable('year_month')
        ), tins AS (
          SELECT DISTINCT n.payer_slug, n.pg_uid, x.tin_type, x.tin_value
          FROM given_xref_group_tin AS x JOIN named AS n USING (pg_uid)
          WHERE x.tin_type IS NOT NULL AND x.tin_value IS NOT NULL
            AND coalesce(x.year_month, getvariable('year_month')) = getvariable('year_month')
        )"""
STAGED_OF_MONTH = {
    "star_fact": """
        SELECT DISTINCT *, 1 AS source_count FROM given_facts WHERE year_month = getvariable('year_month')""",
    "star_group": f"""{_GROUPS}, described AS (
          SELECT pg_uid, min(network_names) AS network_names, min(version) AS version
          FROM given_dim_provider_group
          WHERE coalesce(year_month, getvariable('year_month')) = getvariable('year_month')
          GROUP BY pg_uid
        ), payers AS (
          SELECT slugify(reporting_entity_name) AS payer_slug, min(version) AS version FROM given_dim_payer GROUP BY ALL
        )
        SELECT n.payer_slug, n.pg_uid, n.provider_group_id_raw, n.pg_members_uid,
          coalesce(n.network_names, d.network_names) AS network_names, coalesce(d.version, p.version) AS version,
          (n.payer_slug, n.pg_uid) IN (SELECT (payer_slug, pg_uid) FROM npis)
            OR (n.payer_slug, n.pg_uid) IN (SELECT (payer_slug, pg_uid) FROM tins) AS has_members
        FROM named AS n
        LEFT JOIN described AS d ON d.pg_uid = n.pg_uid
        LEFT JOIN payers AS p ON p.payer_slug = n.payer_slug""",
    "star_group_npi": f"{_GROUPS} SELECT * FROM npis",
    "star_group_tin": f"{_GROUPS} SELECT * FROM tins",
}


def select(table: str) -> str:
    """The SELECT of a staged table with its declared columns, in its order, over the views of `views`."""
    declared = tables.get(table)
    text = STAGED.get(table) or STAGED_OF_MONTH[table]
    variables = ("batch_id", "first_month", "last_month", "year_month")
    given = [v for v in variables if v in declared.columns and (table, v) != ("star_fact", "year_month")]
    added = "".join(f", getvariable('{name}') AS {name}" for name in given)
    columns = ", ".join(
        f"CAST({duck.identifier(c)} AS {kind}) AS {duck.identifier(c)}" for c, kind in declared.duckdb_columns.items()
    )
    order = ", ".join(f"{duck.identifier(c)} NULLS FIRST" for c in declared.sort)
    return f"SELECT {columns} FROM (SELECT *{added} FROM ({text})) ORDER BY {order}"
