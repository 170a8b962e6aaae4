"""JSON as a stream: decompressed bytes, a cursor over them, and where in the file it stands.

What must not come in: what a key means.
"""
