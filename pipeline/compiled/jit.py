"""Numba as this project uses it: two decorators, for what compiled code calls and for what Python calls; and memory by
its address, for code of many small functions.

What belongs here: how functions are compiled, and what Numba would do at its start that nothing here needs. What must
not come in: a compiled function.

An array is seven arguments of a compiled function, and a tuple of arrays is all of theirs: twenty functions that hand
two dozen arrays to each other take 6 s to be compiled, and 3 s where they hand addresses. Whoever calls such a function
keeps the arrays alive, and sees that nothing is asked for beyond their ends.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, config, types
from numba.extending import intrinsic
from numba.misc.appdirs import user_cache_dir
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


def cache(package: Path) -> str:
    """A folder for what is compiled from the sources as they are: Numba would only look at the file of the function that
    Python calls, and run what it had compiled before of a function that is called by that one, and was changed since.

    Compiled code comes from the modules of `pipeline.compiled`, and from those that name this room.
    """
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        text = path.read_bytes()
        if b"pipeline.compiled" in text or path.parent.name == "compiled":
            digest.update(text)
    beside = (
        package / "__pycache__" if os.access(package, os.W_OK) else Path(user_cache_dir("ratehouse", appauthor=False))
    )
    return str(Path(config.CACHE_DIR or beside) / f"compiled-{digest.hexdigest()[:16]}")


config.CACHE_DIR = cache(Path(__file__).parent.parent)

# Called by compiled code alone.
inner = numba.njit(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
# Called by Python.
entry = numba.njit(cache=True, nogil=True, no_cfunc_wrapper=True)


def address(array: np.ndarray) -> int:
    """Where a contiguous array lies; it must be kept as long as the address is used."""
    return array.__array_interface__["data"][0]


def _place(builder, at, kind):
    return builder.inttoptr(at, kind.as_pointer())


@intrinsic
def byte(typing, at):
    """The byte at an address."""

    def load(context, builder, signature, arguments):
        return builder.zext(builder.load(_place(builder, arguments[0], ir.IntType(8))), ir.IntType(64))

    return types.int64(types.int64), load


@intrinsic
def put8(typing, array, i, value):
    """Set byte i of the array at an address."""

    def store(context, builder, signature, arguments):
        value = builder.trunc(arguments[2], ir.IntType(8))
        builder.store(value, builder.gep(_place(builder, arguments[0], ir.IntType(8)), [arguments[1]]))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), store


@intrinsic
def word(typing, at):
    """Eight bytes at an address as one number."""

    def load(context, builder, signature, arguments):
        return builder.load(_place(builder, arguments[0], ir.IntType(64)), align=1)

    return types.uint64(types.int64), load


@intrinsic
def trailing_zeros(typing, number):
    """The zero bits below the lowest one of a number; 64 of 0."""

    def counted(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.IntType(1)(0))

    return types.int64(types.uint64), counted


@intrinsic
def get(typing, array, i):
    """Number i of the int64 array at an address."""

    def load(context, builder, signature, arguments):
        return builder.load(builder.gep(_place(builder, arguments[0], ir.IntType(64)), [arguments[1]]))

    return types.int64(types.int64, types.int64), load


@intrinsic
def put(typing, array, i, value):
    """Set number i of the int64 array at an address."""

    def store(context, builder, signature, arguments):
        builder.store(arguments[2], builder.gep(_place(builder, arguments[0], ir.IntType(64)), [arguments[1]]))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), store


@intrinsic
def get_double(typing, array, i):
    """Number i of the float64 array at an address."""

    def load(context, builder, signature, arguments):
        return builder.load(builder.gep(_place(builder, arguments[0], ir.DoubleType()), [arguments[1]]))

    return types.float64(types.int64, types.int64), load


@intrinsic
def put_double(typing, array, i, value):
    """Set number i of the float64 array at an address."""

    def store(context, builder, signature, arguments):
        builder.store(arguments[2], builder.gep(_place(builder, arguments[0], ir.DoubleType()), [arguments[1]]))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.float64), store


@intrinsic
def get32(typing, array, i):
    """Number i of the int32 array at an address."""

    def load(context, builder, signature, arguments):
        found = builder.load(builder.gep(_place(builder, arguments[0], ir.IntType(32)), [arguments[1]]))
        return builder.sext(found, ir.IntType(64))

    return types.int64(types.int64, types.int64), load


@intrinsic
def put32(typing, array, i, value):
    """Set number i of the int32 array at an address."""

    def store(context, builder, signature, arguments):
        value = builder.trunc(arguments[2], ir.IntType(32))
        builder.store(value, builder.gep(_place(builder, arguments[0], ir.IntType(32)), [arguments[1]]))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), store


@intrinsic
def copy(typing, target, source, size):
    """Copy bytes from one address to another."""

    def store(context, builder, signature, arguments):
        pointer = ir.IntType(8).as_pointer()
        target, source = (builder.inttoptr(a, pointer) for a in arguments[:2])
        cgutils.raw_memcpy(builder, target, source, arguments[2], 1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), store


@intrinsic
def prefetch(typing, at):
    """Say that what lies at an address is read soon."""

    def said(context, builder, signature, arguments):
        number = ir.IntType(32)
        pointer = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        called = builder.module.declare_intrinsic("llvm.prefetch", [pointer], kind)
        builder.call(called, [builder.inttoptr(arguments[0], pointer), number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(types.int64), said


@entry
def _one():
    return 1


def start() -> None:
    """Have Numba learn what it needs before any compiled function runs: a quarter of a second, once and not in each of the
    processes that are forked from this one. Starts no thread."""
    _one()


def compiled(module: str) -> bool:
    """Whether anything of a module of that name was compiled from the sources as they are."""
    return any(path.name.startswith(f"{module}.") for path in Path(config.CACHE_DIR).rglob("*.nbi"))
