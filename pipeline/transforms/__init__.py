"""Frames to frames: what a table means. No Luigi, no paths, no Great Expectations."""
