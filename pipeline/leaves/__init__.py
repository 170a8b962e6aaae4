"""The tree of enriched partition files (leaves), their manifest, and the catalog over the warehouse.

What belongs here: writing, listing and removing leaves, and the catalog. What must not come in: which rows a leaf has
(`transforms.leaf_plan`), Luigi.
"""
