-- Which release of a schedule applies on a day: the rules that schedules.py names. Dates are text YYYY-MM-DD.
-- (The casts tell DuckDB the types, which it needs when a macro is made; pass columns or values, no subqueries, as day.)
-- Medicare's releases hold from their day to the next release, at most to 31 December of their year; the one in force
-- on the day applies, else the nearest of the same year (which is then the year's first), else none.
CREATE OR REPLACE MACRO applied_release(dates, day) AS coalesce(
  list_max(list_filter(CAST(dates AS VARCHAR[]), lambda d: d <= CAST(day AS VARCHAR) AND left(d, 4) = left(CAST(day AS VARCHAR), 4))),
  list_min(list_filter(CAST(dates AS VARCHAR[]), lambda d: d > CAST(day AS VARCHAR) AND left(d, 4) = left(CAST(day AS VARCHAR), 4))));
-- A state's workers' compensation schedule states no end: it holds until the next one.
CREATE OR REPLACE MACRO applied_schedule(dates, day) AS coalesce(
  list_max(list_filter(CAST(dates AS VARCHAR[]), lambda d: d <= CAST(day AS VARCHAR))),
  list_min(list_filter(CAST(dates AS VARCHAR[]), lambda d: d > CAST(day AS VARCHAR) AND left(d, 4) = left(CAST(day AS VARCHAR), 4))));
-- What `release` and `benchmark_source` say of it.
CREATE OR REPLACE MACRO release_text(release, effective_from, day) AS
  release || ' effective ' || effective_from || CASE WHEN effective_from <= day THEN ' (in force)' ELSE ' (nearest of its year)' END;
-- The day on which a fact's month is priced.
CREATE OR REPLACE MACRO first_day() AS getvariable('year_month') || '-01';
-- CPT are the codes of level I, whose first character is a digit; the others are level II.
CREATE OR REPLACE MACRO level_of(code) AS CASE WHEN left(code, 1) BETWEEN '0' AND '9' THEN 'CPT' ELSE 'HCPCS' END;
