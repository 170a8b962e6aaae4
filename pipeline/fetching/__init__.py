"""Getting files over the network, for `ratehouse fetch` and `ratehouse toc` alone: a build never does.

`ledger` what was fetched, and what failed · `client` one address to a file on disk · `batch` many addresses

What must not come in: reading what was fetched as rows (`readers`), building.
"""
