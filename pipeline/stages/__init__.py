"""The Luigi tasks, one a table: what it needs, where it stands, which transform makes it. No meaning of data."""
