"""Do two NumPy files (.npy, .npz) hold the same? Same type and shape; floats within tolerance. Needs no NumPy, runs no pickle.

Format: numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import ast
import io
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from auditor.replay.compare.tolerance import Compared, Ledger, Tolerance

LIMIT = 64 << 20
"""Bytes of one array: a Python loop over 8 million doubles takes seconds."""
CODES = {
    "f2": "e", "f4": "f", "f8": "d", "c8": "ff", "c16": "dd", "b1": "?",
    "i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q",
}  # fmt: skip


class NotComparable(ValueError):
    """An array whose values we do not read: objects, records, texts, or too large."""


@dataclass(frozen=True)
class Array:
    """descr: NumPy's type string (`<f8`); shape; data: the raw values."""

    descr: str
    fortran: bool
    shape: tuple[int, ...]
    data: bytes


def compare(expected: bytes, actual: bytes, tolerance: Tolerance) -> Compared:
    """Raises NotComparable, ValueError, struct.error, zipfile.BadZipFile for files that do not read."""
    ledger = Ledger(tolerance)
    if expected[:2] == b"PK":
        _archives(expected, actual, ledger)
    else:
        _arrays("", read(expected), read(actual), ledger)
    return ledger.verdict("numpy")


def _archives(expected: bytes, actual: bytes, ledger: Ledger) -> None:
    with zipfile.ZipFile(io.BytesIO(expected)) as a, zipfile.ZipFile(io.BytesIO(actual)) as b:
        names = {*a.namelist(), *b.namelist()}
        for name in sorted(names):
            if name not in a.namelist() or name not in b.namelist():
                ledger.differs(name, *(("present", "absent") if name in a.namelist() else ("absent", "present")))
            else:
                _arrays(name.removesuffix(".npy"), read(_member(a, name)), read(_member(b, name)), ledger)


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > LIMIT:
        raise NotComparable(f"{name} is larger than {LIMIT} bytes")
    return archive.read(name)


def read(raw: bytes) -> Array:
    """Parse one .npy file, versions 1 to 3."""
    if raw[:6] != b"\x93NUMPY":
        raise NotComparable("no .npy file")
    wide = raw[6] > 1
    size = struct.unpack("<I" if wide else "<H", raw[8 : 12 if wide else 10])[0]
    start = (12 if wide else 10) + size
    if size > 1 << 16:
        raise NotComparable("a header that is too long")
    header = ast.literal_eval(raw[12 if wide else 10 : start].decode("utf-8").strip())
    array = Array(header["descr"], header["fortran_order"], header["shape"], raw[start:])
    if not isinstance(array.descr, str) or array.descr[1:] not in CODES or len(array.data) > LIMIT:
        raise NotComparable(f"values of type {str(array.descr)[:40]}")
    if len(array.data) != prod(array.shape) * int(array.descr[2:]):
        raise NotComparable("as many values as its shape says are not there")
    return array


def _arrays(name: str, a: Array, b: Array, ledger: Ledger) -> None:
    if a.shape != b.shape:
        ledger.differs(f"{name} shape", str(a.shape), str(b.shape))
    elif a.descr[1:] != b.descr[1:] or a.fortran != b.fortran:
        ledger.differs(f"{name} type", f"{a.descr}{' Fortran order' * a.fortran}", f"{b.descr}{' Fortran order' * b.fortran}")
    else:
        exact = a.descr[1] in "iub"
        for index, (x, y) in enumerate(zip(_values(a), _values(b), strict=True)):
            if x != y and exact:
                ledger.differs(f"{name}[{index}]", repr(x), repr(y))
            elif x != y:  # also NaN, which is not equal to itself
                ledger.number(f"{name}[{index}]", x, y)


def _values(array: Array) -> Iterator[float]:
    order = ">" if array.descr[0] == ">" else "<"
    for row in struct.iter_unpack(order + CODES[array.descr[1:]], array.data):
        yield from row
