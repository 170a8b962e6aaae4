"""Frames to frames: what a table means.

What belongs here: the rules that make each table's rows. What must not come in: Luigi, paths, Great Expectations.
"""
