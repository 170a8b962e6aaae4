"""The compiled pass over the bytes of an in-network file, and nothing else.

What must not come in: Python objects for rates, what a field means (`mrf_fields`).
"""
