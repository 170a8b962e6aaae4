"""Numba as this project uses it: two decorators, for what compiled code calls and for what Python calls.

What belongs here: how functions are compiled, and what Numba would do at its start that nothing here needs. What must
not come in: a compiled function.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numba
from numba.np import linalg


@contextlib.contextmanager
def _no_blas() -> Iterator[None]:
    """Before its first function runs, Numba imports all of scipy.linalg to learn whether it could multiply matrices:
    a quarter of a second, and more than a file of 20 MB takes to be scanned. Nothing here multiplies any."""

    def absent() -> None:
        raise ImportError("BLAS is not looked for")

    before, linalg.ensure_blas = linalg.ensure_blas, absent
    try:
        yield
    finally:
        linalg.ensure_blas = before


with _no_blas():
    import numba.np.arraymath

# Called by compiled code alone.
inner = numba.njit(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
# Called by Python.
entry = numba.njit(cache=True, nogil=True, no_cfunc_wrapper=True)
