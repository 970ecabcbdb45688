"""How is a layer's tar read as it comes, believing nothing that it says of its own sizes? Forwards only, and to its very end."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from typing import Any, BinaryIO

from probes.containers.compressed import Unreadable
from probes.containers.limits import Budget

_AT_ONCE = 4 << 20


def digest(member: tarfile.TarInfo, tar: tarfile.TarFile, source: Forward) -> bytes:
    """sha256 of a file's content, read from where the stream stands. Raises Unreadable."""
    hash_ = hashlib.sha256()
    if member.issparse():
        for piece in _sparse(member, tar, source):
            hash_.update(piece)
        return hash_.digest()
    left = member.size
    while left > 0:
        piece = source.read(min(left, 1 << 18))
        if not piece:
            raise Unreadable("cut short in the middle of a file")
        hash_.update(piece)
        left -= len(piece)
    return hash_.digest()


def _sparse(member: tarfile.TarInfo, tar: tarfile.TarFile, source: Forward) -> Iterator[bytes]:
    file: Any = tar.extractfile(member)
    left = member.size
    while left > 0 and (piece := file.read(min(left, 1 << 18))):
        source.budget.spend(len(piece))
        left -= len(piece)
        yield piece
    if left:
        raise Unreadable("cut short in the middle of a file")


class Forward:
    """A stream as `tarfile` wants one: it may look where it is, and go on. Reads are limited, since lengths are whatever the tar says."""

    def __init__(self, source: BinaryIO, budget: Budget) -> None:
        self._source = source
        self.budget = budget
        self._place = 0
        self._last = b""

    def read(self, size: int) -> bytes:
        if not 0 <= size <= _AT_ONCE:
            raise Unreadable(f"a head of {size} bytes")
        out = self._source.read(size)
        self._place += len(out)
        self._last = out
        self.budget.spend(len(out))
        return out

    def tell(self) -> int:
        return self._place

    def seek(self, place: int) -> int:
        if place < self._place:
            raise Unreadable("an entry lies before itself")
        while self._place < place:
            if not self.read(min(place - self._place, 1 << 18)):
                raise Unreadable("cut short")
        return place

    def check_end(self) -> None:
        """A tar ends in a block of zeros; `tarfile` does not mind when it is missing, and half a layer is not a layer."""
        if self._last.count(0) != 512:
            raise Unreadable("cut short: the layer's end is missing")
        while self.read(1 << 18):
            pass  # a packed layer's own checksum comes last
