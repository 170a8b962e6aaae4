"""Bytes to frames, one module per publisher's format.

What belongs here: reading one file. What must not come in: Luigi, a warehouse's paths, a choice between files.
"""
