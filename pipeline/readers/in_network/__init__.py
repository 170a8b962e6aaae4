"""In-network files: bytes to staged rows. `read` begins.

Nothing is imported here: tables of contents and fetching share field rules with this package, and must not load Numba.

What belongs here: reading one in-network file. What must not come in: the choice between files, which rates are facts
(`transforms`).
"""
