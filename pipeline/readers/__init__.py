"""Bytes to frames, one module per publisher's format. No Luigi, no warehouse paths, no choice between files."""
