"""Which raw files there are, which of them are sources, and what became of those that are not seen any more.

What must not come in: reading a raw file's content, Luigi tasks.
"""
