"""What is on disk: files, their hashes and stamps, and how they are written, read and published.

What must not come in: what any one table means, what a publisher's format is, Luigi.
"""
