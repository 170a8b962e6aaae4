"""Is a table fit to be published? Great Expectations suites over DuckDB, and the Data Docs.

What must not come in: what follows from a verdict.
"""
