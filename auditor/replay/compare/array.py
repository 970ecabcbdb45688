"""Do two NumPy files (.npy, .npz) hold the same? Same type and shape; floats within tolerance. Needs no NumPy, runs no pickle.

Format: numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import ast
import struct
import zipfile
from dataclasses import dataclass
from math import prod
from typing import IO

from auditor.replay.compare.content import Content, NotComparable
from auditor.replay.compare.kind import Comparator
from auditor.replay.compare.ledger import Ledger
from auditor.replay.compare.numbers import CODES, Numbers, in_step

MAGIC = b"\x93NUMPY"


@dataclass(frozen=True)
class Header:
    """descr: NumPy's type string (`<f8`); shape; size: bytes of all values."""

    descr: str
    fortran: bool
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return prod(self.shape) * int(self.descr[2:])


def compare(expected: Content, actual: Content, ledger: Ledger) -> None:
    """Raises NotComparable, ValueError, struct.error, zipfile.BadZipFile for files that do not read."""
    with expected.open() as a, actual.open() as b:
        if expected.head().startswith(MAGIC):
            if arrays("", a, b, ledger) and (a.read(1) or b.read(1)):
                raise NotComparable("more than its values is in the file")
            return
        with zipfile.ZipFile(a) as one, zipfile.ZipFile(b) as other:
            archives(one, other, ledger)


def archives(a: zipfile.ZipFile, b: zipfile.ZipFile, ledger: Ledger) -> None:
    """Array by array; what is in one only is a difference of structure."""
    for name in sorted({*a.namelist(), *b.namelist()}):
        if name not in a.namelist() or name not in b.namelist():
            ledger.shape(name, *(("present", "absent") if name in a.namelist() else ("absent", "present")))
        else:
            with a.open(name) as x, b.open(name) as y:
                arrays(name.removesuffix(".npy"), x, y, ledger)


def arrays(name: str, x: IO[bytes], y: IO[bytes], ledger: Ledger) -> bool:
    """Were the values read? Not, where form or type already differ."""
    a, b = header(x), header(y)
    if a.shape != b.shape:
        ledger.shape(f"{name} shape", str(a.shape), str(b.shape))
    elif a.descr != b.descr or a.fortran != b.fortran:
        ledger.shape(f"{name} type", *(f"{h.descr}{' Fortran order' * h.fortran}" for h in (a, b)))
    else:
        in_step(x.read, y.read, Numbers(name, a.descr, ledger), a.size)
        return True
    return False


def header(file: IO[bytes]) -> Header:
    """Parse the head of one .npy file, versions 1 to 3."""
    raw = file.read(8)
    if raw[:6] != MAGIC:
        raise NotComparable("no .npy file")
    wide = raw[6] > 1
    size = struct.unpack("<I" if wide else "<H", file.read(4 if wide else 2))[0]
    if size > 1 << 16:
        raise NotComparable("a header that is too long")
    told = ast.literal_eval(file.read(size).decode("utf-8").strip())
    read = Header(told["descr"], bool(told["fortran_order"]), tuple(told["shape"]))
    if not isinstance(read.descr, str) or read.descr[1:] not in CODES:
        raise NotComparable(f"values of type {str(read.descr)[:40]}")
    return read


def _knows(head: bytes) -> bool:
    """An archive is one of arrays when its first member is: zip's local header, APPNOTE 4.3.7."""
    named = head[30 : 30 + int.from_bytes(head[26:28], "little")] if head.startswith(b"PK\x03\x04") else b""
    return head.startswith(MAGIC) or named.endswith(b".npy")


COMPARATOR = Comparator("numpy", ("npy", "npz"), compare, _knows)
