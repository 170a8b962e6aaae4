"""Numba: how functions are compiled here, and kernels that more than one room uses.

What must not come in: opening a file, what a number means.
"""
