"""The tree of enriched partition files (leaves), their manifest, and the catalog over the warehouse."""
